"""One sentence for the next page, in a signed cookie: nobody else can put words into our pages."""

from typing import Final

import attrs
from aiohttp import web

from adapters_http.signed_cookies import SignedCookie
from zero2prod_core.domain.keys import KeyRing

__all__ = ["Flash", "Flashes"]

# Seconds. A redirect is followed at once; what is older belongs to a tab that was closed.
LASTS: Final = 300


@attrs.frozen
class Flash:
    """What is said, and whether it tells of a failure."""

    text: str
    failed: bool = False


@attrs.frozen
class Flashes:
    cookie: SignedCookie

    @classmethod
    def keyed(cls, keys: KeyRing, *, secure: bool) -> "Flashes":
        return cls(SignedCookie.keyed("flash", keys, LASTS, secure=secure))

    def give(self, response: web.StreamResponse, flash: Flash) -> None:
        self.cookie.give(response, [flash.text, flash.failed])

    def read(self, request: web.Request) -> Flash | None:
        match self.cookie.read(request):
            case [str(text), bool(failed)]:
                return Flash(text, failed)
        return None

    def clear(self, response: web.StreamResponse) -> None:
        self.cookie.clear(response)
