"""Where a login leads: to the page that was asked for without a session, else to the dashboard.

The page is kept in a signed cookie and not in the link to the login form, so that nobody can make a link that logs in
and leads elsewhere. What comes back is still believed only where it looks like a page of the staff: no host, no ``//``
and no backslash, which browsers would read as the beginning of one, and neither of them escaped.
"""

import re
from typing import Final

import attrs
from aiohttp import hdrs, web

from adapters_http.cookies import cookie
from adapters_http.signed_cookies import SignedCookie
from zero2prod_core.domain.keys import KeyRing

__all__ = ["DASHBOARD", "Destinations"]

DASHBOARD: Final = "/admin/dashboard"

# Seconds. Time enough to look a password up.
LASTS: Final = 600

# Staff pages are words and ids, and what a browser leaves unescaped in a query.
STAFF_PAGE: Final = re.compile(r"/admin(?:/[a-z0-9_-]+)+(?:\?[\w&=%.~+*-]*)?", re.ASCII)

# Characters. With name, signature and attributes it stays within the 4,096 bytes that browsers keep (RFC 6265 §6.1).
LONGEST: Final = 1024


@attrs.frozen
class Destinations:
    cookie: SignedCookie

    @classmethod
    def keyed(cls, keys: KeyRing, *, secure: bool) -> "Destinations":
        return cls(SignedCookie.keyed("destination", keys, LASTS, secure=secure))

    def remember(self, request: web.Request, response: web.StreamResponse) -> None:
        """A page that somebody wanted to look at; streams of events, programs and forms are none."""
        path = request.path_qs
        if request.method == hdrs.METH_GET and _is_for_eyes(request) and _is_staff_page(path):
            self.cookie.give(response, path)

    def read(self, request: web.Request) -> str:
        """One of our own paths."""
        path = self.cookie.read(request)
        return path if isinstance(path, str) and _is_staff_page(path) else DASHBOARD

    def clear(self, request: web.Request, response: web.StreamResponse) -> None:
        if cookie(request, self.cookie.name) is not None:
            self.cookie.clear(response)


def _is_for_eyes(request: web.Request) -> bool:
    return "text/html" in request.headers.get(hdrs.ACCEPT, "").lower()


def _is_staff_page(path: str) -> bool:
    return len(path) <= LONGEST and STAFF_PAGE.fullmatch(path) is not None
