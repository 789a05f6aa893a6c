from uuid import UUID

import attrs

from zero2prod.testing.builders import email, later, new_id, newsletter, opened_round, pending_subscriber, subscriber
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import RoundState, Status, Subscriber
from zero2prod_core.domain.suppressions import Digest
from zero2prod_core.ports.store import UnitOfWork


async def add(uow: UnitOfWork, *subscribers: Subscriber) -> None:
    async with uow() as tx:
        assert await tx.subscribers.claim_batch(subscribers) == list(subscribers)


async def add_newsletter(uow: UnitOfWork) -> UUID:
    other = newsletter()
    async with uow() as tx:
        await tx.newsletters.add(other)
    return other.id


async def stored(uow: UnitOfWork, wanted: Subscriber) -> Subscriber | None:
    async with uow.reading() as tx:
        return (await tx.subscribers.get_batch([wanted.id])).get(wanted.id)


class SubscribersContract(Contract):
    """Subscribers and their rounds: `zero2prod_core.ports.subscribers.SubscriberRepository`."""

    async def test_a_subscriber_comes_back_as_it_was_added(self) -> None:
        full = subscriber(
            email("Müller@Bücher.example.com"),
            name=SubscriberName("Łukasz 🙂 O'Neil"),
            status=Status.PENDING,
            earlier_status=Status.UNSUBSCRIBED,
            paused_until=later(60),
            fields={"city": "Zürich", "empty": ""},
            tags=("b", "a", "b"),
        )
        bare = pending_subscriber()
        await add(self.uow, full, bare)
        assert [await stored(self.uow, each) for each in (full, bare)] == [full, bare]

    async def test_claiming_subscribers_inserts_who_is_free_and_returns_who_was_there(self) -> None:
        there = subscriber(email("there@example.com"))
        await add(self.uow, there)
        candidates = [
            pending_subscriber(email(text)) for text in ("z@example.com", "THERE@example.com", "a@example.com")
        ]
        async with self.uow() as tx:
            claimed = await tx.subscribers.claim_batch(candidates)
        assert claimed == [candidates[0], there, candidates[2]]
        assert await stored(self.uow, candidates[1]) is None

    async def test_claiming_a_subscriber_in_the_transaction_that_inserted_finds_its_own(self) -> None:
        first, second = pending_subscriber(email("a@example.com")), pending_subscriber(email("A@example.com"))
        async with self.uow() as tx:
            await tx.subscribers.claim_batch([first])
            assert await tx.subscribers.claim_batch([second]) == [first]
            assert await tx.subscribers.claim_batch([]) == []

    async def test_one_email_address_may_be_in_several_newsletters(self) -> None:
        other = await add_newsletter(self.uow)
        where = email()
        here, there = subscriber(where), subscriber(where, newsletter=other)
        await add(self.uow, here, there)
        async with self.uow.reading() as tx:
            assert await tx.subscribers.find(DEFAULT_NEWSLETTER.id, where) == here
            assert await tx.subscribers.find(other, where) == there

    async def test_finding_a_subscriber_goes_by_the_key_of_the_email_address(self) -> None:
        known = subscriber(email("Ada@BÜCHER.example.com"))
        await add(self.uow, known)
        async with self.uow.reading() as tx:
            assert await tx.subscribers.find(known.newsletter, email("ada@xn--bcher-kva.example.com")) == known
            assert await tx.subscribers.find(known.newsletter, email("other@example.com")) is None
            assert await tx.subscribers.find(new_id(), known.email) is None

    async def test_only_subscribers_that_exist_are_found(self) -> None:
        known = subscriber()
        await add(self.uow, known, subscriber())
        async with self.uow() as tx:
            assert await tx.subscribers.get_batch([known.id, new_id()], lock=True) == {known.id: known}
            assert await tx.subscribers.get_batch([]) == {}

    async def test_saving_a_subscriber_writes_all_that_may_change(self) -> None:
        first, second, other = subscriber(), pending_subscriber(), subscriber()
        await add(self.uow, first, second, other)
        changed = attrs.evolve(
            first,
            name=SubscriberName("Grace"),
            status=Status.PENDING,
            earlier_status=Status.CONFIRMED,
            confirmed_at=None,
            subscribed_at=later(1),
            paused_until=later(2),
            fields={"city": "Bern"},
            tags=("vip",),
        )
        confirmed = second.confirmed(SubscriberName("Bob"), later(3))
        async with self.uow() as tx:
            await tx.subscribers.save_batch([changed, confirmed])
        assert [await stored(self.uow, each) for each in (first, second, other)] == [changed, confirmed, other]

    async def test_saving_a_subscriber_changes_neither_newsletter_nor_email_address(self) -> None:
        known, other = subscriber(), await add_newsletter(self.uow)
        await add(self.uow, known)
        moved = attrs.evolve(known, newsletter=other, email=email(), digest=Digest("other", bytes(32)))
        async with self.uow() as tx:
            await tx.subscribers.save_batch([moved])
            await tx.subscribers.save_batch([])
        assert await stored(self.uow, known) == known

    async def test_sharing_an_email_address_is_seen_over_all_newsletters(self) -> None:
        other = await add_newsletter(self.uow)
        shared = [subscriber(email("Ada@example.com")), subscriber(email("ada@EXAMPLE.com"), newsletter=other)]
        alone, stranger = subscriber(), subscriber()
        await add(self.uow, stranger, alone, *shared)
        async with self.uow() as tx:
            assert await tx.subscribers.sharing_email([shared[1].id]) == shared
            expected = sorted([alone, *shared], key=lambda found: found.id)
            assert await tx.subscribers.sharing_email([alone.id, shared[0].id, shared[1].id]) == expected
            assert await tx.subscribers.sharing_email([new_id()]) == []
            assert await tx.subscribers.sharing_email([]) == []

    async def test_counting_subscribers_goes_by_newsletter_and_status(self) -> None:
        other = await add_newsletter(self.uow)
        await add(self.uow, subscriber(), subscriber(), pending_subscriber(), subscriber(newsletter=other))
        async with self.uow.reading() as tx:
            assert await tx.subscribers.count(DEFAULT_NEWSLETTER.id, Status.CONFIRMED) == 2
            assert await tx.subscribers.count(DEFAULT_NEWSLETTER.id, Status.PENDING) == 1
            assert await tx.subscribers.count(other, Status.CONFIRMED) == 1
            assert await tx.subscribers.count(other, Status.BOUNCED) == 0

    async def test_a_round_comes_back_as_it_was_added(self) -> None:
        reader = pending_subscriber()
        rounds = [opened_round(reader), opened_round(reader, source="json", state=RoundState.ENDED)]
        async with self.uow() as tx:
            await tx.subscribers.claim_batch([reader])
            await tx.subscribers.add_rounds(rounds)
            await tx.subscribers.add_rounds([])
        async with self.uow.reading() as tx:
            assert [await tx.subscribers.get_round(each.id) for each in rounds] == rounds
            assert await tx.subscribers.get_round(new_id()) is None

    async def test_saving_a_round_writes_its_state(self) -> None:
        reader = pending_subscriber()
        opened, other = opened_round(reader), opened_round(reader)
        async with self.uow() as tx:
            await tx.subscribers.claim_batch([reader])
            await tx.subscribers.add_rounds([opened, other])
            confirmed = attrs.evolve(opened, state=RoundState.CONFIRMED)
            await tx.subscribers.save_round(attrs.evolve(confirmed, name=SubscriberName("Somebody else")))
        async with self.uow.reading() as tx:
            assert await tx.subscribers.get_round(opened.id) == confirmed
            assert await tx.subscribers.get_round(other.id) == other

    async def test_ending_rounds_ends_all_of_one_subscriber(self) -> None:
        reader, other = pending_subscriber(), pending_subscriber()
        mine = [opened_round(reader), opened_round(reader, state=RoundState.CONFIRMED)]
        theirs = opened_round(other)
        async with self.uow() as tx:
            await tx.subscribers.claim_batch([reader, other])
            await tx.subscribers.add_rounds([*mine, theirs])
            await tx.subscribers.end_rounds(reader.id)
            await tx.subscribers.end_rounds(new_id())
        async with self.uow.reading() as tx:
            ended = [await tx.subscribers.get_round(each.id) for each in mine]
            assert ended == [attrs.evolve(each, state=RoundState.ENDED) for each in mine]
            assert await tx.subscribers.get_round(theirs.id) == theirs

    async def test_it_is_known_whether_anybody_is_there_and_has_confirmed(self) -> None:
        found = []
        for newcomers in (
            [],
            [pending_subscriber()],
            [subscriber(newsletter=await add_newsletter(self.uow), status=Status.UNSUBSCRIBED)],
        ):
            await add(self.uow, *newcomers)
            async with self.uow.reading() as tx:
                found.append((await tx.subscribers.exist(), await tx.subscribers.exist(confirmed=True)))
        assert found == [(False, False), (True, False), (True, True)]
