"""The ledger under everything that several workers, authors and readers may do to it, in any order."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import attrs
from hypothesis.stateful import initialize, invariant, rule
from hypothesis.strategies import DataObject, booleans, data, integers, lists, sampled_from, tuples

from zero2prod.testing.builders import T0, delivery, new_id
from zero2prod.testing.contract import Contract
from zero2prod.testing.histories.ledger_model import LedgerModel
from zero2prod.testing.histories.machine import StoreMachine, hold
from zero2prod.testing.ledger import LASTS, Ledger, mark, ruling
from zero2prod_core.domain.deliveries import (
    GIVE_UP_AFTER,
    NO_OCCASION,
    RESEND_AFTER,
    UNFINISHED,
    Claimed,
    Deferred,
    Mark,
    Outcome,
    Rejected,
    Reply,
    Resolution,
    Ruling,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import BULK, URGENT, Letter, LetterKind, LetterState, UncertainPolicy
from zero2prod_core.domain.subscribers import Event, Subscriber
from zero2prod_core.ports.deliveries import DeliveryLedger

# Around a lease's length (30 s) and half of it, the first retry and the wait after a lost answer (both 300 s).
STEPS = sampled_from([0, 1, 15, 29, 30, 31, 299, 300, 301, 3600])
PATIENCE = sampled_from([GIVE_UP_AFTER, timedelta(seconds=300), timedelta(seconds=301)])

# A machine that mostly pauses finds nothing: what hinders is drawn once in four times.
MOSTLY = sampled_from([True, True, True, False])
LETTER_STATES = sampled_from([LetterState.OPEN, *LetterState])

# Late reports are seldom late by more than a few claims.
STALE = 6

REPLY = Reply(None, "")
OUTCOMES: list[Outcome] = [
    Sent(REPLY),
    Uncertain(REPLY),
    Deferred(REPLY),
    Rejected(REPLY),
    Rejected(REPLY, blames_letter=True),
    Throttled(REPLY, Scope.RELAY),
    Throttled(REPLY, Scope.DOMAIN),
    SenderFault(REPLY),
]


class LedgerMachine(StoreMachine):
    """Two letters, one of which resends what is uncertain, and three readers; some rows are urgent."""

    def __init__(self, contract: Contract) -> None:
        super().__init__(contract)
        self.ledger = Ledger(self.uow)
        self.model = LedgerModel()
        self.now: Instant = T0
        self.claims: list[Claimed] = []
        self.letters: list[Letter] = []
        self.readers: list[Subscriber] = []
        for policy in UncertainPolicy:
            self.add_letter(policy)
        for _ in range(3):
            self.add_reader()

    def add_letter(self, policy: UncertainPolicy) -> None:
        made = self.run(self.ledger.letter(uncertain=policy))
        self.letters.append(made)
        self.model.letters[made.id] = LetterState.OPEN
        self.model.resends[made.id] = policy is UncertainPolicy.RESEND

    def add_reader(self) -> None:
        (made,) = self.run(self.ledger.readers(1))
        self.readers.append(made)
        self.model.readers[made.id] = True

    @initialize(wait=PATIENCE)
    def publish(self, wait: timedelta) -> None:
        for words in self.letters:
            self.enqueue_audience(words, wait)

    @rule(draw=data())
    def something_happens(self, draw: DataObject) -> None:
        """One rule for all that may happen: of several, Hypothesis would leave out some in most of its examples."""
        act = draw.draw(sampled_from(ALWAYS + AFTER_A_CLAIM if self.claims else ALWAYS))
        act(self, draw)

    def time_passes(self, draw: DataObject) -> None:
        self.now += timedelta(seconds=draw.draw(STEPS))

    def enqueue(self, draw: DataObject) -> None:
        priority, occasion = BULK if draw.draw(MOSTLY) else URGENT, new_id() if draw.draw(MOSTLY) else NO_OCCASION
        give_up_at = self.now + draw.draw(PATIENCE)
        pairs = draw.draw(lists(tuples(sampled_from(self.letters), sampled_from(self.readers)), min_size=1, max_size=4))
        rows = [delivery(*pair, occasion, priority=priority, give_up_at=give_up_at) for pair in pairs]
        assert self.run(self.ledger.enqueue(*rows, at=self.now)) == self.model.enqueue(rows, self.now)

    def enqueue_again(self, draw: DataObject) -> None:
        self.enqueue_audience(draw.draw(sampled_from(self.letters)), draw.draw(PATIENCE))

    def enqueue_audience(self, words: Letter, wait: timedelta) -> None:
        expected = self.model.enqueue_audience(words.id, words.priority, wait, self.now)
        assert self.run(self.ledger.enqueue_audience(words, wait, at=self.now)) == expected

    def claim(self, draw: DataObject) -> None:
        limit, urgent = draw.draw(integers(1, 4)), not draw.draw(MOSTLY)
        self.take(self.model.limit(limit, self.now, urgent=urgent), urgent=urgent)

    def take(self, limit: int, *, urgent: bool) -> None:
        lease = new_id()
        claimed = self.run(self.ledger.claim(limit, at=self.now, urgent=urgent, lease=lease))
        states = self.run(self.ledger.states(list(self.model.rows)))
        self.model.claim(claimed, states, limit, self.now, urgent=urgent)
        if claimed:
            self.model.lease(lease, self.now + LASTS)
        assert {each.lease for each in claimed} <= {lease}
        self.claims += claimed

    def claims_of(self, draw: DataObject) -> list[Claimed]:
        """Mostly those under which a row is still held; but stale ones, too, are part of life."""
        held = [claim for claim in self.claims if self.model.holds(claim)]
        rather_held = draw.draw(MOSTLY)
        return held if held and rather_held else self.claims[-STALE:]

    def any_claim(self, draw: DataObject) -> Claimed:
        return draw.draw(sampled_from(self.claims_of(draw)))

    def begin(self, draw: DataObject) -> None:
        self.agree([], [mark(self.any_claim(draw))])

    def end(self, draw: DataObject) -> None:
        self.agree([ruling(self.any_claim(draw), draw.draw(sampled_from(OUTCOMES)))], [])

    def send(self, draw: DataObject) -> None:
        """What a connection does where nothing goes wrong."""
        claim = self.any_claim(draw)
        self.agree([], [mark(claim)])
        self.agree([ruling(claim, draw.draw(sampled_from(OUTCOMES)))], [])

    def settle(self, draw: DataObject) -> None:
        """Results and marks of several connections."""
        claims = sampled_from(self.claims_of(draw))
        chosen = draw.draw(lists(claims, max_size=4, unique_by=lambda claim: claim.key))
        reported = [claim for claim in chosen if draw.draw(booleans())]
        rulings = [ruling(claim, draw.draw(sampled_from(OUTCOMES))) for claim in reported]
        self.agree(rulings, [mark(claim) for claim in chosen if claim not in reported])

    def agree(self, rulings: Sequence[Ruling], marks: Sequence[Mark]) -> None:
        settled = self.run(self.ledger.settle(rulings, marks, self.now))
        assert settled == self.model.settle(rulings, marks, self.now)

    def renew(self, draw: DataObject) -> None:
        lease = self.any_claim(draw).lease
        assert self.run(self.ledger.renew(lease, self.now)) == self.model.renew(lease, self.now + LASTS, self.now)

    def release(self, draw: DataObject) -> None:
        lease = self.any_claim(draw).lease
        assert self.run(self.ledger.release(lease, self.now)) == self.model.end(lease, self.now)

    def expire(self, _draw: DataObject | None = None) -> None:
        assert self.run(self.ledger.expire(self.now)) == self.model.expire(self.now)

    def postpone(self, draw: DataObject) -> None:
        lease = self.any_claim(draw).lease
        chosen = [claim for claim in self.claims if claim.lease == lease and draw.draw(MOSTLY)]
        until = self.now + timedelta(seconds=draw.draw(STEPS))
        if chosen:
            expected = self.model.postpone(lease, {claim.key for claim in chosen}, until, self.now)
            assert self.run(self.ledger.postpone(*chosen, until=until)) == expected

    def open_pause_or_close(self, draw: DataObject) -> None:
        self.put(draw.draw(sampled_from(self.letters)), draw.draw(LETTER_STATES))

    def put(self, words: Letter, state: LetterState) -> None:
        self.run(self.ledger.save_letter(attrs.evolve(words, state=state)))
        self.model.letters[words.id] = state

    def cancel(self, draw: DataObject) -> None:
        limit = draw.draw(integers(1, 4))
        count = self.run(self.ledger.cancel(limit, self.now))
        assert count == self.model.cancel(self.run(self.ledger.states(list(self.model.rows))), limit, self.now)

    def revive(self, draw: DataObject) -> None:
        self.try_again(draw.draw(sampled_from(self.letters)), draw.draw(PATIENCE))

    def try_again(self, words: Letter, wait: timedelta) -> None:
        assert self.run(self.ledger.revive(words, wait, self.now)) == self.model.revive(words.id, wait, self.now)

    def forgive(self, draw: DataObject) -> None:
        words = draw.draw(sampled_from(self.letters))
        assert self.run(self.ledger.forgive(words)) == self.model.forgive(words.id)

    def resolve(self, draw: DataObject) -> None:
        words, resolution = draw.draw(sampled_from(self.letters)), draw.draw(sampled_from(list(Resolution)))
        some = [reader.id for reader in self.readers if draw.draw(booleans())]
        self.settle_doubts(words, resolution, some if draw.draw(booleans()) else None)

    def settle_doubts(self, words: Letter, resolution: Resolution, recipients: list[UUID] | None) -> None:
        count = self.run(self.ledger.resolve(words, resolution, recipients, self.now))
        assert count == self.model.resolve(words.id, resolution, recipients, self.now)

    def compact(self, draw: DataObject) -> None:
        self.remove(self.now - timedelta(seconds=draw.draw(STEPS)), draw.draw(integers(1, 4)))

    def remove(self, before: Instant, limit: int) -> None:
        count = self.run(self.ledger.compact(before, limit))
        assert count == self.model.compact(before, self.run(self.ledger.states(list(self.model.rows))), limit)

    def unsubscribe_or_return(self, draw: DataObject) -> None:
        reader, wants = draw.draw(sampled_from(self.readers)), draw.draw(MOSTLY)
        self.run(self.ledger.save(reader if wants else reader.on(Event.UNSUBSCRIBE)))
        self.model.readers[reader.id] = wants

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        self.run(self.see())

    async def see(self) -> None:
        """Where every row is; that sums add up to the audience; and what a person is shown."""
        async with self.uow.reading() as tx:
            assert await tx.deliveries.states(list(self.model.rows)) == self.model.states()
            assert await tx.deliveries.unfinished(self.now) == self.model.unfinished(self.now)
            assert (await tx.deliveries.backlog(self.now)).get(LetterKind.ISSUE) == self.model.backlog(self.now)
            for words in self.letters:
                await self.see_letter(tx.deliveries, words.id)

    async def see_letter(self, deliveries: DeliveryLedger, letter: UUID) -> None:
        sums = await deliveries.sums(letter)
        assert sums == self.model.sums(letter)
        assert sum(sums.values()) == self.model.audience[letter]
        assert await deliveries.possibly_twice(letter) == self.model.possibly_twice(letter)
        doubts = await deliveries.doubtful(letter, len(self.model.rows))
        assert [(each.key, each.attempts) for each in doubts] == self.model.doubtful(letter)
        recent = await deliveries.recent(letter, len(self.model.rows))
        assert sorted(outcome.refused for outcome in recent) == self.model.recent(letter)

    def finish(self) -> None:
        """Once all letters are open, what is due is sent. When all time is over, what is no issue's is given up, even
        what is tried again for a moment, and an issue's is sent all the same. Tried again for long the rest is sent.
        Then only sums are left of all that nobody asks for any more.
        """
        self.put_all(LetterState.OPEN)
        self.now += RESEND_AFTER
        self.expire()
        self.send_all()
        self.try_all_again(timedelta(seconds=1))
        self.now += 2 * GIVE_UP_AFTER
        self.expire()
        self.send_all()
        assert UNFINISHED.isdisjoint(self.model.states().values())
        self.all_is_as_it_should_be()
        self.try_all_again(GIVE_UP_AFTER)
        self.send_all()
        self.put_all(LetterState.CLOSED)
        for words in self.letters:
            self.settle_doubts(words, Resolution.ACCEPT, None)
        self.now += timedelta(seconds=1)
        self.remove(self.now, len(self.model.rows) + 1)
        assert all(row.doubts for row in self.model.rows.values())
        self.all_is_as_it_should_be()

    def put_all(self, state: LetterState) -> None:
        for words in self.letters:
            self.put(words, state)

    def try_all_again(self, wait: timedelta) -> None:
        for words in self.letters:
            self.try_again(words, wait)

    def take_all(self) -> None:
        for urgent in (True, False):
            self.take(len(self.model.rows), urgent=urgent)

    def send_all(self) -> None:
        self.take_all()
        held = [claim for claim in self.claims if self.model.holds(claim)]
        self.agree([], [mark(claim) for claim in held])
        self.agree([ruling(claim, OUTCOMES[0]) for claim in held], [])
        self.all_is_as_it_should_be()


Act: TypeAlias = Callable[[LedgerMachine, DataObject], None]

ALWAYS: list[Act] = [
    *[LedgerMachine.claim] * 2,
    *[LedgerMachine.time_passes] * 2,
    LedgerMachine.enqueue,
    LedgerMachine.enqueue_again,
    LedgerMachine.expire,
    LedgerMachine.open_pause_or_close,
    LedgerMachine.unsubscribe_or_return,
    LedgerMachine.cancel,
    LedgerMachine.revive,
    LedgerMachine.forgive,
    LedgerMachine.resolve,
    LedgerMachine.compact,
]
AFTER_A_CLAIM: list[Act] = [
    *[LedgerMachine.send] * 4,
    *[LedgerMachine.begin] * 2,
    *[LedgerMachine.end] * 2,
    *[LedgerMachine.settle] * 2,
    LedgerMachine.postpone,
    LedgerMachine.renew,
    LedgerMachine.release,
]


class LedgerHistories(Contract):
    """The ledger under whatever may happen to it, in any order: one machine beside a plain model of it."""

    ledger_steps: int = 50
    """How long a history may become: long enough for a row to be lost, sent again and settled."""

    def test_the_ledger_keeps_its_promise(self) -> None:
        hold(LedgerMachine, self, self.ledger_steps)
