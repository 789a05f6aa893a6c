from collections.abc import Sequence
from datetime import date
from typing import Final

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.form_texts import PREFERENCES_FORM
from adapters_http.forms import Form, read_form
from adapters_http.middleware.requests import origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from adapters_http.problems import STATUSES
from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.pauses import parse_day
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal
from zero2prod_core.usecases.deliveries import in_words
from zero2prod_core.usecases.policy import MANAGE_LASTS
from zero2prod_core.usecases.preferences import Preferences

__all__ = ["EMPTY", "RENAMED", "RESUMED", "PreferencePages", "evidence_of", "paused", "until"]

# Any text, even none, so that a link that was cut off is told what is wrong with it.
LINK: Final = "/preferences/{token:[^/]*}"

EMPTY: Final = Form({})

RENAMED: Final = "The name is changed."
RESUMED: Final = "No pause lasts any more. Who is subscribed gets the next issue."


@attrs.frozen
class PreferencePages:
    """What an issue's link opens, and how to get the link that shows more: for anybody, without cookies."""

    pages: Pages
    preferences: Preferences
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/preferences", self.show_question),
            web.post("/preferences", self.ask),
            web.get(LINK, self.show),
            web.post(f"{LINK}/name", self.rename),
            web.post(f"{LINK}/pause", self.pause),
            web.post(f"{LINK}/unsubscribe", self.unsubscribe),
            web.post(f"{LINK}/link", self.ask_link),
        ]

    async def show_question(self, request: web.Request) -> web.Response:
        return self._question(request)

    async def ask(self, request: web.Request) -> web.Response:
        """The answer is the same whatever is known of the e-mail address."""
        form = await self._form(request)
        try:
            email = EmailAddress.parse(form.text("email"))
        except Refusal as refusal:
            if wants_json(request):
                raise
            return self._question(request, form, refusal)
        await promptly(self.preferences.ask_link_by_email(email, evidence_of(request, form)))
        return self._asked(request)

    async def show(self, request: web.Request) -> web.Response:
        """A page with forms, and nothing of whom it is about: mail scanners follow links, and mails are forwarded."""
        return await self._shown(request)

    async def rename(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        try:
            name = SubscriberName.parse(form.text("name"))
        except (FieldMissing, FieldInvalid) as refusal:
            return await self._refused(request, form, refusal)
        await promptly(self.preferences.rename(_token(request), name, evidence_of(request, form)))
        return await self._shown(request, done=RENAMED)

    async def pause(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        try:
            day = until(form)
            await promptly(self.preferences.pause(_token(request), day, evidence_of(request, form)))
        except (FieldMissing, FieldInvalid) as refusal:
            return await self._refused(request, form, refusal)
        return await self._shown(request, done=paused(day))

    async def unsubscribe(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        everywhere = bool(form.text("all"))
        leave = self.preferences.unsubscribe(_token(request), evidence_of(request, form), everywhere=everywhere)
        template = "unsubscribed_everywhere.html" if everywhere else "unsubscribed.html"
        return self.pages.about(request, template, await promptly(leave))

    async def ask_link(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        newsletter = await promptly(self.preferences.ask_link(_token(request), evidence_of(request, form)))
        return self._asked(request, newsletter)

    async def _form(self, request: web.Request) -> Form:
        return await read_form(request, self.config.largest_form, self.config.body_seconds)

    def _question(self, request: web.Request, form: Form = EMPTY, refusal: Refusal | None = None) -> web.Response:
        status = STATUSES[refusal.code] if refusal else 200
        return self.pages.shown(request, "preferences_ask.html", status, form=form, refusal=refusal)

    def _asked(self, request: web.Request, newsletter: Newsletter | None = None) -> web.Response:
        lasts = in_words(MANAGE_LASTS)
        if newsletter is None:
            return self.pages.shown(request, "preferences_asked.html", lasts=lasts)
        return self.pages.about(request, "preferences_asked.html", newsletter, lasts=lasts)

    async def _refused(self, request: web.Request, form: Form, refusal: Refusal) -> web.Response:
        if wants_json(request):
            raise refusal
        return await self._shown(request, form, refusal)

    async def _shown(
        self, request: web.Request, form: Form = EMPTY, refusal: Refusal | None = None, done: str = ""
    ) -> web.Response:
        token = _token(request)
        newsletter = await promptly(self.preferences.check(token))
        return self.pages.about(
            request,
            "preferences.html",
            newsletter,
            STATUSES[refusal.code] if refusal else 200,
            text=PREFERENCES_FORM,
            here=f"/preferences/{token}",
            form=form,
            refusal=refusal,
            done=done,
        )


def _token(request: web.Request) -> str:
    return request.match_info["token"]


def evidence_of(request: web.Request, form: Form) -> Evidence:
    return PREFERENCES_FORM.evidence(origin_of(request), "mail", form.text("form"))


def until(form: Form) -> date | None:
    """Until when there are to be no issues; None where a pause is to end.

    Raises:
        FieldMissing, FieldInvalid: see `parse_day`.
    """
    return None if form.text("resume") else parse_day(form.text("until"))


def paused(day: date | None) -> str:
    """What was done, in words that hold for whoever is not subscribed as well."""
    return RESUMED if day is None else f"No issues come until {day}. Then the pause ends by itself."
