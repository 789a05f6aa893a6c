from zero2prod.testing.builders import later, new_id, token
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.tokens import Purpose, Token
from zero2prod_core.ports.store import UnitOfWork


async def stored(uow: UnitOfWork, wanted: Token) -> Token | None:
    async with uow.reading() as tx:
        return await tx.tokens.get(wanted.id, wanted.purpose)


async def add(uow: UnitOfWork, *tokens: Token) -> None:
    async with uow() as tx:
        await tx.tokens.add_batch(tokens)


class TokensContract(Contract):
    """Tokens: `zero2prod_core.ports.tokens.TokenRepository`."""

    async def test_a_token_comes_back_as_it_was_added(self) -> None:
        fresh, spent = token(new_id()), token(new_id(), Purpose.SET_UP, spent_at=later(5))
        await add(self.uow, fresh, spent)
        async with self.uow() as tx:
            assert await tx.tokens.get(fresh.id, Purpose.CONFIRM, lock=True) == fresh
            assert await tx.tokens.get(spent.id, Purpose.SET_UP) == spent

    async def test_a_token_is_unknown_for_another_purpose(self) -> None:
        known = token(new_id(), Purpose.CONFIRM)
        await add(self.uow, known)
        async with self.uow.reading() as tx:
            assert await tx.tokens.get(known.id, Purpose.SET_UP) is None
            assert await tx.tokens.get(new_id(), Purpose.CONFIRM) is None

    async def test_only_the_first_use_of_a_token_is_noted(self) -> None:
        known, other = token(new_id()), token(new_id())
        await add(self.uow, known, other)
        for moment in (later(10), later(20)):
            async with self.uow() as tx:
                await tx.tokens.spend(known.id, moment)
        found = await stored(self.uow, known)
        assert found is not None
        assert found.spent_at == later(10)
        assert await stored(self.uow, other) == other

    async def test_revoking_tokens_removes_a_subjects_tokens_of_one_purpose(self) -> None:
        subject = new_id()
        first, second = token(subject), token(subject)
        set_up, other = token(subject, Purpose.SET_UP), token(new_id())
        await add(self.uow, first, second, set_up, other)
        async with self.uow() as tx:
            assert await tx.tokens.revoke(subject, Purpose.CONFIRM) == 2
            assert await tx.tokens.revoke(subject, Purpose.CONFIRM) == 0
        assert [await stored(self.uow, each) for each in (first, second, set_up, other)] == [None, None, set_up, other]

    async def test_a_sweep_of_tokens_removes_what_expired_before_and_nothing_else(self) -> None:
        long_ago, just = token(new_id(), expires_at=later(-1)), token(new_id(), expires_at=later(0))
        await add(self.uow, long_ago, just)
        async with self.uow() as tx:
            assert await tx.tokens.sweep(later(0), 100) == 1
        assert await stored(self.uow, long_ago) is None
        assert await stored(self.uow, just) == just

    async def test_a_sweep_of_tokens_removes_no_more_than_its_limit(self) -> None:
        await add(self.uow, *(token(new_id(), expires_at=later(-1)) for _ in range(5)))
        async with self.uow() as tx:
            assert [await tx.tokens.sweep(later(0), 2) for _ in range(4)] == [2, 2, 1, 0]

    async def test_an_empty_batch_of_tokens_is_no_mistake(self) -> None:
        async with self.uow() as tx:
            await tx.tokens.add_batch([])
            assert await tx.tokens.sweep(later(0), 10) == 0

    async def test_forgetting_subjects_removes_their_tokens_of_every_purpose(self) -> None:
        gone = new_id()
        theirs, other = [token(gone), token(gone, Purpose.MANAGE)], token(new_id())
        await add(self.uow, *theirs, other)
        async with self.uow() as tx:
            await tx.tokens.forget([gone, new_id()])
            await tx.tokens.forget([])
        assert [await stored(self.uow, each) for each in [*theirs, other]] == [None, None, other]
