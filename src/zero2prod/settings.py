"""Every setting, with its default. They are loaded in `settings_loading` and checked in `settings_checks`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import attrs
import typed_settings as ts

from adapters_email.dkim_setting import KeyFile, parse_key_files
from adapters_email.postmark_account import PostmarkAccount
from adapters_email.smtp_url import SmtpUrl
from zero2prod.durations import retry_schedule
from zero2prod.settings_limits import USUAL_LIMITS, LimitSettings
from zero2prod.settings_subscriptions import USUAL_SUBSCRIPTIONS, SubscriptionSettings
from zero2prod.settings_worker import NO_PORT, WorkerSettings
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.domain.limits import DomainRates, Limits

PREFIX = "ZERO2PROD_"
LOCAL_RELAY = "smtp://127.0.0.1:25"
Network: TypeAlias = IPv4Network | IPv6Network


class Transport(StrEnum):
    """By which way mail leaves."""

    SMTP = "smtp"
    POSTMARK = "postmark"
    MEMORY = "memory"
    CONSOLE = "console"


@attrs.frozen
class DatabaseSettings:
    """Database."""

    url: str = ts.secret(
        default="",
        help=(
            "The database, as a URL that libpq reads. Empty means, under `up` alone, a PostgreSQL of its own in "
            "the data directory; every other command then takes that of the `up` that runs, or refuses."
        ),
    )
    owner_url: str = ts.secret(
        default="",
        help=(
            "The same database for the role that owns the tables, used by `migrate` alone. Empty means that one "
            "role does all."
        ),
    )


@attrs.frozen
class HttpSettings:
    """The site."""

    host: str = ts.option(
        default="127.0.0.1",
        help=(
            "The network address to listen on. The default is reached from this machine alone, as by a proxy with TLS."
        ),
    )
    port: int = ts.option(default=8000, help="The TCP port to listen on, 1 to 65535.")
    base_url: str = ts.option(
        default="",
        help=(
            "The public URL, from which every link is built. Empty means `http://` with host and port, which is "
            "refused where the host is a wildcard such as `0.0.0.0`."
        ),
    )
    trusted_proxies: str = ts.option(
        default="",
        help=(
            "Networks, separated by commas, whose `X-Forwarded-For` and `X-Request-Id` are believed, such as "
            "`10.0.0.0/8, fd00::/8`. Empty means none."
        ),
    )
    metrics_networks: str = ts.option(
        default="127.0.0.0/8, ::1/128",
        help="Networks, separated by commas, from where `/metrics` is answered. Empty means none.",
    )
    cookie_secure: bool = ts.option(
        default=True,
        help=(
            "Whether cookies are for https alone; the session's is then called `__Host-session`, else `session`. "
            "`false` is refused unless the host is a loopback network address. `up` sets it to `false` by itself "
            "on such a host without https."
        ),
    )


@attrs.frozen
class SecretSettings:
    """Keys."""

    keys: str = ts.secret(
        default="",
        help=(
            "Keys of at least 64 hexadecimal digits, newest first, separated by commas, each as `id:hex` or "
            "`hex`. `up` makes one and keeps it in its data directory; every other command but "
            "`migrate` takes that of the `up` that runs, or needs it."
        ),
    )


@attrs.frozen
class MailSettings:
    """Mail."""

    transport: Transport = ts.option(
        default=Transport.SMTP,
        help=(
            "How mail leaves: `smtp`, `postmark` (its e-mail API), `console` (printed, not sent) or `memory` (kept by "
            "the process, not sent)."
        ),
    )
    sender: str = ts.option(
        default="",
        help=(
            "The From of newsletters without one of their own; its domain also ends every Message-ID. Empty means "
            "`newsletter@` the public host."
        ),
    )
    smtp_url: str = ts.secret(
        default="",
        help=(
            "The relay, as `smtp://user:password@host:port?tls=starttls|implicit|none`. Empty means a mail server "
            "on this machine, `smtp://127.0.0.1:25`; under `up` it means the mailbox."
        ),
    )
    smtp_connections: int = ts.option(
        default=4,
        help=(
            "SMTP only: connections that each worker keeps to the relay, 1 to 100. With two or more, the first is for "
            "urgent mails alone."
        ),
    )
    dkim_keys: str = ts.option(
        default="",
        help=(
            "SMTP only: the keys that sign each mail, as `selector=/path/key.pem` or `selector@domain=/path/key.pem`, "
            "with commas between them. Without a domain a key is of every sender's own. Empty means that mails leave "
            "unsigned."
        ),
    )
    postmark_url: str = ts.option(
        default="https://api.postmarkapp.com",
        help="Where Postmark's API is. Plain http is refused unless it leads to a loopback network address.",
    )
    postmark_token: str = ts.secret(
        default="",
        help="The server API token, which `postmark` needs. It is found under API Tokens of the server at Postmark.",
    )
    postmark_batch: int = ts.option(
        default=50,
        help="Mails in one request to Postmark, 1 to 500. So many may be uncertain when an answer is lost.",
    )
    timeout: timedelta = ts.option(
        default=timedelta(minutes=10),
        help=(
            "The longest wait for any one step of the dialogue, whose own limits are those of RFC 5321, and for a "
            "request to Postmark with its answer. At least 1 s."
        ),
    )
    mailbox_url: str = ts.option(
        default="",
        help=(
            "Where a mailbox that catches all mail shows it, such as `http://127.0.0.1:8025/`. The dashboard's "
            "checklist then leads there, and asks it whether anybody has looked. `up` sets it while it catches the "
            "mail itself."
        ),
    )


@attrs.frozen
class DeliverySettings:
    """Delivery."""

    batch: int = ts.option(default=500, help="How many deliveries a worker claims at once, 1 to 10000.")
    lease: timedelta = ts.option(
        default=timedelta(seconds=30),
        help="How long a worker holds what it claimed without renewing; another takes it up after that.",
    )
    renewal: timedelta = ts.option(
        default=timedelta(seconds=10),
        help="How often a worker renews. Must be shorter than the lease.",
    )
    poll: timedelta = ts.option(
        default=timedelta(seconds=1),
        help="How often a worker looks for work that nobody told it of.",
    )
    uncertain: UncertainPolicy = ts.option(
        default=UncertainPolicy.RESEND,
        help=(
            "What becomes of an issue's mail whose answer was lost: `resend`, or `hold` for a person to decide. "
            "Taken by each issue when it is published."
        ),
    )
    retries: str = ts.option(
        default="5m,20m,45m,2h,3h",
        help=(
            "The waits before a mail that was put off is tried again, one after another; the last repeats. Each is "
            "30s to 30d, and is varied by a fifth."
        ),
    )
    give_up: timedelta = ts.option(
        default=timedelta(days=5),
        help=(
            "How long an issue's mail is tried before it counts as failed. Taken when the issue is published or sent "
            "again."
        ),
    )
    retention: timedelta = ts.option(
        default=timedelta(days=30),
        help=(
            "How long each delivery of an issue that is over is kept; then only sums, failures and what is in doubt "
            "are. At least 1d."
        ),
    )
    recipient_rates: str = ts.option(
        default="off",
        help=(
            "How many mails may go to one recipient domain, over all workers: `off`, `20/s`, `1000/h`, or with rates "
            "of their own for some domains `20/s, example.com=2/s, example.org=off`."
        ),
    )
    sender_rates: str = ts.option(
        default="off",
        help="How many mails may go out in the name of one From domain, over all workers; written alike.",
    )


class LogFormat(StrEnum):
    """``auto`` is for a person on a terminal, and JSON elsewhere."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


