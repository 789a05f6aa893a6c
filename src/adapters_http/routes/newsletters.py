from collections.abc import Mapping, Sequence
from typing import Final

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.forms import read_form
from adapters_http.middleware.sessions import staff_origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from adapters_http.problems import STATUSES
from zero2prod_core.application import Application
from zero2prod_core.domain.declarations import field_line, tag_line
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.errors import FieldInvalid, NewsletterUnknown, Refusal

__all__ = ["Newsletters"]

SAVED: Final = "The settings have been saved."

PATH: Final = "/admin/newsletters/{slug}/settings"

# Twenty questions, each with as many choices as it may have, of ten letters and more.
LARGEST_SETTINGS: Final = 64 * 1024

FIELDS: Final = ("name", "sender", "reply_to", "postal_address", "fields", "tags")


@attrs.frozen
class Newsletters:
    """In whose name a newsletter is sent, and what its readers are asked for."""

    pages: Pages
    application: Application
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get(PATH, self.show), web.post(PATH, self.save)]

    async def show(self, request: web.Request) -> web.Response:
        newsletter = await self._found(request)
        return self._form(request, newsletter, _typed(newsletter))

    async def save(self, request: web.Request) -> web.Response:
        """Every field of the form is written; a client that leaves one out leaves it as it was."""
        largest = max(LARGEST_SETTINGS, self.config.largest_form)
        form = await read_form(request, largest, self.config.body_seconds)
        newsletter = await self._found(request)
        slug = newsletter.slug.text
        try:
            changes = {field: form.text(field).strip() for field in FIELDS if field in form.fields}
            await promptly(self.application.edit_newsletter(staff_origin_of(request), slug, **changes))
        except Refusal as refusal:
            if wants_json(request):
                raise
            typed = {**_typed(newsletter), **{field: form.typed(field) for field in FIELDS if field in form.fields}}
            return self._form(request, newsletter, typed, refusal, STATUSES[refusal.code])
        return self.pages.see_other(f"/admin/newsletters/{slug}/settings", SAVED)

    async def _found(self, request: web.Request) -> Newsletter:
        """Raises HTTPNotFound: the slug stands in the link, and not in a form that could be corrected."""
        try:
            return await promptly(self.application.find_newsletter(request.match_info["slug"]))
        except (FieldInvalid, NewsletterUnknown):
            raise web.HTTPNotFound from None

    def _form(
        self,
        request: web.Request,
        newsletter: Newsletter,
        typed: Mapping[str, str],
        refusal: Refusal | None = None,
        status: int = 200,
    ) -> web.Response:
        values: Mapping[str, object] = {"newsletter": newsletter, "typed": typed, "refusal": refusal}
        return self.pages.staff(request, "newsletter_settings.html", status, **values)


def _typed(newsletter: Newsletter) -> Mapping[str, str]:
    """Its settings as the form shows them."""
    return {
        "name": newsletter.name,
        "sender": newsletter.sender.text if newsletter.sender else "",
        "reply_to": newsletter.reply_to.text if newsletter.reply_to else "",
        "postal_address": newsletter.postal_address or "",
        "fields": "\n".join(map(field_line, newsletter.fields)),
        "tags": "\n".join(map(tag_line, newsletter.tags)),
    }
