"""Settings: from defaults, ``zero2prod.toml``, the environment and flags, in rising order.

What cannot be right is refused at start by `SettingInvalid`, which names the setting as the environment does, shows the
value (never a secret's) and says what would be right.
"""

import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import attrs
import typed_settings as ts
from cattrs import Converter
from typed_settings.converters import get_default_cattrs_converter
from typed_settings.dict_utils import set_path
from typed_settings.exceptions import ConfigFileLoadError, InvalidOptionsError, InvalidSettingsError
from typed_settings.loaders import DictLoader, FileLoader, Loader, TomlFormat

from adapters_email.smtp_url import SmtpUrl
from adapters_postgres.conninfo import conninfo
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import SETTING as KEYS_SETTING
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.errors import Refusal, SettingInvalid

PREFIX = "ZERO2PROD_"
FILE = Path("zero2prod.toml")

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

MOST_BATCH = 10_000
"""Deliveries in one claim: twenty times the best size; beyond it a worker's memory and its lease suffer."""

LONGEST = timedelta(days=366)
"""A longer duration is a slip of the pen, and its arithmetic could leave the calendar."""

MOST_CONNECTIONS = 100
"""Connections to one relay: five times what common relays accept from one client."""

LONGEST_SHOWN = 80
"""Characters of a wrong value in an error, which is to stay one line of a terminal or two."""

Network: TypeAlias = IPv4Network | IPv6Network


def duration(value: str | float | timedelta) -> timedelta:
    """Read ``90``, ``90s``, ``10m``, ``24h``, ``2d`` or ``250ms``; a bare number is seconds."""
    if isinstance(value, timedelta):
        return value
    match = DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError("no duration")
    return timedelta(seconds=float(match[1]) * UNITS[match[2] or "s"])


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
    smtp_url: str = ts.secret(default="smtp://127.0.0.1:25")
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
    """Every setting, with its default. `load` checks them; the properties give the parsed values."""

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
        return self.http.base_url.rstrip("/") or f"http://{host}:{self.http.port}"

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


def load(
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path = FILE,
) -> Settings:
    """Read and check all settings; ``flags`` maps paths such as ``http.port`` to values.

    Raises:
        SettingInvalid: the first one that is unknown or impossible.
    """
    given = _from_environment(os.environ if environment is None else environment)
    over: dict[str, Any] = {}
    for path, value in (flags or {}).items():
        set_path(over, path, value)
    loaders: Sequence[Loader] = [FileLoader({"*.toml": TomlFormat(None)}, [file]), DictLoader(given), DictLoader(over)]
    try:
        settings = ts.load_settings(Settings, loaders, converter=_converter())
    except InvalidSettingsError as error:
        raise _impossible(error) from None
    except InvalidOptionsError as error:
        names = str(error).rpartition(": ")[2]
        raise SettingInvalid(str(file), f"has no setting for {names}. Remove it, or correct its spelling.") from None
    except (ConfigFileLoadError, OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(str(file), f"cannot be read: {error}") from None
    check(settings)
    return settings


def _converter() -> Converter:
    converter = get_default_cattrs_converter()
    converter.register_structure_hook(timedelta, lambda value, _: duration(value))
    converter.register_structure_hook(int, lambda value, _: _whole(value))
    converter.register_structure_hook(str, lambda value, _: _text(value))
    return converter


def _whole(value: object) -> int:
    """From TOML, 8000.5 and true are numbers too; `int` would take them."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("no whole number")
    return int(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings that the environment names, as a nested mapping; secrets also through ``…_FILE``."""
    known = {name_of(path): path for path in options()}
    values: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX):
            continue
        plain = name.removesuffix("_FILE")
        if name in known:
            set_path(values, known[name], value)
        elif name.endswith("_FILE") and plain in known and is_secret(known[plain]):
            if environment.get(plain):
                raise SettingInvalid(name, f"stands beside {plain}. Give only one of them.")
            set_path(values, known[plain], _read_secret(name, value))
        else:
            raise SettingInvalid(name, "is not a setting of this program. Remove it, or correct its spelling.")
    return values


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(name, f"names a file that cannot be read: {error}") from None