@attrs.frozen
class LogSettings:
    """Logs."""

    format: LogFormat = ts.option(
        default=LogFormat.AUTO,
        help="`json`, one object a line; `text`, for a person; `auto`, `text` on a terminal and `json` elsewhere.",
    )


@attrs.frozen
class Settings:
    """Every setting; the properties give the parsed values."""

    database: DatabaseSettings = DatabaseSettings()
    http: HttpSettings = HttpSettings()
    secret: SecretSettings = SecretSettings()
    mail: MailSettings = MailSettings()
    subscriptions: SubscriptionSettings = USUAL_SUBSCRIPTIONS
    delivery: DeliverySettings = DeliverySettings()
    limits: LimitSettings = USUAL_LIMITS
    worker: WorkerSettings = NO_PORT
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
    def dkim_files(self) -> Sequence[KeyFile]:
        """The files of the keys that sign; none where mails leave unsigned."""
        return parse_key_files(self.mail.dkim_keys)

    @property
    def postmark(self) -> PostmarkAccount:
        """Where and as whom Postmark's API is used."""
        return PostmarkAccount(self.mail.postmark_url.rstrip("/"), self.mail.postmark_token)

    @property
    def retries(self) -> Sequence[timedelta]:
        """The waits after the 1st, 2nd, … try of a mail; the last repeats."""
        return retry_schedule(self.delivery.retries, name_of("delivery.retries"))

    @property
    def recipient_rates(self) -> DomainRates:
        return DomainRates.parse(self.delivery.recipient_rates, name_of("delivery.recipient_rates"))

    @property
    def sender_rates(self) -> DomainRates:
        return DomainRates.parse(self.delivery.sender_rates, name_of("delivery.sender_rates"))

    @property
    def limits_policy(self) -> Limits:
        """What visitors may do. Where limits are off, nothing is limited."""
        return self.limits.policy(lambda option: name_of(f"limits.{option}"))

    @property
    def limits_off(self) -> Sequence[str]:
        """The settings by which something is not limited."""
        return [name_of(f"limits.{option}") for option in self.limits.off]

    @property
    def relay_name(self) -> str:
        """Whom mail is handed to, as people and all workers call it."""
        if self.mail.transport is Transport.SMTP:
            return f"{self.relay.host}:{self.relay.port}"
        return self.mail.transport.value

    @property
    def mailbox_url(self) -> str | None:
        """Where the mailbox shows the mail that it caught, ending in a slash; None where mail goes elsewhere."""
        return f"{self.mail.mailbox_url.rstrip('/')}/" if self.mail.mailbox_url else None

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
        return _networks(self.http.trusted_proxies)

    @property
    def metrics_networks(self) -> tuple[Network, ...]:
        return _networks(self.http.metrics_networks)


def _networks(typed: str) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip()) for part in typed.split(",") if part.strip())


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


def help_of(path: str) -> str:
    """What the setting means, in sentences for the reference and the command line."""
    told: str = options()[path].metadata["typed-settings"]["help"]
    return told


def is_secret(path: str) -> bool:
    """Whether the setting's value may never be shown."""
    return options()[path].repr is not True
