"""Sign-ups, links, bounces and complaints in any order: who is subscribed, and who gets which mail."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from hypothesis.stateful import invariant, rule
from hypothesis.strategies import DataObject, data, integers, lists, sampled_from, tuples

from zero2prod.testing.application import assemble
from zero2prod.testing.builders import KEYS, email, evidence, number, origin, publication, sign_up, token_in
from zero2prod.testing.contract import Contract
from zero2prod.testing.histories.machine import StoreMachine, hold
from zero2prod.testing.histories.subscriber_model import Place, SubscriberModel
from zero2prod_core.domain.deliveries import Rejected, Reply, Sent
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Event, Status, Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.errors import TokenUnknown
from zero2prod_core.ports.mailer import Parcel

Act: TypeAlias = Callable[[DataObject], None]

EMAILS = ["ada@example.com", "ADA@Example.com", "bob@example.com", "grace@example.com"]
SIGN_UPS = lists(
    tuples(integers(0, 1), sampled_from(EMAILS), sampled_from(["Ada", "Bob", "Grace"])), min_size=1, max_size=3
)
MOSTLY = sampled_from([True, True, True, False])

TAKEN = Sent(Reply(250, "2.0.0 ok"))
DEAD = Rejected(Reply(550, "5.1.1 unknown"), suppress=True)


class SubscriberMachine(StoreMachine):
    """Two newsletters, and three people who know no better than to sign up for them again and again."""

    def __init__(self, contract: Contract) -> None:
        super().__init__(contract)
        self.application = assemble(self.uow)
        other = self.run(self.application.create_newsletter(origin(), "other", "Another one"))
        self.newsletters = [DEFAULT_NEWSLETTER, other]
        self.model = SubscriberModel()

    @rule(draw=data())
    def something_happens(self, draw: DataObject) -> None:
        """One rule for all that may happen: of several, Hypothesis would leave out some in most of its examples."""
        draw.draw(sampled_from(self.acts()))(draw)

    def acts(self) -> Sequence[Act]:
        """What may happen next, the more often the likelier."""
        acts: list[Act] = [self.sign_up] * 3
        acts += [self.confirm] * 4 if self.model.links() else []
        acts += [self.unsubscribe, self.complain, self.publish] if self.model.lives else []
        return acts

    def sign_up(self, draw: DataObject) -> None:
        """One mail for each round that opens."""
        batch = draw.draw(SIGN_UPS)
        wishes = {(self.newsletters[place].id, email(typed).key): name for place, typed, name in batch[::-1]}
        mailed = {place: name for place, name in wishes.items() if self.model.sign_up(place, name)}
        slugs = [newsletter.slug.text for newsletter in self.newsletters]
        answers = self.application.subscribe_batch([sign_up(typed, name, slugs[n]) for n, typed, name in batch])
        assert self.run(answers) == [None] * len(batch)
        self.fetch_mails(mailed, draw)

    def fetch_mails(self, mailed: Mapping[Place, str], draw: DataObject) -> None:
        """Confirmation mails go to these and to nobody else; what becomes of each is drawn."""
        parcels = [parcel for parcel in self.parcels(urgent=True) if parcel.letter.kind is LetterKind.CONFIRMATION]
        assert sorted(map(place_of, parcels)) == sorted(mailed)
        for parcel in parcels:
            place = place_of(parcel)
            self.model.lives[place].links[token_in(parcel.slots["confirmation.link"])] = mailed[place]
            self.send(parcel, bounces=not draw.draw(MOSTLY))

    def parcels(self, *, urgent: bool) -> Sequence[Parcel]:
        return self.run(self.application.deliveries.claim("worker", 100, urgent=urgent)).parcels

    def send(self, parcel: Parcel, *, bounces: bool) -> None:
        place = place_of(parcel)
        settled = self.run(self.application.deliveries.settle([], [parcel.mark]))
        # An earlier mail of the same batch may have bounced for all newsletters of this e-mail address.
        assert settled.granted == (self.model.lives[place].status is Status.PENDING,)
        if settled.granted == (True,):
            report = parcel.report(DEAD if bounces else TAKEN)
            assert self.run(self.application.deliveries.settle([report], [])).applied == (True,)
            if bounces:
                self.model.happens(place, Event.BOUNCE)

    def confirm(self, draw: DataObject) -> None:
        link = draw.draw(sampled_from(self.model.links()))
        accepted = self.model.confirm(link)
        try:
            self.run(self.application.confirm(link, evidence()))
        except TokenUnknown:
            assert not accepted
        else:
            assert accepted

    def unsubscribe(self, draw: DataObject) -> None:
        """By the link of an issue, which is good for ever: it answers alike whatever it still had to change."""
        place = draw.draw(sampled_from(sorted(self.model.lives)))
        self.model.happens(place, Event.UNSUBSCRIBE)
        found, _ = self.run(self.look(place))
        link = token_text(KEYS.newest, Purpose.UNSUBSCRIBE, found.id)
        assert self.run(self.application.check_unsubscription(link)).id == place[0]
        assert self.run(self.application.unsubscribe(link, evidence())).id == place[0]

    def complain(self, draw: DataObject) -> None:
        place = draw.draw(sampled_from(sorted(self.model.lives)))
        self.model.happens(place, Event.COMPLAIN)
        self.run(self.application.people.complain(origin(), self.run(self.look(place))[0].id))

    def publish(self, draw: DataObject) -> None:
        """Everyone who is in the audience is mailed, and nobody else."""
        newsletter = draw.draw(sampled_from(self.newsletters))
        wish = publication(key=f"key {number()}", newsletter=newsletter.slug.text)
        audience = self.model.audience(newsletter.id)
        assert self.run(self.application.publish(wish, origin())).audience == len(audience)
        assert sorted(map(place_of, self.parcels(urgent=False))) == sorted(audience)

    @invariant()
    def everyone_is_where_they_should_be(self) -> None:
        for place, life in self.model.lives.items():
            found, kinds = self.run(self.look(place))
            assert (found.status, found.earlier_status, found.name.text) == (life.status, life.earlier, life.name)
            assert kinds == life.consents

    async def look(self, place: Place) -> tuple[Subscriber, list[str]]:
        async with self.uow.reading() as tx:
            found = await tx.subscribers.find(place[0], email(place[1]))
            assert found
            return found, [str(record.kind) for record in await tx.consent.of([found.id])]

    @invariant()
    def nobody_else_is_there(self) -> None:
        counts = self.run(self.counts())
        assert counts == {key: self.model.count(*key) for key in counts}

    async def counts(self) -> dict[tuple[UUID, Status], int]:
        keys = [(newsletter.id, status) for newsletter in self.newsletters for status in Status]
        async with self.uow.reading() as tx:
            return {key: await tx.subscribers.count(*key) for key in keys}


def place_of(parcel: Parcel) -> Place:
    return parcel.newsletter.id, parcel.delivery.email.key


class SubscriberHistories(Contract):
    """The whole core over the store, under whatever readers do, in any order: one machine beside a plain model."""

    subscriber_steps: int = 25
    """How long a history may become: long enough for three people to come, leave and come back."""

    def test_a_subscribers_life_keeps_to_its_table(self) -> None:
        hold(SubscriberMachine, self, self.subscriber_steps)
