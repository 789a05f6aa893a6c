from datetime import timedelta

import attrs

from zero2prod.testing.builders import T0, account, later, session
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.accounts import Account
from zero2prod_core.domain.sessions import ABSOLUTE, IDLE, Session
from zero2prod_core.ports.store import UnitOfWork

JUST = timedelta(microseconds=1)


async def add_account(uow: UnitOfWork) -> Account:
    made = account()
    async with uow() as tx:
        await tx.accounts.add(made)
    return made


async def add(uow: UnitOfWork, *sessions: Session) -> None:
    async with uow() as tx:
        for each in sessions:
            await tx.sessions.add(each)


async def stored(uow: UnitOfWork, *wanted: Session) -> list[Session | None]:
    async with uow.reading() as tx:
        return [await tx.sessions.get(each.hash) for each in wanted]


class SessionsContract(Contract):
    """Sessions of staff: `zero2prod_core.ports.sessions.SessionRepository`."""

    async def test_a_session_comes_back_as_it_was_added(self) -> None:
        known = session(await add_account(self.uow), seen_at=later(5))
        await add(self.uow, known)
        assert await stored(self.uow, known, session(account())) == [known, None]

    async def test_a_use_of_a_session_is_noted_and_never_moves_back(self) -> None:
        staff = await add_account(self.uow)
        known, other = session(staff), session(staff)
        await add(self.uow, known, other)
        for moment in (later(60), later(30), later(-60)):
            async with self.uow() as tx:
                await tx.sessions.touch(known.hash, moment)
        assert await stored(self.uow, known, other) == [attrs.evolve(known, seen_at=later(60)), other]

    async def test_a_session_ends_once(self) -> None:
        staff = await add_account(self.uow)
        known, other = session(staff), session(staff)
        await add(self.uow, known, other)
        async with self.uow() as tx:
            assert await tx.sessions.end(known.hash) is True
            assert await tx.sessions.end(known.hash) is False
        assert await stored(self.uow, known, other) == [None, other]

    async def test_using_an_ended_session_does_not_revive_it(self) -> None:
        known = session(await add_account(self.uow))
        async with self.uow() as tx:
            await tx.sessions.touch(known.hash, later(60))
        assert await stored(self.uow, known) == [None]

    async def test_all_sessions_of_an_account_end_but_one(self) -> None:
        staff, colleague = await add_account(self.uow), await add_account(self.uow)
        mine = [session(staff) for _ in range(3)]
        theirs = session(colleague)
        await add(self.uow, *mine, theirs)
        async with self.uow() as tx:
            assert await tx.sessions.end_all(staff.id, but=mine[1].hash) == 2
        assert await stored(self.uow, *mine, theirs) == [None, mine[1], None, theirs]
        async with self.uow() as tx:
            assert await tx.sessions.end_all(staff.id) == 1
            assert await tx.sessions.end_all(staff.id) == 0
        assert await stored(self.uow, mine[1], theirs) == [None, theirs]

    async def test_a_sweep_of_sessions_removes_what_is_not_alive_and_nothing_else(self) -> None:
        staff, now = await add_account(self.uow), T0 + ABSOLUTE
        over = session(staff, seen_at=now)
        idle = session(staff, seen_at=now - IDLE, expires_at=now + ABSOLUTE)
        alive = session(staff, seen_at=now - IDLE + JUST, expires_at=now + JUST)
        await add(self.uow, over, idle, alive)
        assert [each.alive(now) for each in (over, idle, alive)] == [False, False, True]
        async with self.uow() as tx:
            assert await tx.sessions.sweep(now, 100) == 2
        assert await stored(self.uow, over, idle, alive) == [None, None, alive]

    async def test_a_sweep_of_sessions_removes_no_more_than_its_limit(self) -> None:
        staff = await add_account(self.uow)
        await add(self.uow, *(session(staff) for _ in range(3)))
        async with self.uow() as tx:
            assert [await tx.sessions.sweep(T0 + ABSOLUTE, 2) for _ in range(3)] == [2, 1, 0]
