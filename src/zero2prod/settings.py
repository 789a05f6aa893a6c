"""Every setting, with its default. They are loaded in `settings_loading` and checked in `settings_checks`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import attrs
import typed_settings as ts

from adapters_email.smtp_url import SmtpUrl
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.letters import UncertainPolicy

PREFIX = "ZERO2PROD_"
LOCAL_RELAY = "smtp://127.0.0.1:25"
Network: TypeAlias = IPv4Network | IPv6Network


class Transport(StrEnum):
    """By which way mail leaves."""

    SMTP = "smtp"
    MEMORY = "memory"
    CONSOLE = "console"


@attrs.frozen
class DatabaseSettings:
    url: str = ts.secret(default="")
    owner_url: str = ts.secret(default="")


@attrs.frozen
class HttpSettings:
    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = ""
    trusted_proxies: str = ""
    cookie_secure: bool = True


@attrs.frozen
class SecretSettings:
    keys: str = ts.secret(default="")


@attrs.frozen
class MailSettings:
    transport: Transport = Transport.SMTP
    sender: str = ""
    smtp_url: str = ts.secret(default="")
    smtp_connections: int = 4
    timeout: timedelta = timedelta(minutes=10)


@attrs.frozen
class SubscriptionSettings:
    confirm_on_get: bool = False
    token_ttl: timedelta = timedelta(hours=24)


@attrs.frozen
class DeliverySettings:
    batch: int = 500
    lease: timedelta = timedelta(seconds=30)
    renewal: timedelta = timedelta(seconds=10)
    poll: timedelta = timedelta(seconds=1)
    uncertain: UncertainPolicy = UncertainPolicy.RESEND


class LogFormat(StrEnum):
    """``auto`` is for a person on a terminal, and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


@attrs.frozen
class LogSettings:
    format: LogFormat = LogFormat.AUTO


@attrs.frozen
class Settings:
    """Every setting; the properties give the parsed values."""

    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    secret: SecretSettings = SecretSettings()
    mail: MailSettings = MailSettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    delivery: DeliverySettings = DeliverySettings()
    log: LogSettings = LogSettings()

    @property
    def keys(self) -> KeyRing:
        return KeyRing.parse(self.secret.keys)

    @property
    def base_url(self) -> str:
        """The public URL without a trailing slash; by default what the service is bound to."""
        host = f"[{self.http.host}]" if ":" in self.http.host else self.http.host
        scheme, colon, rest = (self.http.base_url.rstrip("/") or f"http://{host}:{self.http.port}").partition(":")
        return f"{scheme.lower()}{colon}{rest}"

    @property
    def relay(self) -> SmtpUrl:
        """Where SMTP hands mail over; by default a mail server on this machine."""
        return SmtpUrl.parse(self.mail.smtp_url or LOCAL_RELAY)

    @property
    def sender(self) -> EmailAddress:
        """The From of newsletters without their own; by default ``newsletter@`` the public host, for a first try."""
        if self.mail.sender:
            return EmailAddress.parse(self.mail.sender, name_of("mail.sender"))
        host = urlsplit(self.base_url).hostname or ""
        return EmailAddress.parse(
            f"newsletter@{host if _is_domain(host) else 'localhost.localdomain'}", name_of("mail.sender")
        )

    @property
    def trusted_proxies(self) -> tuple[Network, ...]:
        parts = [part.strip() for part in self.http.trusted_proxies.split(",")]
        return tuple(ip_network(part) for part in parts if part)


def _is_domain(host: str) -> bool:
    return "." in host and not host.rpartition(".")[2].isdigit() and ":" not in host


def name_of(path: str) -> str:
    """The setting's name in the environment: ``http.port`` is ``ZERO2PROD_HTTP_PORT``."""
    return PREFIX + path.upper().replace(".", "_")


def options() -> "Mapping[str, attrs.Attribute[Any]]":
    """Path → attribute of every setting, such as ``http.port``."""
    sections: Sequence[attrs.Attribute[Any]] = attrs.fields(Settings)
    return {f"{section.name}.{option.name}": option for section in sections for option in _fields(section)}


def _fields(section: "attrs.Attribute[Any]") -> "Sequence[attrs.Attribute[Any]]":
    kind: Any = type(section.default)
    fields: Sequence[attrs.Attribute[Any]] = attrs.fields(kind)
    return fields


def is_secret(path: str) -> bool:
    """Whether the setting's value may never be shown."""
    return options()[path].repr is not True
