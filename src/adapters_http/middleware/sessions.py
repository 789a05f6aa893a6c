"""Who is logged in: read once for each request to a staff page."""

from typing import Final

import attrs
from aiohttp import web
from aiohttp.typedefs import Middleware

from adapters_http.cookies import cookie
from adapters_http.middleware.requests import Handler, origin_of
from adapters_http.patience import promptly
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.sessions import SessionId
from zero2prod_core.errors import SessionRequired
from zero2prod_core.usecases.sessions import ReadSession, Visitor

__all__ = ["SessionCookie", "is_staff", "is_staff_page", "logged_in", "staff_origin_of", "visitor_of"]

VISITOR: Final = web.RequestKey("visitor", Visitor)
STAFF: Final = "/admin/"


@attrs.frozen
class SessionCookie:
    """The session's id in the browser: a session cookie, because the store knows when it ends.

    ``__Host-`` binds it to this host, https and the path / (RFC 6265bis §4.1.3.2); without TLS it has to go without.
    """

    secure: bool

    @property
    def name(self) -> str:
        return "__Host-session" if self.secure else "session"

    def read(self, request: web.Request) -> str | None:
        return cookie(request, self.name)

    def give(self, response: web.StreamResponse, id_: SessionId) -> None:
        response.set_cookie(self.name, id_.text, path="/", secure=self.secure, httponly=True, samesite="Lax")

    def take_away(self, response: web.StreamResponse) -> None:
        response.del_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="Lax")


def is_staff(request: web.Request) -> bool:
    """Whether the request came with a session that is alive, as far as it got."""
    return VISITOR in request


def visitor_of(request: web.Request) -> Visitor:
    """The member of staff; on staff pages there is one."""
    return request[VISITOR]


def staff_origin_of(request: web.Request) -> Origin:
    """The request as the member of staff's own."""
    return origin_of(request).as_account(visitor_of(request).account.id)


def logged_in(cookie: SessionCookie, read_session: ReadSession) -> Middleware:
    """Raises SessionRequired on staff pages without a session that is alive."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_staff_page(request):
            visitor = await promptly(read_session(cookie.read(request) or ""))
            if visitor is None:
                raise SessionRequired
            request[VISITOR] = visitor
        return await handler(request)

    return middleware


def is_staff_page(request: web.Request) -> bool:
    """By the route and not by the path: what does not exist needs no login to be missing."""
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical.startswith(STAFF)
