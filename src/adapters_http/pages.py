"""What every page has in common: templates, the flash of the page before, and redirects to own paths."""

import re
from pathlib import Path
from typing import Final

import aiohttp_jinja2
import attrs
import jinja2
from aiohttp import hdrs, web

from adapters_http.assets import asset
from adapters_http.flashes import Flash, Flashes
from adapters_http.wording import LABELS, in_words
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter

__all__ = ["BRAND", "TEMPLATES", "Pages", "name_given", "set_up_templates", "wants_json"]

TEMPLATES: Final = Path(__file__).parent / "ui" / "templates"

# What stands at the head of a page that is about no newsletter with a name of its own.
BRAND: Final = "zero2prod"

# Whatever is under it is for programs alone.
FOR_PROGRAMS: Final = "/api/"

JSON: Final = re.compile(r"application/(?:problem\+)?json", re.IGNORECASE)


def wants_json(request: web.Request) -> bool:
    """Whether the client is a program that reads JSON: by the path, or as it names JSON and does not name HTML."""
    if request.path.startswith(FOR_PROGRAMS):
        return True
    accept = ",".join(request.headers.getall(hdrs.ACCEPT, []))
    return JSON.search(accept) is not None and "text/html" not in accept.lower()


def name_given(newsletter: Newsletter) -> str | None:
    """Its name, unless it still has the one that every first newsletter starts with."""
    return newsletter.name if newsletter.name != DEFAULT_NEWSLETTER.name else None


def set_up_templates(app: web.Application) -> None:
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(TEMPLATES),
        filters={"in_words": in_words},
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        default_helpers=False,
    )
    environment.globals.update(asset=asset, labels=LABELS)


@attrs.frozen
class Pages:
    flashes: Flashes

    def shown(self, request: web.Request, template: str, status: int = 200, **values: object) -> web.Response:
        """A page without cookies: the same for everybody."""
        context = {"flash": None, "path": request.path, "brand": BRAND, **values}
        return aiohttp_jinja2.render_template(template, request, context, status=status)

    def about(
        self, request: web.Request, template: str, newsletter: Newsletter, status: int = 200, **values: object
    ) -> web.Response:
        """A page for the readers of a newsletter, under its name."""
        brand = name_given(newsletter) or BRAND
        return self.shown(request, template, status, newsletter=newsletter, brand=brand, **values)

    def staff(self, request: web.Request, template: str, status: int = 200, **values: object) -> web.Response:
        """A page that shows the flash it finds, once."""
        flash = self.flashes.read(request)
        response = self.shown(request, template, status, flash=flash, **values)
        if flash is not None and request.method == hdrs.METH_GET:
            self.flashes.clear(response)
        return response

    def see_other(self, path: str, flash: str | None = None, *, failed: bool = False) -> web.Response:
        """A redirect (303, relative) to one of our own paths, which is never taken from a request.

        ``failed``: the flash tells of a failure, and its page shows it as one.
        """
        response = web.Response(status=303, headers={hdrs.LOCATION: path})
        if flash is not None:
            self.flashes.give(response, Flash(flash, failed))
        return response
