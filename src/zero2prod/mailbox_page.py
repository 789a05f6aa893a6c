"""The catcher's page: a list of mails, each with its text, its HTML in a sandbox, its source; and JSON for programs.

Mails hold tokens that work. So the page answers only to a loopback name (another site's script could otherwise have
its own name point here and read along), loads nothing from elsewhere, and lets no script of a mail run.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import attrs
from aiohttp import web
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

from adapters_http.assets import asset
from adapters_http.pages import TEMPLATES
from adapters_http.routes.static import static_routes
from zero2prod.mailbox_mails import Mail, Mails, as_text, read

__all__ = ["page_application"]

OWN_NAMES: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)

POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Styles within the mail, and images within it; links open in a tab of their own, outside the sandbox.
POLICY_OF_HTML: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

LINK: Final = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
# What may follow a link in a sentence, and hardly ever ends one.
AFTER_LINK: Final = ".,;:!?)]}'"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page_application(mails: Mails, smtp_port: int, site: str = "") -> web.Application:
    """The page over these mails.

    Args:
        smtp_port: told to the reader, who may want to hand mails in.
        site: the URL of the site to link back to, without a trailing slash; empty where there is none.
    """
    page = _Page(mails, smtp_port, site)
    application = web.Application(middlewares=[_loopback_only])
    application.on_response_prepare.append(_secure)
    number = r"{number:\d{1,18}}"
    application.router.add_get("/", page.index)
    application.router.add_get("/state", page.state)
    application.router.add_get(f"/mails/{number}", page.mail)
    application.router.add_get(f"/mails/{number}/html", page.html)
    application.router.add_get(f"/mails/{number}/source", page.source)
    application.router.add_get("/api/mails", page.api_mails)
    application.router.add_get(f"/api/mails/{number}/source", page.api_source)
    application.add_routes(static_routes())
    return application


def split_links(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is an http or https link."""
    end = 0
    for match in LINK.finditer(text):
        url = match[0].rstrip(AFTER_LINK)
        yield text[end : match.start()], False
        yield url, True
        end = match.start() + len(url)
    yield text[end:], False


def _templates() -> Environment:
    """Its own templates, which take from the site's what both have in common."""
    templates = Environment(
        loader=ChoiceLoader([PackageLoader("zero2prod", "templates/mailbox"), FileSystemLoader(TEMPLATES)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["split_links"] = split_links
    templates.globals["asset"] = asset
    return templates


@attrs.define
class _Page:
    """``opened``: whether anybody has looked at the page, which is a step on the newcomer's way."""

    mails: Mails
    smtp_port: int
    site: str
    templates: Environment = attrs.field(factory=_templates)
    opened: bool = False

    async def index(self, _: web.Request) -> web.Response:
        self.opened = True
        return self._shown("list.html", mails=self.mails.newest_first(), most=self.mails.most, smtp_port=self.smtp_port)

    async def state(self, _: web.Request) -> web.Response:
        """For the site: whether its visitor has been here. Asking changes nothing."""
        return web.json_response({"opened": self.opened})

    async def mail(self, request: web.Request) -> web.Response:
        mail = self._found(request)
        self.opened = True
        content = await asyncio.to_thread(read, mail.source)
        return self._shown("mail.html", mail=mail, content=content)

    async def html(self, request: web.Request) -> web.Response:
        content = await asyncio.to_thread(read, self._found(request).source)
        # Before the mail's own first tag, so that no base of its own comes first.
        document = '<!doctype html><base target="_blank">' + (content.html or "")
        # Browsers refuse to show a page of its own that is both sandboxed and isolated from its opener.
        headers = {"Content-Security-Policy": POLICY_OF_HTML, "Cross-Origin-Opener-Policy": "unsafe-none"}
        return web.Response(text=document, content_type="text/html", headers=headers)

    async def source(self, request: web.Request) -> web.Response:
        mail = self._found(request)
        return self._shown("source.html", mail=mail, source=await asyncio.to_thread(as_text, mail.source))

    async def api_mails(self, _: web.Request) -> web.Response:
        return web.json_response({"mails": [_summary(mail) for mail in self.mails.newest_first()]})

    async def api_source(self, request: web.Request) -> web.Response:
        return web.Response(body=self._found(request).source, content_type="message/rfc822")

    def _found(self, request: web.Request) -> Mail:
        mail = self.mails.find(int(request.match_info["number"]))
        if mail is None:
            page = self._shown("missing.html", most=self.mails.most)
            raise web.HTTPNotFound(text=page.text, content_type="text/html")
        return mail

    def _shown(self, template: str, **values: object) -> web.Response:
        text = self.templates.get_template(template).render(site=self.site, **values)
        return web.Response(text=text, content_type="text/html")


def _summary(mail: Mail) -> dict[str, object]:
    return {
        "id": mail.number,
        "from": mail.sender,
        "to": mail.recipients,
        "subject": mail.subject,
        "received": mail.received.isoformat(),
    }


@web.middleware
async def _loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not OWN_NAMES.fullmatch(request.headers.get("Host", "")):
        raise web.HTTPMisdirectedRequest(text="The mailbox answers only to localhost and 127.0.0.1.")
    return await handler(request)


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = "zero2prod"
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
