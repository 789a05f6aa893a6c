from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import attrs

from zero2prod_core.domain.deliveries import (
    Claimed,
    DeliveryKey,
    DeliveryState,
    FailedDelivery,
    InDoubt,
    Mark,
    NewDelivery,
    Postponed,
    Resolution,
    Ruling,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import Letter, LetterKind
from zero2prod_core.domain.people import Mailing
from zero2prod_core.domain.refusals import Recent


@attrs.frozen
class Settled:
    """``applied[i]``: the i-th ruling changed its row. ``granted[i]``: the i-th mark holds, and its mail may be
    completed.
    """

    applied: tuple[bool, ...]
    granted: tuple[bool, ...]


@attrs.frozen
class Expired:
    """How many rows of ended leases went back to pending, and how many became uncertain."""

    returned: int
    uncertain: int


@attrs.frozen
class Backlog:
    """How many deliveries are due and held by nobody, and for how long the one that waits longest has been due."""

    due: int
    waiting: timedelta


class DeliveryLedger(Protocol):
    """The one ledger of deliveries, and the leases under which workers hold its rows.

    Every verb that looks at time takes ``at``: None, in production, means the store's clock at that statement; tests
    pass an instant. Rows are locked in key order everywhere. ``TRANSITIONS`` of the domain holds for every verb.
    """

    @abstractmethod
    async def enqueue_batch(self, deliveries: Sequence[NewDelivery], at: Instant | None = None) -> int:
        """Add pending rows due at once; one whose key exists is left as it is. Returns how many are new. Wakes
        workers.
        """

    @abstractmethod
    async def enqueue_audience(self, letter: Letter, give_up_after: timedelta, at: Instant | None = None) -> int:
        """Add a row for every confirmed, unpaused, unsuppressed subscriber of the letter's newsletter. Returns how
        many.
        """

    @abstractmethod
    async def claim_batch(
        self,
        lease: UUID,
        worker: str,
        lasts: timedelta,
        limit: int,
        *,
        urgent: bool,
        at: Instant | None = None,
    ) -> Sequence[Claimed]:
        """Take at most ``limit`` due rows of open letters under a new lease, most urgent first, then longest due.

        ``urgent`` takes only rows of priority URGENT, otherwise only the others. Rows that another transaction holds
        are passed over. On the way, a due row that is no issue's and whose give-up time has come becomes failed; one
        whose e-mail address is suppressed, or whose recipient is gone or no longer wants the letter (an issue: not
        confirmed, or paused), suppressed; a confirmation whose subscriber is no longer pending, or whose token is gone,
        spent or expired, cancelled. Nothing to take: no lease is made. Where very many rows may not be mailed, a claim
        may end before it
        has found ``limit`` others: `unfinished` tells whether anything is left.
        """

    @abstractmethod
    async def renew(self, lease: UUID, lasts: timedelta, at: Instant | None = None) -> bool:
        """Move the lease's end to ``lasts`` from now; False, changing nothing, where it has ended."""

    @abstractmethod
    async def settle_batch(
        self, rulings: Sequence[Ruling], marks: Sequence[Mark], at: Instant | None = None
    ) -> Settled:
        """Write results, then grant marks, all in this transaction.

        A ruling applies while its row is leased or attempting under its lease, the lease has not ended, and the attempt
        is the row's current one; ``give_up_in`` sets its give-up time anew, and a deferred row whose next try would be
        after that becomes failed. One
        exception: a ruling SENT, which tells of a mail that arrived, applies to an attempting row under its own lease
        even when that has ended, and to an uncertain row of the same attempt, whose doubt it ends.

        A mark turns a leased row into attempting (and leaves an attempting one so) under the same conditions, if the
        letter is open and the recipient may still be mailed (the conditions of claiming; recipients' rows are locked
        against change until the end). Refused, the row goes on as claiming would have it: suppressed, cancelled (as
        where the letter is closed), or back to pending where the letter is paused. Under an ended lease nothing
        changes.
        """

    @abstractmethod
    async def postpone_batch(self, lease: UUID, postponed: Sequence[Postponed]) -> int:
        """Put rows that are leased under ``lease`` back to pending, due at the given times. Returns how many were."""

    @abstractmethod
    async def release(self, lease: UUID, at: Instant | None = None) -> Expired:
        """End a lease by its own worker: leased rows are pending again, attempting ones uncertain."""

    @abstractmethod
    async def expire(self, at: Instant | None = None) -> Expired:
        """End every lease whose time is over, as `release` does, and requeue uncertain rows whose letter is open and
        resends.

        An uncertain row is requeued when its due time has come: RESEND_AFTER of its becoming uncertain.
        """

    @abstractmethod
    async def cancel_batch(self, limit: int, at: Instant | None = None) -> int:
        """Cancel at most ``limit`` waiting rows of closed letters, passing over those that others hold; returns how
        many.
        """

    @abstractmethod
    async def revive(self, letter: UUID, give_up_after: timedelta, at: Instant | None = None) -> int:
        """Make a letter's failed rows pending and due at once, as if never tried; returns how many. Wakes workers."""

    @abstractmethod
    async def doubtful(self, letter: UUID, limit: int, after: DeliveryKey | None = None) -> Sequence[InDoubt]:
        """A letter's uncertain rows in key order, at most ``limit``, behind ``after`` where it is given."""

    @abstractmethod
    async def failures(self, letter: UUID, limit: int, after: DeliveryKey | None = None) -> Sequence[FailedDelivery]:
        """A letter's failed rows in key order, at most ``limit``, behind ``after`` where it is given."""

    @abstractmethod
    async def resolve(
        self, letter: UUID, resolution: Resolution, recipients: Collection[UUID] | None, at: Instant | None = None
    ) -> int:
        """Settle what is uncertain, of these recipients or (None) of all: RESEND makes rows pending and due at once,
        ACCEPT sent, and no longer counted as in doubt. Returns how many. Wakes workers.
        """

    @abstractmethod
    async def recent(self, letter: UUID, limit: int) -> Sequence[Recent]:
        """A letter's last sent and failed rows, latest first."""

    @abstractmethod
    async def forgive(self, letter: UUID) -> int:
        """Blame a letter for nothing that is past: `recent` tells of no refusal before now. Returns how many those
        were.
        """

    @abstractmethod
    async def compact(self, before: Instant, limit: int) -> int:
        """Replace at most ``limit`` rows that were settled before ``before`` by their sums; returns how many.

        Only rows of closed letters and of those that are no issue's go, and of them only what nobody asks for any more:
        sent (without an attempt in doubt), suppressed, cancelled.
        """

    @abstractmethod
    async def of_recipients(self, recipients: Collection[UUID]) -> Sequence[Mailing]:
        """Every row of these recipients that is kept, oldest first."""

    @abstractmethod
    async def forget(self, recipients: Collection[UUID], at: Instant | None = None) -> None:
        """Empty what rows of these recipients tell of them, servers' words and domains, and cancel those that wait.

        What a worker holds goes on and finds its recipient gone, or tells what came of it without the server's words.
        """

    @abstractmethod
    async def sums(self, letter: UUID) -> Mapping[DeliveryState, int]:
        """How many deliveries of a letter are in each state, those counted that `compact` has removed; states without
        any are missing.
        """

    @abstractmethod
    async def possibly_twice(self, letter: UUID) -> int:
        """To how many recipients of a letter a mail was completed again after an attempt whose answer was lost."""

    @abstractmethod
    async def any_sent(self, letters: Collection[UUID]) -> bool:
        """Whether a delivery of one of the letters is sent; without counting them."""

    @abstractmethod
    async def states(self, keys: Sequence[DeliveryKey]) -> Mapping[DeliveryKey, DeliveryState]:
        """The states of rows, for reading back after CommitUnknown; unknown keys are missing."""

    @abstractmethod
    async def unfinished(self, at: Instant | None = None) -> int:
        """How many rows of open letters are due or held by a lease."""

    @abstractmethod
    async def backlog(self, at: Instant | None = None) -> Mapping[LetterKind, Backlog]:
        """What of open letters is due and under no lease, by kind of letter; kinds without any are missing."""


class DeliverySignal(Protocol):
    @abstractmethod
    async def wait(self, seconds: float) -> None:
        """Return when deliveries were enqueued since the last call, or after ``seconds``. Never raises for a lost
        store.
        """
