"""What has the right type and cannot work is refused before anything starts."""

import re
from datetime import timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from adapters_email.smtp_url import is_loopback
from adapters_postgres.conninfo import conninfo
from zero2prod.settings import Settings, Transport, name_of
from zero2prod_core.domain.keys import SETTING as KEYS_SETTING
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.errors import Refusal, SettingInvalid

MOST_BATCH = 10_000
"""Deliveries in one claim: twenty times the best size; beyond it a worker's memory and its lease suffer."""

LONGEST = timedelta(days=366)
"""A longer duration is a slip of the pen, and its arithmetic could leave the calendar."""

SHORTEST_TIMEOUT = timedelta(seconds=1)
"""A relay that is well may take as long to answer, and an answer that is not waited for leaves a mail uncertain."""

SHORTEST_RETENTION = timedelta(days=1)
"""A bounce that comes back a day later still finds its delivery."""

MOST_CONNECTIONS = 100
"""Connections to one relay: five times what common relays accept from one client."""

MOST_POSTMARK_BATCH = 500
"""Messages that Postmark takes in one request."""

MOST_VISITORS = 50_000
"""Connections of the site: each costs several KiB of memory, and half a microsecond of each second's look at all."""

BODY_SIZES = (1024, 1024 * 1024)
"""Bytes of a public form: the least that a form with a few fields needs, and what a thousand at once may hold."""

MAKES_A_KEY = "python -c 'import secrets; print(secrets.token_hex(32))'"
"""Shown wherever a key is missing."""

TOKEN = re.compile(r"[!-~]+")
"""What can stand in an HTTP header; Postmark's tokens are UUIDs, and `POSTMARK_API_TEST`."""


def check(settings: Settings) -> None:
    """Refuse what has the right type and cannot work."""
    _check_range("http.port", settings.http.port, 1, 65535)
    _check_range("worker.port", settings.worker.port, 0, 65535)
    _check_range("delivery.batch", settings.delivery.batch, 1, MOST_BATCH)
    _check_range("mail.smtp_connections", settings.mail.smtp_connections, 1, MOST_CONNECTIONS)
    _check_range("mail.postmark_batch", settings.mail.postmark_batch, 1, MOST_POSTMARK_BATCH)
    _check_duration(settings, "mail.timeout", SHORTEST_TIMEOUT)
    for path in ("subscriptions.token_ttl", "delivery.lease", "delivery.renewal", "delivery.poll", "delivery.give_up"):
        _check_duration(settings, path)
    _check_duration(settings, "delivery.retention", SHORTEST_RETENTION)
    if settings.delivery.renewal >= settings.delivery.lease:
        raise SettingInvalid(name_of("delivery.renewal"), f"must be shorter than {name_of('delivery.lease')}.")
    _check_limits(settings)
    _check_base_url(settings)
    _check_mailbox_url(settings)
    _check_cookie(settings)
    _check_networks(settings)
    _check_sender(settings)
    _check_database(settings)
    _ = settings.relay, settings.retries, settings.recipient_rates, settings.sender_rates, settings.dkim_files
    _check_postmark(settings)
    if settings.secret.keys:
        _ = settings.keys


def _check_limits(settings: Settings) -> None:
    limits, _ = settings.limits, settings.limits_policy
    _check_range("limits.connections", limits.connections, 1, MOST_VISITORS)
    _check_range("limits.connections_per_network", limits.connections_per_network, 1, MOST_VISITORS)
    _check_range("limits.connections_per_site", limits.connections_per_site, 1, MOST_VISITORS)
    _check_range("limits.body_size", limits.body_size, *BODY_SIZES)
    for path in ("limits.header_deadline", "limits.body_deadline", "limits.read_deadline", "limits.idle"):
        _check_duration(settings, path)


def check_keys(settings: Settings) -> KeyRing:
    """The key ring that every process but the supervisor needs from its settings."""
    if not settings.secret.keys:
        rule = f"is missing. Give at least one key of 64 hex digits, made by: {MAKES_A_KEY}"
        raise SettingInvalid(KEYS_SETTING, rule)
    return settings.keys


