import asyncio

import attrs

from zero2prod.testing.builders import idempotency_record, later, new_id, newsletter
from zero2prod.testing.contract import Contract
from zero2prod.testing.faults import rolled_back
from zero2prod_core.domain.idempotency import IdempotencyKey, IdempotencyRecord
from zero2prod_core.ports.store import UnitOfWork


async def claim(uow: UnitOfWork, record: IdempotencyRecord) -> IdempotencyRecord:
    async with uow() as tx:
        return await tx.idempotency.claim(record)


class IdempotencyContract(Contract):
    """Keys of requests: `zero2prod_core.ports.idempotency.IdempotencyRepository`."""

    async def test_the_first_record_of_a_key_stands(self) -> None:
        first = idempotency_record(actor="terminal:root")
        second = attrs.evolve(first, fingerprint=b"\x00" * 32, issue=new_id(), created_at=later(5))
        assert await claim(self.uow, first) == first
        assert await claim(self.uow, second) == first
        assert await claim(self.uow, first) == first

    async def test_a_key_belongs_to_one_newsletter_and_is_exact(self) -> None:
        other = newsletter()
        async with self.uow() as tx:
            await tx.newsletters.add(other)
        first = idempotency_record(key=IdempotencyKey("Key 1"))
        elsewhere = attrs.evolve(first, newsletter=other.id, issue=new_id())
        lower = attrs.evolve(first, key=IdempotencyKey("key 1"), issue=new_id())
        assert [await claim(self.uow, each) for each in (first, elsewhere, lower)] == [first, elsewhere, lower]

    async def test_a_key_that_was_rolled_back_is_free(self) -> None:
        first = idempotency_record()
        second = attrs.evolve(first, issue=new_id())
        await rolled_back(self.uow, lambda tx: tx.idempotency.claim(first))
        assert await claim(self.uow, second) == second

    async def test_of_two_claims_of_a_key_at_once_the_second_waits_for_the_first(self) -> None:
        first = idempotency_record()
        second = attrs.evolve(first, issue=new_id())
        claimed = asyncio.Event()

        async def slowly() -> IdempotencyRecord:
            async with self.uow() as tx:
                standing = await tx.idempotency.claim(first)
                claimed.set()
                # Give the other one every chance to overtake.
                for _ in range(50):
                    await asyncio.sleep(0)
                return standing

        async def at_the_same_time() -> IdempotencyRecord:
            await claimed.wait()
            return await claim(self.uow, second)

        standing = await asyncio.gather(slowly(), at_the_same_time())
        assert [*standing] == [first, first]

    async def test_a_sweep_of_keys_removes_what_was_made_before_and_nothing_else(self) -> None:
        old, new = idempotency_record(created_at=later(-1)), idempotency_record(created_at=later(0))
        await claim(self.uow, old)
        await claim(self.uow, new)
        async with self.uow() as tx:
            assert await tx.idempotency.sweep(later(0), 100) == 1
        anew = attrs.evolve(old, issue=new_id())
        assert await claim(self.uow, anew) == anew
        assert await claim(self.uow, attrs.evolve(new, issue=new_id())) == new

    async def test_a_sweep_of_keys_removes_no_more_than_its_limit(self) -> None:
        for _ in range(3):
            await claim(self.uow, idempotency_record())
        async with self.uow() as tx:
            assert [await tx.idempotency.sweep(later(1), 2) for _ in range(3)] == [2, 1, 0]
