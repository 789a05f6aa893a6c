"""The setting that names a relay: ``smtp://user:password@host:port?tls=starttls|implicit|none``."""

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address
from types import MappingProxyType
from typing import NoReturn
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import attrs

from zero2prod_core.errors import SettingInvalid

__all__ = ["Credentials", "SmtpUrl", "Tls"]

SETTING = "ZERO2PROD_MAIL_SMTP_URL"
SHAPE = "Write smtp://user:password@host:port?tls=starttls|implicit|none"


class Tls(StrEnum):
    """How the connection becomes private: by the STARTTLS command, from its first byte, or not at all."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


PORTS: Mapping[Tls, int] = MappingProxyType({Tls.STARTTLS: 587, Tls.IMPLICIT: 465, Tls.NONE: 25})
"""Submission (RFC 6409), submissions (RFC 8314 §3.3) and smtp (RFC 5321)."""


@attrs.frozen
class Credentials:
    username: str
    password: str = attrs.field(repr=False)


@attrs.frozen
class SmtpUrl:
    """A relay, how to reach it, and as whom."""

    host: str
    port: int
    tls: Tls
    credentials: Credentials | None = None

    @classmethod
    def parse(cls, raw: str) -> "SmtpUrl":
        """Read the setting. Credentials are percent-decoded.

        Without ``tls``, port 465 means implicit TLS, a relay on this machine is spoken to in plain text, and any other
        with STARTTLS. The port defaults to 587, 465 or 25 for ``starttls``, ``implicit`` and ``none``.

        Raises:
            SettingInvalid: what is wrong with it. The value is not repeated, as it may hold a password.
        """
        parts = _split(raw.strip())
        host, port = _host(parts), _port(parts)
        tls = _tls(parts) or _usual_tls(host, port)
        credentials = _credentials(parts)
        if credentials and tls is Tls.NONE and not is_loopback(host):
            _refuse("would send the password in plain text. Use tls=starttls or tls=implicit.")
        return cls(host, PORTS[tls] if port is None else port, tls, credentials)


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, told by its name alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _refuse(rule: str) -> NoReturn:
    raise SettingInvalid(SETTING, rule) from None


def _split(raw: str) -> SplitResult:
    try:
        parts = urlsplit(raw)
    except ValueError:
        _refuse(f"is no URL. {SHAPE}.")
    if parts.scheme != "smtp":
        _refuse(f"does not begin with smtp://. {SHAPE}.")
    if parts.path not in {"", "/"} or parts.fragment:
        _refuse(f"has something after the port. Percent-encode / ? # and @ in the password. {SHAPE}.")
    return parts


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    try:
        host.encode("idna")
    except UnicodeError:
        host = ""
    if not host or any(character.isspace() for character in host):
        _refuse(f"names no host. {SHAPE}.")
    return host


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        _refuse("has a port that is no number from 1 to 65535.")
    return port


def _tls(parts: SplitResult) -> Tls | None:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not options:
        return None
    if set(options) != {"tls"}:
        _refuse(f"has an option other than tls. {SHAPE}.")
    try:
        return Tls(options["tls"])
    except ValueError:
        _refuse("has a tls that is none of starttls, implicit, none.")


def _usual_tls(host: str, port: int | None) -> Tls:
    if port == PORTS[Tls.IMPLICIT]:
        return Tls.IMPLICIT
    return Tls.NONE if is_loopback(host) else Tls.STARTTLS


def _credentials(parts: SplitResult) -> Credentials | None:
    if not parts.username and not parts.password:
        return None
    if not parts.username or not parts.password:
        _refuse(f"has a user name or a password without the other. {SHAPE}.")
    username, password = unquote(parts.username), unquote(parts.password)
    if "\0" in username + password:
        _refuse("has a NUL in its user name or password.")
    return Credentials(username, password)
