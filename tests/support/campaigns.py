"""An issue, the workers that send it, and what may befall them: the proof that nobody is lost and nobody repeated.

A `Campaign` stands over a database of its own and a recording relay, a process that knows what it has accepted. A test
puts readers into the database, publishes through the application, starts real ``zero2prod worker`` processes (directly
or through a `PostgresProxy`), and does to them what it is about: it holds them at a point and kills them. Time is never
waited for: `end_leases` and `hurry` move the ends of leases and waits in the database, and the application's own job
acts on them. At the end `verdict` sets the relay's record against the ledger.

    with campaign(server, relay) as it:
        it.readers(100)
        it.publish()
        with it.working() as worker:
            relay.hold("taken")
            relay.reached("taken", 3)
            worker.kill()
            relay.drop("taken")
        it.end_leases(worker)
        it.finish()
        assert it.verdict().lost == set()
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TypeVar
from uuid import UUID

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.databases import Database, migrated_database
from tests.support.relays import Accepted, Relay
from tests.support.services import SECRET_KEYS, Installation, Service
from tests.support.waiting import until
from zero2prod.runtime import Runtime, running
from zero2prod.settings import DatabaseSettings, DeliverySettings, HttpSettings, MailSettings, SecretSettings, Settings
from zero2prod.testing.builders import KEY, evidence, number, origin, publication, subscriber
from zero2prod_core.domain.deliveries import UNFINISHED, DeliveryState
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text

Result = TypeVar("Result")

SOAK = (pytest.mark.soak, pytest.mark.timeout(0))
"""A long run has no limit as a whole; each wait in it has one."""

CONNECTIONS = 4
"""A worker's to the relay."""

BULK = CONNECTIONS - 1
"""One of them is for urgent mail."""

DOORS = 8
"""Readers who leave at once: fewer than the connections of a process to the database."""

BASE_URL = "https://news.example.org"
"""Each mail has links of the site: they must not differ from one worker to the next."""

ROWS = """
SELECT deliveries.recipient_id, email, deliveries.state, attempts, uncertain_attempts, settled_at::text
FROM deliveries JOIN subscriptions ON id = recipient_id
"""

SUMS = "SELECT state, count(*) FROM deliveries GROUP BY state"

END_LEASES = "UPDATE leases SET expires_at = clock_timestamp() WHERE worker LIKE %s"

HURRY = """
UPDATE deliveries SET resend_at = clock_timestamp() WHERE resend_at > clock_timestamp();
UPDATE deliveries SET due_at = clock_timestamp() WHERE due_at > clock_timestamp();
"""


@attrs.frozen
class Row:
    """A delivery as the ledger has it."""

    recipient: UUID
    email: str
    state: DeliveryState
    attempts: int
    uncertain_attempts: int
    settled_at: str | None


@attrs.frozen
class Verdict:
    """The relay's record against the ledger.

    ``lost``: readers whom the ledger believes to be served, and who got nothing. ``strangers``: mailed, and no readers.
    ``spoiled``: mailed against the ledger's word (suppressed, cancelled, failed, or still waiting). ``repeated``: how
    many mails too many. ``altered``: readers whose copies differ in Message-ID or bytes.
    """

    lost: set[str]
    strangers: set[str]
    spoiled: set[str]
    repeated: Mapping[str, int]
    altered: set[str]

    @classmethod
    def of(cls, rows: Sequence[Row], mails: Sequence[Accepted]) -> "Verdict":
        copies = Counter(mail.recipient for mail in mails)
        kinds = Counter(recipient for recipient, _, _ in {(m.recipient, m.message_id, m.digest) for m in mails})
        got = {DeliveryState.SENT, DeliveryState.UNCERTAIN, DeliveryState.ATTEMPTING}
        return cls(
            lost={row.email for row in rows if row.state is DeliveryState.SENT and not copies[row.email]},
            strangers=copies.keys() - {row.email for row in rows},
            spoiled={row.email for row in rows if row.state not in got and copies[row.email] > row.uncertain_attempts},
            repeated={email: count - 1 for email, count in copies.items() if count > 1},
            altered={email for email, count in kinds.items() if count > 1},
        )

    @property
    def is_clean(self) -> bool:
        """Whether nobody is lost, nobody a stranger, nobody mailed wrongly, and every repetition is the same mail."""
        return not (self.lost or self.strangers or self.spoiled or self.altered)


