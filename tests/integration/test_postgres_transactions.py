"""What PostgreSQL does to transactions and memory does not: locks, deadlocks, failed statements, rows that vanish."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.idempotency import PostgresIdempotencyRepository
from adapters_postgres.subscribers import PostgresSubscriberRepository
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from tests.support.databases import Database, migrated_database
from tests.support.pools import opened_pool
from zero2prod.testing.builders import audit_event, idempotency_record, later, new_id, subscriber
from zero2prod_core.domain.audit import AuditEvent
from zero2prod_core.domain.limits import Decision, Rate, take
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.errors import CommitUnknown, Defect, IdempotencyKeyInUse, StoreUnavailable, Zero2ProdError
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.ports.store import Transaction
from zero2prod_core.ports.telemetry import Telemetry


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "transactions") as made:
        yield made


@pytest.fixture
async def uow(store: Database) -> AsyncIterator[PostgresUnitOfWork]:
    store.empty()
    async with opened_pool(store.url) as pool:
        yield PostgresUnitOfWork(pool)


async def execute(tx: Transaction, statement: bytes) -> None:
    """Past every repository, on the transaction's own connection."""
    await tx.newsletters._connection.execute(statement)  # type: ignore[attr-defined]  # no port shows it


async def test_going_on_after_a_failed_statement_is_a_defect(uow: PostgresUnitOfWork) -> None:
    event = audit_event()

    async def append_twice() -> None:
        async with uow() as tx:
            await tx.audit.append_batch([event])
            with pytest.raises(Defect, match="23505"):
                await tx.audit.append_batch([event])

    with pytest.raises(Defect, match="went on after one of its statements had failed"):
        await append_twice()
    async with uow.reading() as tx:
        assert await tx.audit.tail(10) == []


class Told(Telemetry):
    """What was counted of actions."""

    def __init__(self) -> None:
        self.actions: Counter[str] = Counter()

    def count(self, event: str, number: int = 1, **labels: str) -> None:
        assert (event, list(labels)) == ("actions", ["action"])
        self.actions[labels["action"]] += number

    def observe(self, event: str, seconds: float, **labels: str) -> None:
        raise AssertionError(event, seconds, labels)


async def test_actions_are_counted_once_they_are_committed(store: Database) -> None:
    store.empty()
    told = Told()
    async with opened_pool(store.url) as pool:
        uow = PostgresUnitOfWork(pool, told)
        events = [audit_event(), audit_event()]
        async with uow() as tx:
            await tx.audit.append_batch(events)
            assert told.actions == {}
        assert told.actions == Counter(event.action.value for event in events)
        with pytest.raises(ZeroDivisionError):
            await rolled_back_after(uow, audit_event())
        assert told.actions.total() == 2


async def rolled_back_after(uow: PostgresUnitOfWork, event: AuditEvent) -> None:
    async with uow() as tx:
        await tx.audit.append_batch([event])
        raise ZeroDivisionError


async def test_a_deadlock_costs_one_of_two_its_transaction(uow: PostgresUnitOfWork) -> None:
    one, other = subscriber(), subscriber()
    async with uow() as tx:
        await tx.subscribers.claim_batch([one, other])
    both_hold = asyncio.Barrier(2)

    async def lock(first: Subscriber, second: Subscriber) -> bool:
        try:
            async with uow() as tx:
                await tx.subscribers.get_batch([first.id], lock=True)
                await both_hold.wait()
                await tx.subscribers.get_batch([second.id], lock=True)
        except StoreUnavailable:
            return False
        return True

    assert sorted(await asyncio.gather(lock(one, other), lock(other, one))) == [False, True]


@pytest.mark.parametrize(
    ("limit", "told"), [(b"lock_timeout", IdempotencyKeyInUse), (b"statement_timeout", StoreUnavailable)]
)
async def test_a_key_in_use_is_waited_for_and_then_refused(
    uow: PostgresUnitOfWork, limit: bytes, told: type[Zero2ProdError]
) -> None:
    record = idempotency_record()
    held, tried = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with uow() as tx:
            await tx.idempotency.claim(record)
            held.set()
            await tried.wait()

    async def claim_as_well() -> None:
        async with uow() as tx:
            await execute(tx, b"SET LOCAL " + limit + b" = '50ms'")
            await tx.idempotency.claim(attrs.evolve(record, issue=new_id()))

    holder = asyncio.create_task(hold())
    await held.wait()
    with pytest.raises(told):
        await claim_as_well()
    tried.set()
    await holder


