"""Everything that can befall a subscriber, from the first click to the last trace, with keys that change meanwhile."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis.strategies import DataObject, sampled_from

from zero2prod.testing.application import POLICY, assemble
from zero2prod.testing.builders import KEY, evidence, number, origin
from zero2prod.testing.clocks import AheadUnitOfWork
from zero2prod.testing.contract import Contract
from zero2prod.testing.histories.machine import hold
from zero2prod.testing.histories.subscriber_model import Place
from zero2prod.testing.histories.subscribers import Act, SubscriberMachine
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.errors import Refusal, SubscriberUnknown, TokenExpired, TokenUnknown

A_DAY = timedelta(days=1, seconds=1)
"""Every link of before has expired."""

A_MONTH = timedelta(days=30, seconds=1)
"""Every sign-up of before that nobody confirmed is over."""


class LifeMachine(SubscriberMachine):
    """The same people, of whom some pause, are complained about, suppressed, forgiven or erased, while time passes and
    keys are rotated.
    """

    def __init__(self, contract: Contract) -> None:
        super().__init__(contract)
        self.keys = KeyRing((KEY,))
        self.clock = AheadUnitOfWork(self.uow)
        self._assemble()

    def _assemble(self) -> None:
        self.application = assemble(self.clock, POLICY, self.keys)

    def acts(self) -> Sequence[Act]:
        acts: list[Act] = [self.sign_up] * 4
        acts += [self.wait_a_day, self.wait_a_month, self.rotate, self.import_, self.lift]
        acts += [self.confirm] * 5 + [self.ask_again] if self.model.links() else []
        if self.model.lives:
            acts += [self.unsubscribe, self.complain, self.suppress, self.erase]
        if self.model.readers():
            acts += [self.pause, self.pause, self.resume] + [self.publish] * 3
        return acts

    def wait_a_day(self, _: DataObject) -> None:
        self.clock.ahead += A_DAY
        self.model.a_day_passes()

    def wait_a_month(self, _: DataObject) -> None:
        self.clock.ahead += A_MONTH
        self.model.a_day_passes()
        assert self.run(self.application.jobs.lapse_rounds()) == self.model.rounds_lapse()
        assert self.run(self.application.jobs.lapse_rounds()) == 0

    def rotate(self, draw: DataObject) -> None:
        """A new key in front; the job that rewrites may come now or later."""
        self.keys = KeyRing((Key(f"key-{number()}", number().to_bytes(32, "big")), *self.keys))
        self._assemble()
        if draw.draw(sampled_from([True, False])):
            self.run(self.application.jobs.rewrite_digests())
            assert self.run(self.application.jobs.rewrite_digests()) == 0

    def expected(self, link: str) -> type[Refusal] | None:
        """Why a link of a confirmation mail is refused, if it is."""
        if self.model.is_gone(link):
            return TokenUnknown
        if self.model.is_expired(link):
            return TokenExpired
        return None if self.model.confirm(link) else TokenUnknown

    def confirm(self, draw: DataObject) -> None:
        link = draw.draw(sampled_from(self.model.links()))
        expected, refused = self.expected(link), None
        try:
            self.run(self.application.confirm(link, evidence()))
        except Refusal as refusal:
            refused = type(refusal)
        assert refused is expected

    def ask_again(self, draw: DataObject) -> None:
        """By an old link, as the visitor typed it then."""
        link = draw.draw(sampled_from(self.model.links()))
        asked, known = self.model.asks_again(link), True
        mailed = {asked[0]: asked[1]} if asked and self.model.sign_up(*asked) else {}
        try:
            self.run(self.application.ask_again(link, evidence()))
        except TokenUnknown:
            known = False
        assert known == (asked is not None)
        self.fetch_mails(mailed, draw)

    def anybody(self, draw: DataObject) -> Place:
        return draw.draw(sampled_from(sorted(self.model.lives)))

    def issue_link(self, place: Place, draw: DataObject) -> str:
        """Of an issue of any time, by whichever key was the newest then."""
        found, _ = self.run(self.look(place))
        return token_text(draw.draw(sampled_from(list(self.keys))), Purpose.PREFERENCES, found.id)

    def pause(self, draw: DataObject) -> None:
        place = draw.draw(sampled_from(self.model.readers()))
        until = self.run(self.today()) + timedelta(days=300)
        self.run(self.application.preferences.pause(self.issue_link(place, draw), until.date(), evidence()))
        self.model.pauses(place, paused=True)

    def resume(self, draw: DataObject) -> None:
        place = draw.draw(sampled_from(self.model.readers()))
        self.run(self.application.preferences.pause(self.issue_link(place, draw), None, evidence()))
        self.model.pauses(place, paused=False)

    def suppress(self, draw: DataObject) -> None:
        place = self.anybody(draw)
        self.model.suppressed(place[1]).add(Reason.MANUAL)
        self.run(self.application.people.suppress(origin(), EmailAddress.parse(place[1])))

    def import_(self, draw: DataObject) -> None:
        email = draw.draw(sampled_from(["bob@example.com", "grace@example.com"]))
        self.model.suppressed(email).add(Reason.IMPORT)
        self.run(self.application.people.import_suppressions(origin(), [email, "no e-mail address"]))

    def lift(self, draw: DataObject) -> None:
        email = draw.draw(sampled_from(["ada@example.com", "bob@example.com", "grace@example.com"]))
        lifted = self.model.lift(email)
        assert self.run(self.application.people.lift(origin(), EmailAddress.parse(email), "They called us.")) == lifted

    def erase(self, draw: DataObject) -> None:
        """What was known of the person is gone, and everybody who asks by their links is told that they are unknown."""
        place = self.anybody(draw)
        id_ = self.run(self.look(place))[0].id
        number_of_rows = self.model.erase(place[1])
        assert self.run(self.application.people.erase(origin(), EmailAddress.parse(place[1]))) == number_of_rows
        try:
            self.run(self.application.people.show(origin(), id_))
        except SubscriberUnknown:
            return
        raise AssertionError("somebody who was erased is shown")

    async def today(self) -> Instant:
        async with self.clock.reading() as tx:
            return await tx.now()


class LifeHistories(Contract):
    """A subscriber's whole life, in any order, over the whole core and the store."""

    life_steps: int = 30
    """How long a history may become: long enough for a person to come, be erased and come back."""

    def test_a_whole_life_keeps_to_its_rules(self) -> None:
        hold(LifeMachine, self, self.life_steps)