@attrs.frozen
class Campaign:
    """``audience`` grows by `readers`; it must be what the ledger's sums add up to at any moment."""

    database: Database
    relay: Relay
    policy: UncertainPolicy = UncertainPolicy.RESEND
    audience: list[str] = attrs.field(factory=list)

    def ask(self, verb: Callable[[Runtime], Awaitable[Result]], *, url: str | None = None) -> Result:
        """What a verb of the application answers, in this process."""

        async def answer() -> Result:
            async with running(self._settings(url)) as runtime:
                return await verb(runtime)

        return asyncio.run(answer())

    def readers(self, count: int) -> Sequence[str]:
        """The e-mail addresses of new confirmed subscribers."""
        return self.join([subscriber() for _ in range(count)])

    def join(self, made: Sequence[Subscriber]) -> Sequence[str]:
        """The e-mail addresses of these, who are subscribers from now on."""

        async def add(runtime: Runtime) -> None:
            async with runtime.container.uow()() as tx:
                await tx.subscribers.claim_batch(made)

        self.ask(add)
        self.audience.extend(reader.email.text for reader in made)
        return [reader.email.text for reader in made]

    def empty(self) -> None:
        """Begin anew, without readers; the relay's record stays."""
        self.database.empty()
        self.audience.clear()

    def publish(self, *, url: str | None = None, key: str | None = None) -> UUID:
        """An issue to all readers; its id."""
        wish = publication(key=key or f"key {number()}")
        issue = self.ask(lambda runtime: runtime.application.publish(wish, origin()), url=url)
        assert issue.audience == len(self.audience)
        return issue.id

    def installation(self, url: str | None = None, **settings: object) -> Installation:
        """Where processes are started; ``url`` may be a proxy's."""
        usual = {
            "DELIVERY_POLL": "100ms",
            "DELIVERY_UNCERTAIN": self.policy,
            "HTTP_BASE_URL": BASE_URL,
            "MAIL_SMTP_CONNECTIONS": CONNECTIONS,
        }
        return Installation.over(url or self.database.url, self.relay.port, **{**usual, **settings})

    def working(self, url: str | None = None, **settings: object) -> AbstractContextManager[Service]:
        """A worker process that has begun."""
        return self.installation(url, **settings).working()

    def rows(self) -> Sequence[Row]:
        """The whole ledger, which is the audience."""
        found = self.database.superuser.execute(ROWS.encode()).fetchall()
        rows = [Row(id_, email, DeliveryState(state), *rest) for id_, email, state, *rest in found]
        assert Counter(row.email for row in rows) == Counter(self.audience)
        return rows

    def sums(self) -> Counter[DeliveryState]:
        """How many are in each state; together they are the audience."""
        found = self.database.superuser.execute(SUMS).fetchall()
        sums = Counter({DeliveryState(state): count for state, count in found})
        assert sums.total() == len(self.audience)
        return sums

    def emails(self, state: DeliveryState) -> set[str]:
        """Who is in this state."""
        return {row.email for row in self.rows() if row.state is state}

    def leave(self, emails: Collection[str], gone: list[str] | None = None) -> None:
        """Unsubscribe them by the links in their mails; ``gone`` is told of each whose leave is committed."""
        tokens = {row.email: token_text(KEY, Purpose.UNSUBSCRIBE, row.recipient) for row in self.rows()}
        told = [] if gone is None else gone

        async def leave_all(runtime: Runtime) -> None:
            doors = asyncio.Semaphore(DOORS)

            async def go(email: str) -> None:
                async with doors:
                    await runtime.application.unsubscribe(tokens[email], evidence())
                told.append(email)

            await asyncio.gather(*map(go, emails))

        self.ask(leave_all)

    def listed(self, issue: UUID) -> set[str]:
        """Whom the application names where a person asks for an issue's deliveries in doubt."""
        most = len(self.audience)
        found = self.ask(lambda runtime: runtime.application.list_uncertain(issue, most))
        return {doubt.email.text for doubt in found if doubt.email}

    def end_leases(self, worker: Service | None = None) -> None:
        """Make the time of a worker's leases be over, or of everybody's, and let the job take them back."""
        whose = f"%:{worker.process.pid}" if worker else "%"
        self.database.superuser.execute(END_LEASES, [whose])
        assert until(lambda: self._expired(whose))

    def hurry(self) -> None:
        """Make all waiting be over: uncertain deliveries are sent again if they ever are."""
        self.database.superuser.execute(HURRY)
        self.expire()

    def expire(self) -> None:
        """The job that every worker runs every few seconds."""
        self.ask(lambda runtime: runtime.application.jobs.expire_leases())

    def is_over(self) -> bool:
        """Whether everybody is served, or held for a person; deliveries that wait for another try are hurried."""
        sums = self.sums()
        if sums[DeliveryState.DEFERRED] or (sums[DeliveryState.UNCERTAIN] and self.policy is UncertainPolicy.RESEND):
            self.hurry()
            return False
        return not UNFINISHED & sums.keys()

    def finish(self) -> None:
        """Wait until the issue is over, with workers that are at work: as long as something changes."""
        while not self.is_over():
            before = self.sums()
            assert until(partial(self._has_changed, before)), before

    def finish_by_another(self) -> None:
        """Have a new worker do the rest, and end it in good order."""
        with self.working() as worker:
            self.finish()
            assert worker.stop() == 0

    def verdict(self) -> Verdict:
        return Verdict.of(self.rows(), self.relay.mails)

    def _has_changed(self, before: Counter[DeliveryState]) -> bool:
        return self.is_over() or self.sums() != before

    def _expired(self, whose: str) -> bool:
        self.expire()
        left = "SELECT count(*) FROM leases WHERE worker LIKE %s AND expires_at <= clock_timestamp()"
        return self.database.superuser.execute(left, [whose]).fetchall() == [(0,)]

    def _settings(self, url: str | None) -> Settings:
        return Settings(
            database=DatabaseSettings(url=url or self.database.url),
            http=HttpSettings(base_url=BASE_URL),
            secret=SecretSettings(keys=SECRET_KEYS),
            mail=MailSettings(sender="news@example.org"),
            delivery=DeliverySettings(uncertain=self.policy),
        )


@contextmanager
def campaign(
    server: EmbeddedPostgres, relay: Relay, policy: UncertainPolicy = UncertainPolicy.RESEND
) -> Iterator[Campaign]:
    """One over a new database of the server."""
    with migrated_database(server, f"campaign_{number()}") as database:
        yield Campaign(database, relay, policy)
