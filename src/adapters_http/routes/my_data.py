import json
from collections.abc import Sequence
from typing import Final

import attrs
from aiohttp import hdrs, web

from adapters_http.field_forms import chosen_tags, filled, typed_fields
from adapters_http.form_texts import PREFERENCES_FORM
from adapters_http.forms import Form
from adapters_http.patience import promptly
from adapters_http.preference_forms import PreferenceForms, evidence_of, token_of
from adapters_http.problems import STATUSES
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.domain.subscriber_words import TOLD_TO_READERS
from zero2prod_core.errors import FieldInvalid, FieldMissing, NewsletterUnknown, Refusal

__all__ = ["MyDataPages"]

LINK: Final = "/preferences/mine/{token:[^/]*}"

ANSWERED: Final = "Your answers are saved."
LEFT: Final = "You get no more issues of this newsletter."
LEFT_ALL: Final = "You get no more issues of any newsletter from here."

FILE: Final = 'attachment; filename="my-data.json"'


@attrs.frozen
class MyDataPages(PreferenceForms):
    """What the link opens that was mailed when it was asked for: all that is kept of one e-mail address."""

    has_several = True

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get(LINK, self.show),
            web.post(f"{LINK}/name", self.rename),
            web.post(f"{LINK}/pause", self.pause),
            web.post(f"{LINK}/answers", self.answer),
            web.post(f"{LINK}/unsubscribe", self.unsubscribe),
            web.post(f"{LINK}/data", self.download),
            web.get(f"{LINK}/erase", self.show_erasure),
            web.post(f"{LINK}/erase", self.erase),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self.show_again(request)

    async def answer(self, request: web.Request) -> web.Response:
        """What is not among the answers sent is an answer that is taken back."""
        form = await self.read(request)
        token, evidence, slug = token_of(request), evidence_of(request, form), Slug.parse(form.text("newsletter"))
        asking = await self._asking(token, slug)
        try:
            fields, tags = typed_fields(form, asking), chosen_tags(form, asking)
            await promptly(self.preferences.answer(token, fields, tags, evidence, slug))
        except (FieldMissing, FieldInvalid) as refusal:
            return await self._refused(request, form, refusal)
        return await self.show_again(request, done=ANSWERED)

    async def _asking(self, token: str, slug: Slug) -> Newsletter:
        """The newsletter that a form is about, with what it asks for. Raises NewsletterUnknown."""
        mine = await promptly(self.preferences.show(token))
        for each in mine.subscriptions:
            if each.newsletter.slug == slug:
                return each.newsletter
        raise NewsletterUnknown(slug.text)

    async def unsubscribe(self, request: web.Request) -> web.Response:
        form = await self.read(request)
        evidence, newsletter = evidence_of(request, form), self.newsletter_of(form)
        everywhere = bool(form.text("all"))
        await promptly(self.preferences.unsubscribe(token_of(request), evidence, newsletter, everywhere=everywhere))
        return await self.show_again(request, done=LEFT_ALL if everywhere else LEFT)

    async def download(self, request: web.Request) -> web.Response:
        """A file, by POST: what follows links does not fetch it."""
        form = await self.read(request)
        data = await promptly(self.preferences.data(token_of(request), evidence_of(request, form)))
        text = json.dumps(data, ensure_ascii=False, indent=2)
        return web.Response(text=text, content_type="application/json", headers={hdrs.CONTENT_DISPOSITION: FILE})

    async def show_erasure(self, request: web.Request) -> web.Response:
        """The question, on a page of its own: it needs no script."""
        mine = await promptly(self.preferences.show(token_of(request)))
        return self.pages.shown(request, "erase.html", mine=mine, here=_here(request))

    async def erase(self, request: web.Request) -> web.Response:
        form = await self.read(request)
        await promptly(self.preferences.erase(token_of(request), evidence_of(request, form)))
        return self.pages.shown(request, "erased.html")

    async def show_again(
        self, request: web.Request, form: Form = Form.EMPTY, refusal: Refusal | None = None, done: str = ""
    ) -> web.Response:
        mine = await promptly(self.preferences.show(token_of(request)))
        return self.pages.shown(
            request,
            "my_data.html",
            STATUSES[refusal.code] if refusal else 200,
            mine=mine,
            text=PREFERENCES_FORM,
            statuses=TOLD_TO_READERS,
            filled=filled,
            here=_here(request),
            form=form,
            refusal=refusal,
            done=done,
        )


def _here(request: web.Request) -> str:
    """The path of a link that was read, and so holds nothing but a token's characters."""
    return f"/preferences/mine/{token_of(request)}"
