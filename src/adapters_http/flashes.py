"""One sentence for the next page, in a signed cookie: nobody else can put words into our pages."""

import hashlib
from typing import Final

import attrs
from aiohttp import web
from itsdangerous import BadSignature, URLSafeTimedSerializer

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
    """``secure`` as for the session's cookie."""

    serializer: URLSafeTimedSerializer
    secure: bool

    @classmethod
    def keyed(cls, keys: KeyRing, *, secure: bool) -> "Flashes":
        """Signed by a sub-key of the newest key, read under every one."""
        oldest_first = [key.mac("flash", b"") for key in reversed(keys.keys)]
        return cls(
            URLSafeTimedSerializer(oldest_first, salt=b"flash", signer_kwargs={"digest_method": hashlib.sha256}), secure
        )

    @property
    def name(self) -> str:
        return "__Host-flash" if self.secure else "flash"

    def give(self, response: web.StreamResponse, flash: Flash) -> None:
        value = self.serializer.dumps([flash.text, flash.failed])
        response.set_cookie(
            self.name, str(value), max_age=LASTS, path="/", secure=self.secure, httponly=True, samesite="Lax"
        )

    def read(self, request: web.Request) -> Flash | None:
        try:
            text, failed = self.serializer.loads(request.cookies.get(self.name, ""), max_age=LASTS)
        except (BadSignature, ValueError):
            return None
        return Flash(text, failed)

    def clear(self, response: web.StreamResponse) -> None:
        response.del_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="Lax")
