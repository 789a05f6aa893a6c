from uuid import UUID

import attrs

from zero2prod.testing.builders import (
    KEY,
    email,
    later,
    new_id,
    newsletter,
    opened_round,
    pending_subscriber,
    subscriber,
)
from zero2prod.testing.contracts.subscribers_browsed import BrowsingContract
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import RoundState, Status, Subscriber
from zero2prod_core.domain.suppressions import Digest
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.ports.subscribers import Lapsed


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


class SubscribersContract(BrowsingContract):
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

    async def test_all_of_an_email_address_are_found_by_its_key(self) -> None:
        other, where = await add_newsletter(self.uow), email("Ada@BÜCHER.example.com")
        here, there = subscriber(where), subscriber(where, newsletter=other)
        await add(self.uow, there, here, subscriber())
        async with self.uow.reading() as tx:
            found = await tx.subscribers.of_email(email("ada@xn--bcher-kva.example.com"))
            assert found == sorted([here, there], key=lambda each: each.id)
            assert await tx.subscribers.of_email(email("other@example.com")) == []

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
        confirmed = second.confirmed(
            opened_round(second, name=SubscriberName("Bob"), fields={"city": "Graz"}, tags=("art",)), later(3)
        )
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

    async def test_ending_rounds_ends_all_of_these_subscribers(self) -> None:
        reader, second, other = pending_subscriber(), pending_subscriber(), pending_subscriber()
        mine = [opened_round(reader), opened_round(reader, state=RoundState.CONFIRMED), opened_round(second)]
        theirs = opened_round(other)
        async with self.uow() as tx:
            await tx.subscribers.claim_batch([reader, second, other])
            await tx.subscribers.add_rounds([*mine, theirs])
            await tx.subscribers.end_rounds([reader.id, second.id, new_id()])
            await tx.subscribers.end_rounds([])
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

    async def test_the_last_round_of_a_subscriber_is_the_youngest(self) -> None:
        reader = pending_subscriber()
        old, young = (
            opened_round(reader),
            opened_round(reader, opened_at=later(60), fields={"city": "Ulm"}, tags=("a",)),
        )
        await add(self.uow, reader)
        async with self.uow() as tx:
            await tx.subscribers.add_rounds([young, old])
            assert await tx.subscribers.last_round(reader.id) == young
            assert await tx.subscribers.last_round(new_id()) is None

    async def test_rounds_that_nobody_confirmed_lapse(self) -> None:
        new, back, again = pending_subscriber(), pending_subscriber(earlier_status=Status.BOUNCED), pending_subscriber()
        settled = subscriber()
        await add(self.uow, new, back, again, settled)
        old = [opened_round(each) for each in (new, back, again, settled)]
        async with self.uow() as tx:
            await tx.subscribers.add_rounds([*old, opened_round(again, opened_at=later(60))])
        async with self.uow() as tx:
            lapsed = await tx.subscribers.lapse(later(60), 10)
        assert (list(lapsed.returned), list(lapsed.removed), list(lapsed.rounds)) == ([back.id], [new.id], [old[0].id])
        async with self.uow() as tx:
            assert [
                round_.state for round_ in [await tx.subscribers.get_round(each.id) for each in old[1:]] if round_
            ] == [RoundState.ENDED] * 3
            assert await tx.subscribers.get_round(old[0].id) is None
            found = await tx.subscribers.get_batch([new.id, back.id, again.id, settled.id])
            assert await tx.subscribers.lapse(later(60), 10) == Lapsed([], [], [])
        assert found == {
            back.id: attrs.evolve(back, status=Status.BOUNCED, earlier_status=None),
            again.id: again,
            settled.id: settled,
        }

    async def test_no_more_rounds_lapse_at_once_than_asked_for(self) -> None:
        first, second = pending_subscriber(), pending_subscriber()
        await add(self.uow, first, second)
        async with self.uow() as tx:
            await tx.subscribers.add_rounds([opened_round(first), opened_round(second, opened_at=later(1))])
            assert list((await tx.subscribers.lapse(later(60), 1)).removed) == [first.id]
            assert list((await tx.subscribers.lapse(later(60), 1)).removed) == [second.id]

    async def test_digests_under_older_keys_are_found_and_written_anew(self) -> None:
        old, current = subscriber(), subscriber()
        renewed = Digest("newer", b"\x07" * 32)
        current = attrs.evolve(current, digest=attrs.evolve(current.digest, key_id="newer"))
        await add(self.uow, old, current)
        async with self.uow() as tx:
            assert await tx.subscribers.under_keys([KEY.id, "oldest"], 10) == [old]
            await tx.subscribers.save_digests({old.id: renewed})
            assert await tx.subscribers.under_keys([KEY.id], 10) == []
            await tx.subscribers.save_digests({})
        assert await stored(self.uow, old) == attrs.evolve(old, digest=renewed)

    async def test_removing_subscribers_takes_their_rounds_along(self) -> None:
        gone, other = pending_subscriber(), pending_subscriber()
        theirs, another = [opened_round(gone), opened_round(gone)], opened_round(other)
        async with self.uow() as tx:
            await tx.subscribers.claim_batch([gone, other])
            await tx.subscribers.add_rounds([*theirs, another])
        async with self.uow() as tx:
            rounds = await tx.subscribers.remove_batch([gone.id, new_id()])
            assert sorted(rounds) == sorted(each.id for each in theirs)
            assert await tx.subscribers.remove_batch([]) == []
        async with self.uow.reading() as tx:
            assert await tx.subscribers.of_email(gone.email) == []
            assert [await tx.subscribers.get_round(each.id) for each in [*theirs, another]] == [None, None, another]
            assert await tx.subscribers.of_email(other.email) == [other]

    async def test_digests_of_older_keys_are_adopted_by_the_newest(self) -> None:
        old, newest = Digest("old", b"\x01" * 32), Digest("new", b"\x02" * 32)
        shared = email()
        elsewhere = await add_newsletter(self.uow)
        known = [subscriber(shared, digest=old), subscriber(shared, digest=old, newsletter=elsewhere)]
        other = subscriber()
        await add(self.uow, *known, other)
        async with self.uow() as tx:
            await tx.subscribers.adopt_digests(
                [[newest, old], [Digest("new", b"\x03" * 32), Digest("old", b"\x04" * 32)]]
            )
            await tx.subscribers.adopt_digests([[newest], []][:1])
        assert [await stored(self.uow, each) for each in [*known, other]] == [
            *(attrs.evolve(each, digest=newest) for each in known),
            other,
        ]
