"""From the setting to what libpq is told."""

import re
from collections.abc import Mapping

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from zero2prod_core.errors import SettingInvalid

SETTING = "ZERO2PROD_DATABASE_URL"

# What a URL may override. A remote server that vanishes without a word is noticed within about 20 s where nothing is
# in flight (keepalives), and within 5 s where something is. Kerberos is for those who ask for it: trying it costs each
# connection a round trip. The connect_timeout is for migrations; the pool has its own.
DEFAULTS: dict[str, str] = {
    "client_encoding": "UTF8",
    "connect_timeout": "10",
    "gssencmode": "disable",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "5000",
}

# lock_timeout: the 5 s that a second request with one idempotency key waits for the first; nothing else waits longer.
# idle_in_transaction_session_timeout: a stopped process must not hold its row locks for ever.
# enable_seqscan: a plan that was kept while its table was small would read the whole table for each mark once an issue
# for 100,000 readers is published; every statement has its index, and one without may still read all.
SESSION = "-c timezone=UTC -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s -c enable_seqscan=off"

URL_SCHEMES = ("postgresql", "postgres")

END_OF_PASSWORD = re.compile("[@/]")

PORT = re.compile("[0-9]*")


def conninfo(url: str, application: str, setting: str = SETTING) -> str:
    """libpq's connection string for ``url``, with our session settings and, where it says nothing itself, our defaults.

    Raises:
        SettingInvalid: libpq cannot read it, or takes a part of the password for something else. It names ``setting``,
            never the URL.
    """
    try:
        given = conninfo_to_dict(url)
    except (ProgrammingError, UnicodeError):
        rule = "is not a URL that libpq can read. Write postgresql://user:password@host:5432/database"
        raise SettingInvalid(setting, rule) from None
    if _is_torn(url, given):
        rule = "has an @, / or : where none can stand. In user and password, write them as %40, %2F and %3A"
        raise SettingInvalid(setting, rule)
    options = f"{given.pop('options', None) or ''} {SESSION}".strip()
    return make_conninfo("", **{"application_name": application, **DEFAULTS, **given, "options": options})


def _is_torn(url: str, given: Mapping[str, object]) -> bool:
    """Whether a part of the password may have become host, port or database, which errors show.

    libpq ends user and password at the first @ or /. A host that begins with / or @ is a socket.
    """
    hosts, ports = (str(given.get(name) or "").split(",") for name in ("host", "port"))
    if any("@" in host[1:] and not host.startswith("/") for host in hosts):
        return True
    if not all(PORT.fullmatch(port) for port in ports):
        return True
    scheme, _, rest = url.partition("?")[0].partition("://")
    return scheme in URL_SCHEMES and "@" in END_OF_PASSWORD.split(rest, maxsplit=1)[-1]


def user_of(url: str) -> str | None:
    """The role that a URL logs in as: its own, else libpq's default (PGUSER, or the name of the system's user)."""
    defaults = {option.keyword: option.val for option in Conninfo.get_defaults()}
    default = defaults.get(b"user")
    return str(conninfo_to_dict(url).get("user") or (default or b"").decode()) or None
