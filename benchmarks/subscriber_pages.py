"""How long does the staff's list of a million subscribers take, beside one subscriber looked up by the primary key?

Pages over HTTP, one after another on each of four connections, with a session: the first page, every filter, searches
that find many, one and none, searches of which nobody has the tag, and a page far back. The page to compare with shows
one person, each time another: every look is written into that person's history, which the page shows too.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import count, repeat
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
    now(), now(), chosen
FROM newsletters, generate_series(1, ##) AS number, LATERAL (
    SELECT concat('early', number, '@first.example'), concat('Zoe ', number), '{old}'::text[]
    WHERE number <= 10000
    UNION ALL
    SELECT
        concat('reader', number, '@domain', number % 100, '.example'),
        concat((ARRAY['Ada', 'Grace', 'Łukasz', 'María', 'Wei'])[1 + number % 5], ' ', number),
        CASE WHEN number % 1000 = 0 THEN '{rare,common}' WHEN number % 2 = 0 THEN '{common}' ELSE '{}' END::text[]
    WHERE number > 10000
) AS typed (email, called, chosen)
WHERE slug = 'default'
"""
"""Those who came first share nothing with the others: of the many whom a search finds, nobody has the others' tag."""


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


def pages() -> Mapping[str, Iterable[str]]:
    """What is looked at, by what it shows: the targets of one request after the other."""
    sealed = SealedTexts.keyed(KEYS).seal
    lists = {
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
        "domain, of a status and a tag": narrowed(search=sealed("@domain0.example"), status="bounced", tag="common"),
        "e-mail addresses without the tag": narrowed(search=sealed("reader"), tag="old"),
        "names without the tag": narrowed(search=sealed("ada"), tag="old"),
        "names without the tag, of a status": narrowed(search=sealed("ada"), status="confirmed", tag="old"),
        "a domain without the tag": narrowed(search=sealed("@domain7.example"), tag="old"),
        "a frequent tag without the names": narrowed(search=sealed("zoe"), tag="common"),
        "a frequent tag without the domain": narrowed(search=sealed("@first.example"), tag="common"),
    }
    people = (f"{LIST}/{subscriber(number)}" for number in count(SUBSCRIBERS // 2))
    return {PERSON: people} | {name: repeat(target) for name, target in lists.items()}


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
        for name, asked in targets.items():
            answers = await visit([port], CONNECTIONS, VISITS, asking(asked, cookie))
            if turn:
                times[name].append(answers.median)
    return times


def asking(targets: Iterable[str], cookie: str) -> Callable[[], bytes]:
    """Takes the next target with each request."""
    requests = (request("GET", target, Cookie=cookie, Accept="text/html") for target in targets)
    return partial(next, requests)


def judge(times: Mapping[str, list[float]]) -> int:
    usual = {name: median(found) for name, found in times.items()}
    for name, seconds in usual.items():
        print(f"{name:<34} {1000 * seconds:6.1f} ms  {seconds / usual[PERSON]:5.2f} of {PERSON}")
    return int(max(usual.values()) > MOST * usual[PERSON])


if __name__ == "__main__":
    sys.exit(main())