def _check_range(path: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise SettingInvalid(name_of(path), f"cannot be {value}. Give a whole number from {least} to {most}.")


def _check_duration(settings: Settings, path: str, least: timedelta = timedelta(0)) -> None:
    section, _, option = path.partition(".")
    value: timedelta = getattr(getattr(settings, section), option)
    if not (timedelta(0) < value and least <= value <= LONGEST):
        bound = f"at least {least.total_seconds():g}s" if least else "more than 0s"
        rule = f"cannot be {value.total_seconds():g}s. Give {bound} and at most {LONGEST.days}d."
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


HOST = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:.]+\]"
)
"""A name of DNS labels, an IPv4 or a bracketed IPv6 network address (RFC 3986 §3.2.2, RFC 1123 §2.1)."""

PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")


def _check_base_url(settings: Settings) -> None:
    for section, host in (("http", settings.http.host), ("worker", settings.worker.host)):
        if not host.isascii() or not host:
            rule = "must be a network address of this machine, such as 127.0.0.1."
            raise SettingInvalid(name_of(f"{section}.host"), rule)
    if not settings.http.base_url and _is_wildcard(settings.http.host):
        rule = f"is missing. While {name_of('http.host')} is {settings.http.host}, give the public URL of the site."
        raise SettingInvalid(name_of("http.base_url"), rule)
    if not _is_plain_url(settings.base_url):
        rule = f"cannot be {settings.base_url!a}. Give the public URL of the site, such as https://news.example.org."
        raise SettingInvalid(name_of("http.base_url"), rule)


def _check_mailbox_url(settings: Settings) -> None:
    url = settings.mail.mailbox_url
    if url and not _is_plain_url(url.rstrip("/")):
        rule = f"cannot be {url!a}. Give the URL of the mailbox's page, such as http://127.0.0.1:8025/, or nothing."
        raise SettingInvalid(name_of("mail.mailbox_url"), rule)


def _check_postmark(settings: Settings) -> None:
    url = settings.mail.postmark_url
    if not _is_plain_url(url.rstrip("/")):
        rule = f"cannot be {url!a}. Give the URL of the API, such as https://api.postmarkapp.com."
        raise SettingInvalid(name_of("mail.postmark_url"), rule)
    if url.startswith("http://") and not is_loopback(urlsplit(url).hostname or ""):
        rule = f"cannot be {url!a}: it would send the token in plain text. Give a URL that begins with https://."
        raise SettingInvalid(name_of("mail.postmark_url"), rule)
    token = settings.mail.postmark_token
    if settings.mail.transport is Transport.POSTMARK and not token:
        rule = "is missing. Give the server API token that Postmark shows under API Tokens of the server."
        raise SettingInvalid(name_of("mail.postmark_token"), rule)
    if token and not TOKEN.fullmatch(token):
        rule = "holds a character that no token has. Copy it from API Tokens of the server at Postmark."
        raise SettingInvalid(name_of("mail.postmark_token"), rule)


def _is_plain_url(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    host = authority.removesuffix(f":{port}")
    return scheme in ("http", "https") and port != 0 and bool(HOST.fullmatch(host) and PATH.fullmatch(slash + path))


def _is_wildcard(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def _check_cookie(settings: Settings) -> None:
    if settings.http.cookie_secure or is_loopback(settings.http.host):
        return
    rule = f"can only be false while {name_of('http.host')} is a loopback network address: sessions could be stolen."
    raise SettingInvalid(name_of("http.cookie_secure"), rule)


def _check_networks(settings: Settings) -> None:
    for option in ("trusted_proxies", "metrics_networks"):
        try:
            getattr(settings, option)
        except ValueError as error:
            rule = f"{error}. Give networks such as 10.0.0.0/8."
            raise SettingInvalid(name_of(f"http.{option}"), rule) from None
