import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from zero2prod.testing.builders import account, issue, letter, new_id, newsletter, opened_round, subscriber, token
from zero2prod.testing.contract import Contract
from zero2prod.testing.faults import CommitLostAfter, CommitLostBefore, rolled_back
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.tokens import Purpose
from zero2prod_core.errors import CommitUnknown, Defect
from zero2prod_core.ports.store import Transaction, UnitOfWork

T = TypeVar("T")


async def elsewhere(work: Callable[[], Awaitable[T]]) -> T:
    """Do the work in another task, as another request would."""

    async def run() -> T:
        return await work()

    return await asyncio.create_task(run())


async def exists(uow: UnitOfWork, wanted: Newsletter) -> bool:
    async with uow.reading() as tx:
        return wanted.id in await tx.newsletters.get_batch([wanted.id])


class TransactionsContract(Contract):
    """Transactions: `zero2prod_core.ports.store.UnitOfWork`."""

    async def test_leaving_a_transaction_commits(self) -> None:
        made = newsletter()
        async with self.uow() as tx:
            await tx.newsletters.add(made)
        assert await exists(self.uow, made)

    async def test_raising_in_a_transaction_rolls_back_everything(self) -> None:
        made, link = newsletter(), token(new_id())

        async def write(tx: Transaction) -> None:
            await tx.newsletters.add(made)
            await tx.tokens.add_batch([link])

        await rolled_back(self.uow, write)
        async with self.uow.reading() as tx:
            assert await tx.newsletters.get_batch([made.id]) == {}
            assert await tx.tokens.get(link.id, link.purpose) is None

    async def test_a_cancelled_transaction_is_rolled_back(self) -> None:
        made, written = newsletter(), asyncio.Event()

        async def write_and_linger() -> None:
            async with self.uow() as tx:
                await tx.newsletters.add(made)
                written.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(write_and_linger())
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await exists(self.uow, made)
        async with self.uow() as tx:
            await tx.newsletters.add(made)
        assert await exists(self.uow, made)

    async def test_changes_are_visible_to_others_only_after_the_commit(self) -> None:
        made = newsletter()
        async with self.uow() as tx:
            await tx.newsletters.add(made)
            assert await tx.newsletters.get_batch([made.id]) == {made.id: made}
            assert not await elsewhere(lambda: exists(self.uow, made))
        assert await elsewhere(lambda: exists(self.uow, made))

    async def test_removals_are_visible_to_others_only_after_the_commit(self) -> None:
        link = token(new_id())

        async def is_there() -> bool:
            async with self.uow.reading() as tx:
                return await tx.tokens.get(link.id, Purpose.CONFIRM) is not None

        async with self.uow() as tx:
            await tx.tokens.add_batch([link])
        async with self.uow() as tx:
            await tx.tokens.revoke(link.subject, Purpose.CONFIRM)
            assert await tx.tokens.get(link.id, Purpose.CONFIRM) is None
            assert await elsewhere(is_there)
        assert not await elsewhere(is_there)

    async def test_a_removed_row_can_be_added_again(self) -> None:
        link = token(new_id())
        async with self.uow() as tx:
            await tx.tokens.add_batch([link])
            await tx.tokens.revoke(link.subject, Purpose.CONFIRM)
            await tx.tokens.add_batch([link])
        async with self.uow.reading() as tx:
            assert await tx.tokens.get(link.id, Purpose.CONFIRM) == link

    async def test_a_reader_sees_each_commit_that_was_before_its_statement(self) -> None:
        made = newsletter()

        async def add() -> None:
            async with self.uow() as tx:
                await tx.newsletters.add(made)

        async with self.uow.reading() as tx:
            assert await tx.newsletters.get_batch([made.id]) == {}
            await elsewhere(add)
            assert await tx.newsletters.get_batch([made.id]) == {made.id: made}

    async def test_nesting_transactions_is_a_defect(self) -> None:
        made = newsletter()

        async def nest() -> None:
            async with self.uow() as tx:
                await tx.newsletters.add(made)
                async with self.uow():
                    await tx.now()

        with pytest.raises(Defect):
            await nest()
        assert not await exists(self.uow, made)

    async def test_a_task_may_open_a_transaction_while_another_has_one(self) -> None:
        async def name(made: Newsletter) -> str:
            async with self.uow() as tx:
                await tx.newsletters.add(made)
                return made.name

        made = [newsletter(name=str(number)) for number in range(5)]
        assert await asyncio.gather(*map(name, made)) == ["0", "1", "2", "3", "4"]
        assert all([await exists(self.uow, each) for each in made])

    async def test_a_transaction_used_after_its_end_is_a_defect(self) -> None:
        async with self.uow() as tx:
            await tx.now()
        async with self.uow.reading() as reading:
            await reading.now()
        with pytest.raises(Defect):
            await tx.newsletters.list()
        with pytest.raises(Defect):
            await tx.newsletters.add(newsletter())
        with pytest.raises(Defect):
            await tx.now()
        with pytest.raises(Defect):
            await reading.newsletters.list()

    async def test_the_clock_is_read_once_per_transaction(self) -> None:
        async with self.uow() as tx:
            first, second = await tx.now(), await tx.now()
        async with self.uow.reading() as tx:
            later = await tx.now()
        assert first == second
        assert timedelta(0) <= later - first < timedelta(seconds=30)
        assert first.utcoffset() == timedelta(0)

    async def test_a_commit_whose_answer_is_lost_may_or_may_not_hold(self) -> None:
        lost, kept, plain = newsletter(), newsletter(), newsletter()
        for faulty, made in ((CommitLostBefore(self.uow), lost), (CommitLostAfter(self.uow), kept)):
            with pytest.raises(CommitUnknown):
                async with faulty() as tx:
                    await tx.newsletters.add(made)
        async with CommitLostAfter(self.uow, faults=[False])() as tx:
            await tx.newsletters.add(plain)
        assert [await exists(CommitLostBefore(self.uow), each) for each in (lost, kept, plain)] == [False, True, True]

    @pytest.mark.parametrize(
        "save",
        [
            lambda tx: tx.accounts.save(account()),
            lambda tx: tx.issues.save(issue(letter())),
            lambda tx: tx.letters.save(letter()),
            lambda tx: tx.newsletters.save(newsletter()),
            lambda tx: tx.subscribers.save_batch([subscriber()]),
            lambda tx: tx.subscribers.save_round(opened_round(subscriber())),
        ],
        ids=["account", "issue", "letter", "newsletter", "subscriber", "round"],
    )
    async def test_what_is_not_there_cannot_be_saved(self, save: Callable[[Transaction], Awaitable[None]]) -> None:
        with pytest.raises(Defect):
            async with self.uow() as tx:
                await save(tx)