async def test_a_record_swept_while_it_was_looked_at_gives_its_place_free(
    uow: PostgresUnitOfWork, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = idempotency_record()
    async with uow() as tx:
        await tx.idempotency.claim(record)
    add = PostgresIdempotencyRepository._add

    async def swept_behind_it(self: PostgresIdempotencyRepository, record: object) -> bool:
        added = await add(self, record)  # type: ignore[arg-type]  # passed on as it came
        if not added:
            store.superuser.execute("DELETE FROM idempotency")
        return added

    monkeypatch.setattr(PostgresIdempotencyRepository, "_add", swept_behind_it)
    second = attrs.evolve(record, issue=new_id())
    async with uow() as tx:
        assert await tx.idempotency.claim(second) == second


async def test_a_subscriber_erased_while_being_claimed_gives_its_place_free(
    uow: PostgresUnitOfWork, store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, kept = subscriber(), subscriber()
    async with uow() as tx:
        await tx.subscribers.claim_batch([there, kept])
    lock = PostgresSubscriberRepository._lock

    async def erased_before_it(self: PostgresSubscriberRepository, rows: list[Subscriber]) -> object:
        store.superuser.execute("DELETE FROM subscriptions WHERE id = %s", [there.id])
        return await lock(self, rows)

    monkeypatch.setattr(PostgresSubscriberRepository, "_lock", erased_before_it)
    again, also = attrs.evolve(there, id=new_id()), attrs.evolve(kept, id=new_id())
    async with uow() as tx:
        assert await tx.subscribers.claim_batch([again, also]) == [again, kept]


async def test_a_connection_lost_at_commit_leaves_the_outcome_unknown(uow: PostgresUnitOfWork, store: Database) -> None:
    async def end_before_the_commit() -> None:
        async with uow() as tx:
            await execute(tx, b"SELECT set_config('application_name', 'doomed', false)")
            ended = store.superuser.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'doomed'"
            )
            assert ended.fetchall() == [(True,)]

    with pytest.raises(CommitUnknown):
        await end_before_the_commit()


async def test_an_error_inside_a_lost_transaction_comes_out_as_it_was(uow: PostgresUnitOfWork, store: Database) -> None:
    async def raise_after_the_end() -> None:
        async with uow() as tx:
            await execute(tx, b"SELECT set_config('application_name', 'doomed', false)")
            store.superuser.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'doomed'"
            )
            raise KeyError

    with pytest.raises(KeyError):
        await raise_after_the_end()
    async with uow.reading() as tx:
        assert len(await tx.newsletters.list()) == 1


async def test_a_commit_that_the_server_refuses_is_known_to_have_failed(uow: PostgresUnitOfWork) -> None:
    """Two transactions that each add what the other has counted cannot be put in a row."""
    read, committed = asyncio.Event(), asyncio.Event()

    async def count_and_add(tx: Transaction) -> None:
        await execute(tx, b"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        await execute(tx, b"SELECT count(*) FROM subscriptions")
        await tx.subscribers.claim_batch([subscriber()])

    async def commit_late() -> None:
        async with uow() as tx:
            await count_and_add(tx)
            read.set()
            await committed.wait()

    late = asyncio.create_task(commit_late())
    await read.wait()
    async with uow() as tx:
        await count_and_add(tx)
    committed.set()
    with pytest.raises(StoreUnavailable):
        await late


@pytest.mark.parametrize(
    "rate", [Rate(1, timedelta(seconds=7)), Rate(3, timedelta(days=40)), Rate(7, timedelta(hours=1))]
)
async def test_limits_in_sql_agree_with_the_domains_arithmetic(uow: PostgresUnitOfWork, rate: Rate) -> None:
    """Steps from the boundaries, where the two could differ by a microsecond."""
    key, interval = LimitKey("scope", "subject"), rate.emission_interval
    zero, least = timedelta(0), timedelta(microseconds=1)
    steps = [zero, zero, zero, least, zero, interval - least, zero, interval, zero, zero, 2 * interval]
    at, tat = later(0), None
    expected: list[Decision] = []
    decided: list[Decision] = []
    for turn in range(60):
        at += steps[turn % len(steps)] - (timedelta(seconds=1) if turn % 13 == 0 else zero)
        expected.append(take(tat, rate, at))
        tat = expected[-1].tat if expected[-1].allowed else tat
        async with uow() as tx:
            decided.extend(await tx.limits.take_batch([(key, rate)], at))
    assert decided == expected
    assert {decision.allowed for decision in decided} == {True, False}


async def test_many_who_take_from_one_cell_at_once_get_no_more_than_there_is(uow: PostgresUnitOfWork) -> None:
    rate, keys = Rate(5, timedelta(hours=1)), [LimitKey("scope", str(number)) for number in range(3)]

    async def take_all(turn: int) -> list[Decision]:
        async with uow() as tx:
            return list(await tx.limits.take_batch([(key, rate) for key in keys[turn % 3 :] + keys[: turn % 3]]))

    decisions = await asyncio.gather(*(take_all(turn) for turn in range(20)))
    assert sum(decision.allowed for batch in decisions for decision in batch) == 5 * len(keys)