def _impossible(group: InvalidSettingsError) -> SettingInvalid:
    """The first conversion error in our own words: typed-settings' own would show a secret's value."""
    match = re.search(r"Could not convert value (.*) for option '([a-z_.]+)'", str(group.exceptions[0]), re.DOTALL)
    if match is None:
        return SettingInvalid("settings", str(group.exceptions[0]))
    value, path = match[1], match[2]
    shown = "its value" if is_secret(path) else textwrap.shorten(value, LONGEST_SHOWN, placeholder="…")
    return SettingInvalid(name_of(path), f"cannot be {shown}. Give {_expected(options()[path])}.")


EXPECTED: Mapping[object, str] = {
    int: "a whole number",
    bool: "true or false",
    timedelta: "a duration such as 90s, 10m or 24h",
}


def _expected(option: "attrs.Attribute[Any]") -> str:
    if isinstance(option.default, StrEnum):
        return "one of " + ", ".join(type(option.default))
    return EXPECTED.get(option.type, "a text")


def check(settings: Settings) -> None:
    """Refuse what has the right type and cannot work."""
    _check_range("http.port", settings.http.port, 1, 65535)
    _check_range("delivery.batch", settings.delivery.batch, 1, MOST_BATCH)
    _check_range("mail.smtp_connections", settings.mail.smtp_connections, 1, MOST_CONNECTIONS)
    for path in ("mail.timeout", "subscriptions.token_ttl", "delivery.lease", "delivery.renewal", "delivery.poll"):
        _check_duration(settings, path)
    if settings.delivery.renewal >= settings.delivery.lease:
        raise SettingInvalid(name_of("delivery.renewal"), f"must be shorter than {name_of('delivery.lease')}.")
    _check_base_url(settings)
    _check_cookie(settings)
    _check_proxies(settings)
    _check_sender(settings)
    _check_database(settings)
    SmtpUrl.parse(settings.mail.smtp_url)
    if settings.secret.keys:
        _ = settings.keys


def check_keys(settings: Settings) -> KeyRing:
    """The key ring that every process but the supervisor needs from its settings."""
    if not settings.secret.keys:
        example = "python -c 'import secrets; print(secrets.token_hex(32))'"
        raise SettingInvalid(KEYS_SETTING, f"is missing. Give at least one key of 64 hex digits, made by: {example}")
    return settings.keys


def _check_range(path: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise SettingInvalid(name_of(path), f"cannot be {value}. Give a whole number from {least} to {most}.")


def _check_duration(settings: Settings, path: str) -> None:
    section, _, option = path.partition(".")
    value: timedelta = getattr(getattr(settings, section), option)
    if not timedelta(0) < value <= LONGEST:
        rule = f"cannot be {value.total_seconds():g}s. Give more than 0s and at most {LONGEST.days}d."
        raise SettingInvalid(name_of(path), rule)


def _check_database(settings: Settings) -> None:
    for option in ("url", "owner_url"):
        if url := getattr(settings.database, option):
            conninfo(url, "zero2prod", name_of(f"database.{option}"))


def _check_sender(settings: Settings) -> None:
    try:
        _ = settings.sender
    except Refusal as refusal:
        rule = f"{refusal.fields.get('rule', refusal)}. Give the e-mail address that mail comes from."
        raise SettingInvalid(name_of("mail.sender"), rule) from None


def _check_base_url(settings: Settings) -> None:
    if not settings.http.host:
        raise SettingInvalid(name_of("http.host"), "is empty. Give the network address to listen on.")
    url = settings.base_url
    try:
        parts = urlsplit(url)
        plain = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and not (parts.query or parts.fragment or parts.username)
        )
        _ = parts.port
    except ValueError:
        plain = False
    if not plain or re.search(r"[\s\x00-\x1f<>\"]", url):
        rule = f"cannot be {url!r}. Give the public URL of the site, such as https://news.example.org."
        raise SettingInvalid(name_of("http.base_url"), rule)


def _check_cookie(settings: Settings) -> None:
    if settings.http.cookie_secure or is_loopback(settings.http.host):
        return
    rule = f"can only be false while {name_of('http.host')} is a loopback network address: sessions could be stolen."
    raise SettingInvalid(name_of("http.cookie_secure"), rule)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_proxies(settings: Settings) -> None:
    try:
        _ = settings.trusted_proxies
    except ValueError as error:
        raise SettingInvalid(name_of("http.trusted_proxies"), f"{error}. Give networks such as 10.0.0.0/8.") from None
