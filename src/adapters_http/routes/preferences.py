from collections.abc import Sequence
from typing import Final

import attrs
from aiohttp import web

from adapters_http.form_texts import PREFERENCES_FORM
from adapters_http.forms import Form
from adapters_http.pages import wants_json
from adapters_http.patience import promptly
from adapters_http.preference_forms import PreferenceForms, evidence_of, token_of
from adapters_http.problems import STATUSES
from zero2prod_core.domain.durations import spoken
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.errors import Refusal
from zero2prod_core.usecases.policy import MANAGE_LASTS

__all__ = ["PreferencePages"]

# Any text, even none, so that a link that was cut off is told what is wrong with it.
LINK: Final = "/preferences/{token:[^/]*}"


@attrs.frozen
class PreferencePages(PreferenceForms):
    """What an issue's link opens, and how to get the link that shows more: for anybody, without cookies."""

    has_several = False

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
        form = await self.read(request)
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
        return await self.show_again(request)

    async def unsubscribe(self, request: web.Request) -> web.Response:
        form = await self.read(request)
        everywhere = bool(form.text("all"))
        leave = self.preferences.unsubscribe(token_of(request), evidence_of(request, form), everywhere=everywhere)
        template = "unsubscribed_everywhere.html" if everywhere else "unsubscribed.html"
        return self.pages.about(request, template, await promptly(leave))

    async def ask_link(self, request: web.Request) -> web.Response:
        form = await self.read(request)
        newsletter = await promptly(self.preferences.ask_link(token_of(request), evidence_of(request, form)))
        return self._asked(request, newsletter)

    async def again(self, request: web.Request, form: Form, refusal: Refusal) -> web.Response:
        """The question for an e-mail address, with what was typed and why that was refused."""
        return self._question(request, form, refusal)

    def _question(self, request: web.Request, form: Form = Form.EMPTY, refusal: Refusal | None = None) -> web.Response:
        status = STATUSES[refusal.code] if refusal else 200
        return self.pages.shown(request, "preferences_ask.html", status, form=form, refusal=refusal)

    def _asked(self, request: web.Request, newsletter: Newsletter | None = None) -> web.Response:
        lasts = spoken(MANAGE_LASTS)
        if newsletter is None:
            return self.pages.shown(request, "preferences_asked.html", lasts=lasts)
        return self.pages.about(request, "preferences_asked.html", newsletter, lasts=lasts)

    async def show_again(
        self, request: web.Request, form: Form = Form.EMPTY, refusal: Refusal | None = None, done: str = ""
    ) -> web.Response:
        token = token_of(request)
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
