"""Requests that another site makes a browser send (OWASP CSRF cheat sheet: Fetch Metadata, then Origin).

No form holds a token for this. A session's cookie is ``SameSite=Lax``, so that no browser of this decade sends it along
with another site's form; these checks are the second wall, and the only one before the login form.
"""

from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from adapters_http.middleware.requests import Handler
from adapters_http.middleware.sessions import SessionCookie
from adapters_http.refusals import CrossSiteRefused

__all__ = ["same_site_only"]

SAFE: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})

# They act on what the form or the link holds and on no cookie, so that a form pasted into any other site works, and the
# button of a mail program.
OPEN: Final = ("/subscriptions", "/api/v1/subscriptions", "/unsubscribe/", "/preferences", "/setup")

OWN: Final = frozenset({"same-origin", "none"})


def same_site_only(cookie: SessionCookie, origin: str) -> Middleware:
    """Refuses what comes from elsewhere, where it carries a session or would log in.

    Args:
        origin: our own, as a browser writes it.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _is_guarded(request, cookie) and not _is_own(request, origin):
            raise CrossSiteRefused
        return await handler(request)

    return middleware


def _is_guarded(request: web.Request, cookie: SessionCookie) -> bool:
    if request.method in SAFE or request.path.startswith(OPEN):
        return False
    return request.path == "/login" or cookie.read(request) is not None


def _is_own(request: web.Request, origin: str) -> bool:
    """By Sec-Fetch-Site, else by Origin; a client that sends neither is no browser that could be misled."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OWN
    return request.headers.get(hdrs.ORIGIN, origin).lower() == origin
