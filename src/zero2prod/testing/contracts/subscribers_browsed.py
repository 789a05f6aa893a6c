import attrs

from zero2prod.testing.builders import email, new_id, newsletter, subscriber
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.searches import Wanted
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.ports.store import UnitOfWork

EVERYBODY = Wanted()


def named(text: str, name: str, **changes: object) -> Subscriber:
    return subscriber(email(text), name=SubscriberName(name), **changes)


async def add(uow: UnitOfWork, *subscribers: Subscriber) -> None:
    async with uow() as tx:
        await tx.subscribers.claim_batch(subscribers)


async def pages(uow: UnitOfWork, wanted: Wanted, size: int = 2) -> list[Subscriber]:
    """All that is found, page by page."""
    found: list[Subscriber] = []
    while True:
        async with uow.reading() as tx:
            after = found[-1].id if found else None
            page = await tx.subscribers.browse(DEFAULT_NEWSLETTER.id, wanted, after, size)
        assert len(page) <= size
        if not page:
            return found
        found += page


class BrowsingContract(Contract):
    """Pages of subscribers."""

    async def test_subscribers_are_browsed_newest_first_whatever_their_status(self) -> None:
        readers = [subscriber(status=status) for status in [*Status, *Status]]
        await add(self.uow, *readers)
        assert await pages(self.uow, EVERYBODY) == readers[::-1]

    async def test_browsing_keeps_to_one_newsletter(self) -> None:
        other, tagged = newsletter(), subscriber(tags=("vip",))
        async with self.uow() as tx:
            await tx.newsletters.add(other)
        await add(self.uow, tagged, attrs.evolve(tagged, id=new_id(), newsletter=other.id))
        for wanted in (EVERYBODY, Wanted(tag="vip"), Wanted(domain="example.com"), Wanted("reader"), Wanted("ada")):
            assert await pages(self.uow, wanted) == [tagged]

    async def test_browsing_by_status_shows_no_other(self) -> None:
        readers = [subscriber(status=status) for status in [*Status, *Status]]
        await add(self.uow, *readers)
        for status in Status:
            wanted = [each for each in readers[::-1] if each.status is status]
            assert await pages(self.uow, Wanted(status=status), 1) == wanted

    async def test_browsing_by_domain_takes_the_whole_domain_newest_first(self) -> None:
        near, far, else_where = (
            subscriber(email(f"a{n}@{where}")) for n, where in enumerate(("b.org", "B.ORG", "b.or"))
        )
        await add(self.uow, near, far, else_where)
        assert await pages(self.uow, Wanted(domain="b.org"), 1) == [far, near]

    async def test_browsing_by_tag_follows_every_change_of_tags(self) -> None:
        first, second, third = subscriber(tags=("vip", "b")), subscriber(), subscriber(tags=("vip", "vip"))
        await add(self.uow, first, second, third)
        assert await pages(self.uow, Wanted(tag="vip"), 1) == [third, first]
        changed = [attrs.evolve(first, tags=("b", "c")), attrs.evolve(second, tags=("vip",)), third]
        async with self.uow() as tx:
            await tx.subscribers.save_batch(changed)
        assert await pages(self.uow, Wanted(tag="vip"), 1) == [third, changed[1]]
        assert await pages(self.uow, Wanted(tag="c")) == [changed[0]]
        async with self.uow() as tx:
            await tx.subscribers.remove_batch([third.id])
        assert await pages(self.uow, Wanted(tag="vip")) == [changed[1]]

    async def test_a_prefix_finds_email_addresses_in_their_order_and_then_names_in_theirs(self) -> None:
        zoe = named("zoe@example.com", "Ma Ria")
        mary, maria = named("Mary@example.com", "Zoe"), named("maria@example.com", "Maria")
        later, sooner = named("y@example.com", "MAX"), named("x@example.com", "mAx")
        await add(self.uow, mary, zoe, later, maria, sooner, named("b@example.com", "Tamara"))
        assert await pages(self.uow, Wanted("ma"), 1) == [maria, mary, zoe, later, sooner]
        assert await pages(self.uow, Wanted("ma"), 2) == [maria, mary, zoe, later, sooner]
        assert await pages(self.uow, Wanted("ma"), 100) == [maria, mary, zoe, later, sooner]

    async def test_a_prefix_is_taken_literally_and_in_any_script(self) -> None:
        odd, plain = named("100%_@example.com", "A"), named("100x@example.com", "B")
        lukasz, emoji = named("l@example.com", "Łukasz"), named("e@example.com", "🙂 Ltd")
        await add(self.uow, odd, plain, lukasz, emoji)
        assert await pages(self.uow, Wanted("100%")) == [odd]
        assert await pages(self.uow, Wanted("łu")) == [lukasz]
        assert await pages(self.uow, Wanted("🙂")) == [emoji]

    async def test_what_is_browsed_for_holds_all_at_once(self) -> None:
        vip, gone = ("vip",), Status.UNSUBSCRIBED
        wanted = [
            named("ada@example.com", "Z", tags=vip, status=gone),
            named("b@example.com", "Ada", tags=vip, status=gone),
        ]
        others = [
            named("ada2@example.com", "Z", status=gone),
            named("ada3@example.com", "Z", tags=vip),
            named("c@example.com", "Ada", tags=("v",), status=gone),
            named("d@example.com", "Ada", tags=vip),
            named("e@example.org", "E", tags=vip, status=gone),
        ]
        await add(self.uow, *wanted, *others)
        assert await pages(self.uow, Wanted("ada", status=gone, tag="vip"), 1) == wanted
        assert await pages(self.uow, Wanted(domain="example.com", status=gone, tag="vip"), 1) == wanted[::-1]
        assert await pages(self.uow, Wanted(status=gone, tag="vip"), 1) == [others[4], *wanted[::-1]]
        assert await pages(self.uow, Wanted(domain="example.com", status=gone), 1) == [
            others[2],
            others[0],
            *wanted[::-1],
        ]

    async def test_behind_somebody_who_is_gone_a_prefix_begins_anew(self) -> None:
        known = named("ada@example.com", "Ada")
        await add(self.uow, known)
        async with self.uow.reading() as tx:
            assert await tx.subscribers.browse(DEFAULT_NEWSLETTER.id, Wanted("ada"), new_id(), 10) == [known]

    async def test_a_saved_name_is_found_and_the_one_before_is_not(self) -> None:
        known = named("x@example.com", "Ada")
        await add(self.uow, known)
        renamed = attrs.evolve(known, name=SubscriberName("Éva"))
        async with self.uow() as tx:
            await tx.subscribers.save_batch([renamed])
        assert [await pages(self.uow, Wanted(prefix)) for prefix in ("ada", "év")] == [[], [renamed]]

    async def test_a_search_within_a_tag_follows_every_change_of_the_subscriber(self) -> None:
        known, other = named("x@b.org", "Ada", tags=("vip",)), named("ada@b.org", "Zoe", tags=("old",))
        await add(self.uow, known, other)
        assert await pages(self.uow, Wanted("ada", tag="vip")) == [known]
        renamed = attrs.evolve(known, name=SubscriberName("Zoe"), status=Status.UNSUBSCRIBED)
        tagged = attrs.evolve(other, tags=("old", "vip"))
        async with self.uow() as tx:
            await tx.subscribers.save_batch([renamed, tagged])
        assert await pages(self.uow, Wanted("ada", tag="vip")) == [tagged]
        assert await pages(self.uow, Wanted("zoe", tag="vip"), 1) == [renamed, tagged]
        assert await pages(self.uow, Wanted("zoe", status=Status.UNSUBSCRIBED, tag="vip")) == [renamed]
        assert await pages(self.uow, Wanted(domain="b.org", tag="vip"), 1) == [tagged, renamed]
        async with self.uow() as tx:
            await tx.subscribers.remove_batch([tagged.id])
        assert await pages(self.uow, Wanted("ada", tag="vip")) == []
        assert await pages(self.uow, Wanted(domain="b.org", tag="vip")) == [renamed]
