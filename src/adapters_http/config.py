from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

import attrs
from yarl import URL

from adapters_http.watching import Rhythm
from zero2prod_core.domain.issues import LARGEST_BODY
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.limits import Limits

__all__ = ["LOOPBACK", "HttpConfig"]

USUAL_RHYTHM: Final = Rhythm()
USUAL_LIMITS: Final = Limits()

LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

# A name, an e-mail address and a slug need a twentieth of it; the rest is for fields that are not ours.
LARGEST_FORM: Final = 16 * 1024

# Two bodies of which each byte may be written as %XX, and the small fields.
LARGEST_ISSUE: Final = 2 * 3 * LARGEST_BODY + LARGEST_FORM


@attrs.frozen
class HttpConfig:
    """How the service is reached from outside, and what it takes.

    Args:
        base_url: the public URL, without a trailing slash.
        keys: what flash cookies are signed with.
        cookie_secure: False only on loopback without TLS, where browsers would not return a ``Secure`` cookie.
        trusted_proxies: networks whose ``X-Forwarded-For`` and ``X-Request-Id`` are believed.
        metrics_networks: from where ``GET /metrics`` is answered.
        confirm_on_get: whether following the link in the mail confirms at once, as the reference has it.
        largest_form, largest_issue: bytes of a request's body; the second is for the form that publishes.
        body_seconds: how long a client may take to send a body.
        limits: the same as the verbs have.
        rhythm: how live the page of an issue is.
    """

    base_url: str
    keys: KeyRing
    cookie_secure: bool = True
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    metrics_networks: tuple[IPv4Network | IPv6Network, ...] = LOOPBACK
    confirm_on_get: bool = False
    largest_form: int = LARGEST_FORM
    largest_issue: int = LARGEST_ISSUE
    body_seconds: float = 10
    rhythm: Rhythm = USUAL_RHYTHM
    limits: Limits = USUAL_LIMITS

    @property
    def origin(self) -> str:
        """Scheme, host and port as a browser's ``Origin`` header has them (RFC 6454 §6.2)."""
        return str(URL(self.base_url).origin())

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https:")
