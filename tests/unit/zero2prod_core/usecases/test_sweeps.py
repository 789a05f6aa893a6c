from datetime import timedelta

from tests.support.core import Core
from zero2prod.testing.builders import account, idempotency_record, new_id, session, token
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.breakers import FORGOTTEN_AFTER, Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Scope
from zero2prod_core.domain.idempotency import KEPT_FOR, IdempotencyRecord
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.sessions import IDLE, Session
from zero2prod_core.domain.tokens import Token
from zero2prod_core.usecases.sweeps import TOKENS_KEPT


async def fill(core: Core) -> tuple[Session, Token, IdempotencyRecord]:
    """One of each, made now."""
    kept = session(account()), token(new_id()), idempotency_record()
    async with core.store() as tx:
        await tx.sessions.add(kept[0])
        await tx.tokens.add_batch([kept[1]])
        await tx.idempotency.claim(kept[2])
    return kept


async def test_nothing_to_sweep_leaves_no_trace(core: Core) -> None:
    await fill(core)
    assert await core.application.jobs.sweep() == 0
    assert await core.audit() == []


async def test_each_kind_is_kept_for_as_long_as_it_means_something(core: Core) -> None:
    kept, sweep = await fill(core), core.application.jobs.sweep
    core.clock.now = kept[0].seen_at + IDLE
    assert await sweep() == 1
    core.clock.now = kept[2].created_at + KEPT_FOR
    assert await sweep() == 0
    core.clock.forward(timedelta(microseconds=1))
    assert await sweep() == 1
    core.clock.now = kept[1].expires_at + TOKENS_KEPT
    assert await sweep() == 0
    core.clock.forward(timedelta(microseconds=1))
    assert await sweep() == 1


async def test_one_event_says_how_many_of_each_were_removed(core: Core) -> None:
    await fill(core)
    await fill(core)
    core.clock.forward(timedelta(days=99))
    assert await core.application.jobs.sweep() == 6
    (event,) = await core.audit()
    assert (event.action, event.origin) == (Action.SWEPT, system("sweep"))
    assert event.after == {"sessions": 2, "tokens": 2, "idempotency": 2, "limits": 0, "breakers": 0}
    assert await core.application.jobs.sweep() == 0
    assert len(await core.audit()) == 1


async def test_a_breaker_is_forgotten_an_hour_after_its_time(core: Core) -> None:
    breaker = Breaker(BreakerKey(Scope.DOMAIN, "example.com"), core.clock.now, 1, "no")
    sweep = core.application.jobs.sweep
    async with core.store() as tx:
        await tx.breakers.add_batch([breaker])
    core.clock.forward(FORGOTTEN_AFTER)
    assert await sweep() == 0
    core.clock.forward(timedelta(microseconds=1))
    assert await sweep() == 1
    async with core.store() as tx:
        assert await tx.breakers.hold_batch([breaker.key]) == {}
