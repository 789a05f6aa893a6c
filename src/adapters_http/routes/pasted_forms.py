from collections.abc import Sequence
from typing import Final

import aiohttp_jinja2
import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.form_texts import SUBSCRIBE_FORM
from adapters_http.forms import Form
from adapters_http.pages import Pages
from adapters_http.patience import promptly
from zero2prod_core.application import Application
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.errors import FieldInvalid, NewsletterUnknown

__all__ = ["PastedForms"]

PATH: Final = "/admin/newsletters/{slug}/form"


@attrs.frozen
class PastedForms:
    """The form that the staff copy into the pages of another site."""

    pages: Pages
    application: Application
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get(PATH, self.show)]

    async def show(self, request: web.Request) -> web.Response:
        try:
            newsletter = await promptly(self.application.find_newsletter(request.match_info["slug"]))
        except (FieldInvalid, NewsletterUnknown):
            raise web.HTTPNotFound from None
        html = self._html(request, newsletter)
        return self.pages.staff(
            request, "newsletter_form.html", newsletter=newsletter, html=html, rows=len(html.splitlines()) + 1
        )

    def _html(self, request: web.Request, newsletter: Newsletter) -> str:
        """The form, without the lines that its template leaves empty."""
        values = {
            "newsletter": newsletter,
            "action": f"{self.config.base_url}/subscriptions",
            "words": SUBSCRIBE_FORM.words,
            "form": Form.EMPTY,
        }
        text = aiohttp_jinja2.render_string("pasted_form.html", request, values)
        return "\n".join(line for line in text.splitlines() if line.strip())
