"""The whole engine in this process, over a ledger in memory and our own SMTP: an issue, and what the ledger says of it.

Time stands still, for the ledger alone, until a test moves it.
"""

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import attrs

from adapters_email.dialogue import Way
from adapters_email.smtp import SmtpMailer
from adapters_email.smtp_url import SmtpUrl
from adapters_memory.delivery_rows import HELD, Row
from tests.support.core import publication
from tests.support.relays import Relay
from tests.support.waiting import eventually
from tests.support.works import Works
from zero2prod.testing.builders import origin
from zero2prod.worker import Pace
from zero2prod_core.domain.deliveries import DeliveryState, Scope
from zero2prod_core.domain.issues import Content, Issue, IssueState
from zero2prod_core.domain.suppressions import Reason

PATIENCE = 30.0

CONNECTIONS = 4

PACE = Pace(poll=timedelta(milliseconds=20))

FINAL = frozenset({DeliveryState.SENT, DeliveryState.FAILED})

UNTIL_ALL_IS_DUE = timedelta(hours=5)
"""Longer than any wait of the ledger, and far from giving up."""

A_WHILE = timedelta(minutes=15)
"""Longer than a relay's breaker may stay open, and so short that even a mail put off ten times is not given up."""


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
    works: Works
    issue: Issue

    async def settled(self) -> None:
        """Wait until every delivery was tried, or its issue paused."""
        assert await eventually(self._is_settled, PATIENCE), self.rows()

    async def finish(self) -> None:
        """With a server that takes mail again: have a person resume the issue, time pass, and all be done."""
        if (await self._now()).state is IssueState.PAUSED:
            await self.works.application.resume_issue(origin(), self.issue.id)
        self.works.core.clock.forward(UNTIL_ALL_IS_DUE)
        assert await eventually(self._is_over, PATIENCE), self.rows()

    def rows(self) -> Mapping[str, Row]:
        """By the recipients' e-mail addresses."""
        tables = self.works.core.store._tables
        return {
            tables.subscribers.rows[row.key.recipient].email.text: row
            for row in tables.deliveries.rows.values()
            if row.key.letter == self.issue.letter
        }

    async def fates(self) -> set[Fate]:
        """Of all mails."""
        tables, issue = self.works.core.store._tables, await self._now()
        domains = {key.subject for key in tables.breakers.rows if key.scope is Scope.DOMAIN}
        relay = Scope.RELAY if any(key.scope is Scope.RELAY for key in tables.breakers.rows) else None
        bounced = {digest for digest, reason in tables.suppressions.rows if reason is Reason.BOUNCE}
        return {
            Fate(
                row.state,
                row.attempts,
                Scope.DOMAIN if row.domain in domains else relay,
                row.digest in bounced,
                issue.pause_reason,
            )
            for row in self.rows().values()
        }

    def judge(self, relay: Relay) -> None:
        """Whoever is served got the mail, nobody else did, and nobody more often than an answer was lost."""
        copies = Counter(mail.recipient for mail in relay.mails)
        assert len({(mail.recipient, mail.message_id, mail.digest) for mail in relay.mails}) == len(copies)
        for email, row in self.rows().items():
            least = int(row.state is DeliveryState.SENT)
            assert least <= copies.pop(email, 0) <= row.uncertain_attempts + least, (email, row)
        assert not copies, "somebody got it who is no reader"

    async def _now(self) -> Issue:
        (issue,) = await self.works.application.list_issues()
        return issue

    async def _is_settled(self) -> bool:
        is_paused = (await self._now()).state is IssueState.PAUSED
        return all(row.state not in HELD and (row.reply or is_paused) for row in self.rows().values())

    async def _is_over(self) -> bool:
        await self.works.application.jobs.expire_leases()
        if not any(row.state in HELD for row in self.rows().values()):
            self.works.core.clock.forward(A_WHILE)
        return all(row.state in FINAL for row in self.rows().values())


@asynccontextmanager
async def engine(
    relay: Relay, way: Way, *readers: str, time_limit: float = PATIENCE, content: Content | None = None
) -> AsyncIterator[Engine]:
    """An issue on its way to these readers, by a worker over kept connections."""
    works = Works()
    url = SmtpUrl.parse(f"smtp://127.0.0.1:{relay.port}?tls=none")
    mailer = SmtpMailer(url, connections=CONNECTIONS, time_limit=time_limit, most_advanced=way)
    for reader in readers:
        await works.core.confirmed(reader)
    wish = publication()
    issue = await works.application.publish(attrs.evolve(wish, content=content or wish.content), origin())
    async with works.working(mailer, PACE):
        yield Engine(works, issue)
