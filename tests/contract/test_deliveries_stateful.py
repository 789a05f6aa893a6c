"""The ledger under everything that several workers, authors and readers may do to it, in any order."""

from datetime import timedelta

import attrs
from hypothesis.stateful import invariant, precondition, rule
from hypothesis.strategies import DataObject, booleans, data, integers, lists, sampled_from

from tests.contract.backends import Subject
from tests.contract.machines import StoreMachine, hold
from tests.contract.models import LedgerModel
from tests.support.builders import T0, delivery, new_id
from tests.support.ledger import LASTS, Ledger, mark, ruling
from zero2prod_core.domain.deliveries import (
    GIVE_UP_AFTER,
    UNFINISHED,
    Claimed,
    Deferred,
    Outcome,
    Rejected,
    Reply,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import BULK, URGENT, Letter, LetterState, UncertainPolicy
from zero2prod_core.domain.subscribers import Event, Subscriber

# Around a lease's length (30 s), the first retry and the wait after a lost answer (both 300 s), and far beyond.
STEPS = sampled_from([0, 1, 29, 30, 31, 299, 300, 301, 3600, 5 * 86400])
PATIENCE = sampled_from([timedelta(seconds=30), timedelta(seconds=300), timedelta(seconds=301), GIVE_UP_AFTER])

REPLY = Reply(None, "")
OUTCOMES: list[Outcome] = [
    Sent(REPLY),
    Uncertain(REPLY),
    Deferred(REPLY),
    Rejected(REPLY),
    Throttled(REPLY, Scope.RELAY),
    Throttled(REPLY, Scope.DOMAIN),
    SenderFault(REPLY),
]


class LedgerMachine(StoreMachine):
    """Two letters, one of which resends what is uncertain, and three readers; some rows are urgent."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
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
        self.model.letters[made.id] = True
        self.model.resends[made.id] = policy is UncertainPolicy.RESEND

    def add_reader(self) -> None:
        (made,) = self.run(self.ledger.readers(1))
        self.readers.append(made)
        self.model.readers[made.id] = True

    @rule(step=STEPS)
    def time_passes(self, step: int) -> None:
        self.now += timedelta(seconds=step)

    @rule(places=lists(integers(0, 5), min_size=1, max_size=4), priority=sampled_from([URGENT, BULK]), wait=PATIENCE)
    def enqueue(self, places: list[int], priority: int, wait: timedelta) -> None:
        pairs = [(self.letters[place % 2], self.readers[place // 2]) for place in places]
        rows = [delivery(words, who, priority=priority, give_up_at=self.now + wait) for words, who in pairs]
        assert self.run(self.ledger.enqueue(*rows, at=self.now)) == self.model.enqueue(rows, self.now)

    @rule(place=integers(0, 1), wait=PATIENCE)
    def enqueue_audience(self, place: int, wait: timedelta) -> None:
        words = self.letters[place]
        expected = self.model.enqueue_audience(words.id, words.priority, wait, self.now)
        assert self.run(self.ledger.enqueue_audience(words, wait, at=self.now)) == expected

    @rule(limit=integers(1, 4), urgent=booleans())
    def claim(self, limit: int, *, urgent: bool) -> None:
        lease = new_id()
        claimed = self.run(self.ledger.claim(limit, at=self.now, urgent=urgent, lease=lease))
        states = self.run(self.ledger.states(list(self.model.rows)))
        self.model.claim(claimed, states, limit, self.now, urgent=urgent)
        if claimed:
            self.model.lease(lease, self.now + LASTS)
        assert {each.lease for each in claimed} <= {lease}
        self.claims += claimed

    @precondition(lambda self: self.claims)
    @rule(draw=data())
    def settle(self, draw: DataObject) -> None:
        """Results and marks of any claims there have been, the newest first: stale ones are part of life."""
        chosen = draw.draw(lists(sampled_from(self.claims[::-1]), max_size=4, unique_by=lambda claim: claim.key))
        reported = [claim for claim in chosen if draw.draw(booleans())]
        rulings = [ruling(claim, draw.draw(sampled_from(OUTCOMES))) for claim in reported]
        marks = [mark(claim) for claim in chosen if claim not in reported]
        settled = self.run(self.ledger.settle(rulings, marks, self.now))
        assert settled == self.model.settle(rulings, marks, self.now)

    @precondition(lambda self: self.claims)
    @rule(draw=data(), outcome=sampled_from(OUTCOMES))
    def send(self, draw: DataObject, outcome: Outcome) -> None:
        """What a worker does: the mark, and once it is granted the result."""
        claim = draw.draw(sampled_from(self.claims[::-1]))
        granted = self.run(self.ledger.mark(claim, at=self.now))
        assert granted == list(self.model.settle([], [mark(claim)], self.now).granted)
        if granted == [True]:
            applied = self.run(self.ledger.report(claim, outcome, at=self.now))
            assert applied == self.model.settle([ruling(claim, outcome)], [], self.now).applied[0]

    @precondition(lambda self: self.claims)
    @rule(draw=data())
    def renew(self, draw: DataObject) -> None:
        lease = draw.draw(sampled_from(self.claims[::-1])).lease
        assert self.run(self.ledger.renew(lease, self.now)) == self.model.renew(lease, self.now + LASTS, self.now)

    @precondition(lambda self: self.claims)
    @rule(draw=data())
    def release(self, draw: DataObject) -> None:
        lease = draw.draw(sampled_from(self.claims[::-1])).lease
        assert self.run(self.ledger.release(lease, self.now)) == self.model.end(lease, self.now)

    @rule()
    def expire(self) -> None:
        assert self.run(self.ledger.expire(self.now)) == self.model.expire(self.now)

    @rule(place=integers(0, 1), is_open=booleans())
    def pause_or_resume(self, place: int, *, is_open: bool) -> None:
        words = self.letters[place]
        state = LetterState.OPEN if is_open else LetterState.PAUSED
        self.run(self.ledger.save_letter(attrs.evolve(words, state=state)))
        self.model.letters[words.id] = is_open

    @rule(place=integers(0, 2), wants=booleans())
    def unsubscribe_or_return(self, place: int, *, wants: bool) -> None:
        reader = self.readers[place]
        self.run(self.ledger.save(reader if wants else reader.on(Event.UNSUBSCRIBE)))
        self.model.readers[reader.id] = wants

    @invariant()
    def every_row_is_where_it_should_be(self) -> None:
        assert self.run(self.ledger.states(list(self.model.rows))) == self.model.states()

    @invariant()
    def sums_add_up_to_the_audience(self) -> None:
        for words in self.letters:
            assert self.run(self.ledger.sums(words)) == self.model.sums(words.id)
        assert self.run(self.ledger.unfinished(self.now)) == self.model.unfinished(self.now)

    def finish(self) -> None:
        """Every row comes to an end, once all letters are open and all time is over."""
        for place in (0, 1):
            self.pause_or_resume(place, is_open=True)
        self.now += 2 * GIVE_UP_AFTER
        self.expire()
        for urgent in (True, False):
            self.claim(1, urgent=urgent)
        assert UNFINISHED.isdisjoint(self.model.states().values())
        self.every_row_is_where_it_should_be()


def test_the_ledger_keeps_its_promise(subject: Subject) -> None:
    hold(LedgerMachine, subject, steps=40)
