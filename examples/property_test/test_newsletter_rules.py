"""Whatever readers do, and in whatever order: an issue reaches those who confirmed and did not leave, nobody else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from hypothesis import given, settings
from hypothesis.strategies import lists, sampled_from, tuples

from adapters_memory import InMemoryUnitOfWork
from zero2prod.testing.application import assemble
from zero2prod.testing.builders import evidence, number, origin, publication, sign_up, token_in
from zero2prod_core.ports.mailer import Parcel


class Readers:
    """The core over a store in memory, and the links that lie in its readers' mailboxes."""

    def __init__(self) -> None:
        self.core = assemble(InMemoryUnitOfWork())
        self.confirmed: set[str] = set()
        self.ways_in: dict[str, str] = {}
        self.ways_out: dict[str, str] = {}

    async def sign_up(self, reader: str) -> None:
        await self.core.subscribe(sign_up(reader))
        for mail in await self.mails(urgent=True):
            # Who reads already gets a notice, which has no link.
            if link := mail.slots.get("confirmation.link"):
                self.ways_in[reader] = token_in(link)

    async def confirm(self, reader: str) -> None:
        if reader in self.ways_in:
            await self.core.confirm(self.ways_in[reader], evidence())
            self.confirmed.add(reader)

    async def leave(self, reader: str) -> None:
        if reader in self.ways_out:
            await self.core.unsubscribe(self.ways_out[reader], evidence())
            self.confirmed.discard(reader)
            self.ways_in.pop(reader, None)

    async def read(self, _reader: str) -> None:
        """An issue comes out."""
        await self.core.publish(publication(key=f"issue {number()}"), origin())
        mails = await self.mails(urgent=False)
        assert sorted(mail.delivery.email.text for mail in mails) == sorted(self.confirmed)
        for mail in mails:
            assert mail.listing
            self.ways_out[mail.delivery.email.text] = token_in(mail.listing.unsubscribe_link)

    async def mails(self, *, urgent: bool) -> Sequence[Parcel]:
        return (await self.core.deliveries.claim("test", 100, urgent=urgent)).parcels


Act = Callable[[Readers, str], Awaitable[None]]

ACTS = sampled_from([Readers.sign_up, Readers.confirm, Readers.leave, Readers.read])
NAMES = sampled_from(["ada@example.com", "bob@example.com"])


@settings(deadline=None)  # a busy machine may take its time
@given(lists(tuples(ACTS, NAMES), min_size=1, max_size=30))
def test_an_issue_reaches_exactly_the_confirmed(acts: list[tuple[Act, str]]) -> None:
    async def live() -> None:
        readers = Readers()
        for act, name in acts:
            await act(readers, name)
        await readers.read("everybody")

    asyncio.run(live())
