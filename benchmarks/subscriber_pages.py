"""How long does the staff's list of a million subscribers take, beside one subscriber looked up by the primary key?

Pages over HTTP, one after another on each of four connections, with a session: the first page, every filter, searches
that find many, one and none, and a page far back. The page to compare with shows one person.
"""

import sys
from collections.abc import Callable, Mapping
from statistics import median
from urllib.parse import urlencode
from uuid import UUID

from adapters_http.sealed_texts import SealedTexts
from adapters_postgres.embedded import EmbeddedPostgres
from benchmarks.support import machine, run, sync_times
from benchmarks.support.engines import opened
from benchmarks.support.sites import GATHERED, site
from benchmarks.support.visitors import request, visit
from tests.support.databases import Database, migrated_database
from tests.support.postgres import scratch_directory
from zero2prod.testing.builders import KEYS, origin
from zero2prod_core.domain.accounts import Username

SUBSCRIBERS = 1_000_000
CONNECTIONS = 4
VISITS = 100
ROUNDS = 5

MOST = 5.0
"""How much longer a page of the list may take."""

PASSWORD = "a sentence of the benchmark's"  # noqa: S105 - of a database that is thrown away

LIST, PERSON = "/admin/subscribers", "one person"

JOIN = """
INSERT INTO subscriptions (
    id, newsletter_id, email, email_key, email_domain, email_digest, email_digest_key, name, name_key, status,
    subscribed_at, confirmed_at, tags
)
SELECT
    ('00000000-0000-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid, newsletter_id, email, email,
    split_part(email, '@', 2), sha256(email::bytea), 'crowd', called, lower(called),
    CASE WHEN number % 100 = 0 THEN 'bounced' WHEN number % 10 = 0 THEN 'unsubscribed' ELSE 'confirmed' END,
    now(), now(),
    CASE WHEN number % 1000 = 0 THEN '{rare,common}' WHEN number % 2 = 0 THEN '{common}' ELSE '{}' END::text[]
FROM newsletters, generate_series(1, ##) AS number,
    concat('reader', number, '@domain', number % 100, '.example') AS email,
    concat((ARRAY['Ada', 'Grace', 'Łukasz', 'María', 'Wei'])[1 + number % 5], ' ', number) AS called
WHERE slug = 'default'
"""


def main() -> int:
    """Print the times and their ratios; 1 where one is too large."""
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data") as server:
        print(f"{machine()}, PostgreSQL {server.version}")
        print(sync_times(directory / "synced"), flush=True)
        with migrated_database(server, "subscriber_pages") as database:
            cookie = run(people(database))
            with site(GATHERED, database.url) as port:
                return judge(run(measure(port, cookie)))


async def people(database: Database) -> str:
    """A crowd, and the cookie of somebody who may look at it."""
    database.superuser.execute(JOIN.replace("##", str(SUBSCRIBERS)).encode())
    database.superuser.execute("VACUUM ANALYZE")
    async with opened(database.url) as runtime:
        await runtime.application.accounts.create(origin(), Username("ursula"))
        await runtime.application.accounts.set_password(origin(), Username("ursula"), PASSWORD)
        session = await runtime.application.log_in(origin(), "ursula", PASSWORD)
    return f"session={session.text}"


def pages() -> Mapping[str, str]:
    """What is looked at, by what it shows."""
    sealed = SealedTexts.keyed(KEYS).seal
    return {
        PERSON: f"{LIST}/{subscriber(SUBSCRIBERS // 2)}",
        "first page": LIST,
        "of a status": narrowed(status="bounced"),
        "of a frequent tag": narrowed(tag="common"),
        "of a rare tag": narrowed(tag="rare"),
        "of a status and a tag": narrowed(status="bounced", tag="rare"),
        "far back": narrowed(after=str(subscriber(1000))),
        "e-mail addresses that begin alike": narrowed(search=sealed("reader99")),
        "one e-mail address": narrowed(search=sealed("reader500001@domain1.example")),
        "names that begin alike": narrowed(search=sealed("łukasz")),
        "a domain": narrowed(search=sealed("@domain7.example")),
        "nobody": narrowed(search=sealed("nobody-at-all")),
        "names, of a status and a tag": narrowed(search=sealed("ada"), status="bounced", tag="common"),
    }


def subscriber(number: int) -> UUID:
    """The id that the crowd's maker gives its ``number``-th."""
    return UUID(f"00000000-0000-7000-8000-{number:012x}")


def narrowed(**chosen: str) -> str:
    return f"{LIST}?{urlencode(chosen)}"


async def measure(port: int, cookie: str) -> Mapping[str, list[float]]:
    """Of each page the medians of its rounds, in seconds."""
    targets = pages()
    times: Mapping[str, list[float]] = {name: [] for name in targets}
    for turn in range(ROUNDS + 1):
        print(f"round {turn} of {ROUNDS}", file=sys.stderr)
        for name, target in targets.items():
            answers = await visit([port], CONNECTIONS, VISITS, asking(target, cookie))
            if turn:
                times[name].append(answers.median)
    return times


def asking(target: str, cookie: str) -> Callable[[], bytes]:
    page = request("GET", target, Cookie=cookie, Accept="text/html")
    return lambda: page


def judge(times: Mapping[str, list[float]]) -> int:
    usual = {name: median(found) for name, found in times.items()}
    for name, seconds in usual.items():
        print(f"{name:<34} {1000 * seconds:6.1f} ms  {seconds / usual[PERSON]:5.2f} of {PERSON}")
    return int(max(usual.values()) > MOST * usual[PERSON])


if __name__ == "__main__":
    sys.exit(main())
