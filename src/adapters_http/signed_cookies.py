"""Small values that a browser keeps for us and cannot change."""

import hashlib

import attrs
from aiohttp import web
from itsdangerous import BadSignature, URLSafeTimedSerializer

from adapters_http.cookies import cookie
from zero2prod_core.domain.keys import KeyRing

__all__ = ["SignedCookie"]


@attrs.frozen
class SignedCookie:
    """A value in JSON, believed for ``lasts`` seconds; readable by whoever has the browser. ``secure`` as for the
    session's cookie.
    """

    purpose: str
    serializer: URLSafeTimedSerializer
    lasts: int
    secure: bool

    @classmethod
    def keyed(cls, purpose: str, keys: KeyRing, lasts: int, *, secure: bool) -> "SignedCookie":
        """Signed by a sub-key of the newest key, read under every one."""
        oldest_first = [key.mac(purpose, b"") for key in reversed(keys.keys)]
        digest = {"digest_method": hashlib.sha256}
        serializer = URLSafeTimedSerializer(oldest_first, salt=purpose.encode(), signer_kwargs=digest)
        return cls(purpose, serializer, lasts, secure)

    @property
    def name(self) -> str:
        return f"__Host-{self.purpose}" if self.secure else self.purpose

    def give(self, response: web.StreamResponse, value: object) -> None:
        text = str(self.serializer.dumps(value))
        response.set_cookie(
            self.name, text, max_age=self.lasts, path="/", secure=self.secure, httponly=True, samesite="Lax"
        )

    def read(self, request: web.Request) -> object:
        """The value, or None where there is none that we gave within the time."""
        try:
            return self.serializer.loads(cookie(request, self.name) or "", max_age=self.lasts)
        except BadSignature:
            return None

    def clear(self, response: web.StreamResponse) -> None:
        response.del_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="Lax")
