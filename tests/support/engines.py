"""The whole engine in this process, from the ledger to our own SMTP: an issue, and what the ledger says of it."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import attrs

from adapters_email.dialogue import Way
from adapters_email.smtp import SmtpMailer
from adapters_email.smtp_url import SmtpUrl
from tests.support.engine_stores import Row, Store, Stores
from tests.support.relays import Relay
from tests.support.waiting import PATIENCE, eventually
from zero2prod.testing.builders import email, origin, publication, subscriber
from zero2prod.worker import Worker
from zero2prod_core.domain.deliveries import DeliveryState, Scope
from zero2prod_core.domain.issues import Content, Issue, IssueState
from zero2prod_core.ports.mailer import Mailer

CONNECTIONS = 4

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here is encrypted, and reading the system's certificates takes longer than delivering."""

HELD = frozenset({DeliveryState.LEASED, DeliveryState.ATTEMPTING})

FINAL = frozenset({DeliveryState.SENT, DeliveryState.FAILED})

UNTIL_ALL_IS_DUE = timedelta(hours=5)
"""Longer than any wait of the ledger, and far from giving up."""

A_WHILE = timedelta(minutes=15)
"""Longer than a relay's breaker may stay open, and so short that even a mail put off ten times is not given up."""

MOST_DRAINS = 100
"""Workers, one after another: more than a server that takes mail now and then makes necessary."""


@attrs.frozen
class Fate:
    """What became of a mail: its row, the breaker that it tripped, and what else followed. ``reason``: why its issue
    was paused.
    """

    state: DeliveryState
    attempts: int
    breaker: Scope | None = None
    is_suppressed: bool = False
    reason: str | None = None


@attrs.frozen
class Engine:
    """``mailer`` makes a new one for each worker; ``first`` is there until its worker has ended."""

    store: Store
    issue: Issue
    mailer: Callable[[], Mailer]
    first: AsyncExitStack

    async def settled(self) -> None:
        """Wait until every delivery was tried, or its issue paused, and end the worker: where the store has a time of
        its own, it would try again.
        """
        assert await eventually(self._is_settled), self.rows()
        await self.first.aclose()

    async def finish(self) -> None:
        """With a server that takes mail again: have a person resume the issue, time pass, and other workers do it all.
        A new one knows nothing of a relay that was away.
        """
        if (await self._now()).state is IssueState.PAUSED:
            await self.store.application.resume_issue(origin(), self.issue.id)
        self.store.forward(UNTIL_ALL_IS_DUE)
        for _ in range(MOST_DRAINS):
            await Worker("another", self.store.parts(self.mailer())).drain()
            if all(row.state in FINAL for row in self.rows().values()):
                return
            self.store.forward(A_WHILE)
        raise AssertionError(self.rows())

    def rows(self) -> Mapping[str, Row]:
        """By the recipients' e-mail addresses."""
        return {row.email: row for row in self.store.rows()}

    async def fates(self) -> set[Fate]:
        """Of all mails."""
        reason = (await self._now()).pause_reason
        return {Fate(row.state, row.attempts, row.breaker, row.is_suppressed, reason) for row in self.rows().values()}

    def judge(self, relay: Relay) -> None:
        """Whoever is served got the mail, nobody else did, and nobody more often than an answer was lost."""
        copies = Counter(mail.recipient for mail in relay.mails)
        assert len({(mail.recipient, mail.message_id, mail.digest) for mail in relay.mails}) == len(copies)
        for reader, row in self.rows().items():
            least = int(row.state is DeliveryState.SENT)
            assert least <= copies.pop(reader, 0) <= row.uncertain_attempts + least, (reader, row)
        assert not copies, "somebody got it who is no reader"

    async def _now(self) -> Issue:
        (issue,) = await self.store.application.list_issues()
        return issue

    async def _is_settled(self) -> bool:
        is_paused = (await self._now()).state is IssueState.PAUSED
        return all(row.state not in HELD and (row.is_answered or is_paused) for row in self.rows().values())


@asynccontextmanager
async def engine(
    stores: Stores, relay: Relay, way: Way, *readers: str, time_limit: float = PATIENCE, content: Content | None = None
) -> AsyncIterator[Engine]:
    """An issue on its way to these readers, by a worker over kept connections."""

    def mailer() -> Mailer:
        url = SmtpUrl.parse(f"smtp://127.0.0.1:{relay.port}?tls=none")
        return SmtpMailer(
            url, connections=CONNECTIONS, time_limit=time_limit, context=NO_CERTIFICATES, most_advanced=way
        )

    async with stores() as store:
        async with store.uow() as tx:
            await tx.subscribers.claim_batch([subscriber(email(reader)) for reader in readers])
        wish = publication()
        issue = await store.application.publish(attrs.evolve(wish, content=content or wish.content), origin())
        async with AsyncExitStack() as first:
            await first.enter_async_context(_working(store, mailer()))
            yield Engine(store, issue, mailer, first)


@asynccontextmanager
async def _working(store: Store, mailer: Mailer) -> AsyncIterator[None]:
    """A worker that runs, and is stopped at the end."""
    worker = Worker("worker", store.parts(mailer))
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await asyncio.wait_for(task, PATIENCE)
