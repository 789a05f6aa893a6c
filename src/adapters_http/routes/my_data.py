import json
from collections.abc import Mapping, Sequence
from typing import Final

import attrs
from aiohttp import hdrs, web

from adapters_http.config import HttpConfig
from adapters_http.form_texts import PREFERENCES_FORM
from adapters_http.forms import Form, read_form
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from adapters_http.problems import STATUSES
from adapters_http.routes.preferences import EMPTY, RENAMED, evidence_of, paused, until
from zero2prod_core.domain.newsletters import Slug
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal
from zero2prod_core.usecases.preferences import Preferences

__all__ = ["MyDataPages"]

LINK: Final = "/preferences/mine/{token:[^/]*}"

LEFT: Final = "You get no more issues of this newsletter."
LEFT_ALL: Final = "You get no more issues of any newsletter from here."

STATUSES_IN_WORDS: Final[Mapping[str, str]] = {
    Status.PENDING.value: "Waits for you to confirm.",
    Status.CONFIRMED.value: "Subscribed.",
    Status.UNSUBSCRIBED.value: "Unsubscribed.",
    Status.BOUNCED.value: "Mails came back, so none are sent any more.",
    Status.COMPLAINED.value: "Reported as unwanted, so none are sent any more.",
}

FILE: Final = 'attachment; filename="my-data.json"'


@attrs.frozen
class MyDataPages:
    """What the link opens that was mailed when it was asked for: all that is kept of one e-mail address."""

    pages: Pages
    preferences: Preferences
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get(LINK, self.show),
            web.post(f"{LINK}/name", self.rename),
            web.post(f"{LINK}/pause", self.pause),
            web.post(f"{LINK}/unsubscribe", self.unsubscribe),
            web.post(f"{LINK}/data", self.download),
            web.get(f"{LINK}/erase", self.show_erasure),
            web.post(f"{LINK}/erase", self.erase),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self._shown(request)

    async def rename(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        try:
            name = SubscriberName.parse(form.text("name"))
        except (FieldMissing, FieldInvalid) as refusal:
            return await self._refused(request, form, refusal)
        evidence, newsletter = evidence_of(request, form), Slug.parse(form.text("newsletter"))
        await promptly(self.preferences.rename(_token(request), name, evidence, newsletter))
        return await self._shown(request, done=RENAMED)

    async def pause(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        evidence, newsletter = evidence_of(request, form), Slug.parse(form.text("newsletter"))
        try:
            day = until(form)
            await promptly(self.preferences.pause(_token(request), day, evidence, newsletter))
        except (FieldMissing, FieldInvalid) as refusal:
            return await self._refused(request, form, refusal)
        return await self._shown(request, done=paused(day))

    async def unsubscribe(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        evidence, newsletter = evidence_of(request, form), Slug.parse(form.text("newsletter"))
        everywhere = bool(form.text("all"))
        await promptly(self.preferences.unsubscribe(_token(request), evidence, newsletter, everywhere=everywhere))
        return await self._shown(request, done=LEFT_ALL if everywhere else LEFT)

    async def download(self, request: web.Request) -> web.Response:
        """A file, by POST: what follows links does not fetch it."""
        form = await self._form(request)
        data = await promptly(self.preferences.data(_token(request), evidence_of(request, form)))
        text = json.dumps(data, ensure_ascii=False, indent=2)
        return web.Response(text=text, content_type="application/json", headers={hdrs.CONTENT_DISPOSITION: FILE})

    async def show_erasure(self, request: web.Request) -> web.Response:
        """The question, on a page of its own: it needs no script."""
        mine = await promptly(self.preferences.show(_token(request)))
        return self.pages.shown(request, "erase.html", mine=mine, here=_here(request))

    async def erase(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        await promptly(self.preferences.erase(_token(request), evidence_of(request, form)))
        return self.pages.shown(request, "erased.html")

    async def _form(self, request: web.Request) -> Form:
        return await read_form(request, self.config.largest_form, self.config.body_seconds)

    async def _refused(self, request: web.Request, form: Form, refusal: Refusal) -> web.Response:
        if wants_json(request):
            raise refusal
        return await self._shown(request, form, refusal)

    async def _shown(
        self, request: web.Request, form: Form = EMPTY, refusal: Refusal | None = None, done: str = ""
    ) -> web.Response:
        mine = await promptly(self.preferences.show(_token(request)))
        return self.pages.shown(
            request,
            "my_data.html",
            STATUSES[refusal.code] if refusal else 200,
            mine=mine,
            text=PREFERENCES_FORM,
            statuses=STATUSES_IN_WORDS,
            here=_here(request),
            form=form,
            refusal=refusal,
            done=done,
        )


def _token(request: web.Request) -> str:
    return request.match_info["token"]


def _here(request: web.Request) -> str:
    """The path of a link that was read, and so holds nothing but a token's characters."""
    return f"/preferences/mine/{_token(request)}"
