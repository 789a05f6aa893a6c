"""Breakers, rates and a person's verbs under real concurrency: what workers share, they share at the same moment."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.contention import deadlocks, for_a_crowd, somebody_waits
from tests.support.databases import Database, migrated_database
from zero2prod.testing.application import POLICY, CheapPasswordHasher, CountedIds, CountedRandomness
from zero2prod.testing.builders import KEYS, email, number, origin, publication, subscriber
from zero2prod_core.application import Application, Ports
from zero2prod_core.domain.breakers import TERMS, Breaker, BreakerKey
from zero2prod_core.domain.deliveries import (
    Deferred,
    DeliveryState,
    Outcome,
    Rejected,
    Reply,
    Resolution,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)
from zero2prod_core.domain.issues import Issue, IssueEvent, IssueState, PauseCause
from zero2prod_core.domain.letters import LetterEvent, UncertainPolicy
from zero2prod_core.domain.limits import DomainRates
from zero2prod_core.domain.refusals import MOST_REFUSALS
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.errors import NothingToResend, TransitionRefused
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.usecases.deliveries import Consignment
from zero2prod_core.usecases.policy import Policy

OK = Sent(Reply(250, "ok"))
LOST = Uncertain(Reply(None, "connection lost"))
NEVER = Rejected(Reply(550, "never"))
DEAD = Rejected(Reply(550, "5.1.1 no such user"), suppress=True)
NOT_WANTED = Rejected(Reply(550, "5.7.1 not wanted"), blames_letter=True)
AWAY = Throttled(Reply(421, "4.3.2 not now"), Scope.RELAY)
SLOWLY = Throttled(Reply(451, "4.7.1 slowly"), Scope.DOMAIN)
FAULT = SenderFault(Reply(530, "5.7.0 log in first"))
RELAY = BreakerKey(Scope.RELAY, "relay")

OUTCOMES: Sequence[Outcome] = [
    *[OK] * 6,
    LOST,
    NEVER,
    DEAD,
    NOT_WANTED,
    AWAY,
    SLOWLY,
    SLOWLY,
    FAULT,
    Deferred(Reply(450, "later")),
]


@pytest.fixture(scope="module")
def store(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "traffic") as database:
        yield database


@pytest.fixture
async def uow(store: Database) -> AsyncIterator[UnitOfWork]:
    async with for_a_crowd(store) as crowd:
        yield crowd


def assembled(uow: UnitOfWork, policy: Policy = POLICY) -> Application:
    return Application.assemble(Ports(uow, CountedIds(), CountedRandomness(), CheapPasswordHasher(), KEYS, policy))


async def published(uow: UnitOfWork, application: Application, *domains: str) -> Issue:
    """An issue to one new reader of each of these domains."""
    async with uow() as tx:
        await tx.subscribers.claim_batch([subscriber(email(f"r{number()}@{domain}")) for domain in domains])
    return await application.publish(publication(key=f"key {number()}"), origin())


async def claim_at_once(application: Application, workers: int, limit: int) -> list[Consignment]:
    claims = (application.deliveries.claim(f"worker {place}", limit, urgent=False) for place in range(workers))
    return list(await asyncio.gather(*claims))


class TestBreakers:
    @pytest.mark.parametrize(
        ("key", "others"), [(RELAY, 0), (BreakerKey(Scope.DOMAIN, "slow.example"), 20)], ids=["relay", "domain"]
    )
    async def test_of_all_workers_that_claim_at_once_one_tries(
        self, uow: UnitOfWork, key: BreakerKey, others: int
    ) -> None:
        application = assembled(uow)
        await published(uow, application, *["slow.example"] * 20, *["fast.example"] * others)
        async with uow() as tx:
            await tx.breakers.add_batch([Breaker(key, await tx.now(), 1, "not now")])
        consignments = await claim_at_once(application, 8, 5)
        assert [list(each.probing) for each in consignments].count([key]) == 1
        tried = Counter(parcel.delivery.email.domain for each in consignments for parcel in each.parcels)
        assert tried["slow.example"] == TERMS[key.scope].probes

    async def test_who_adds_one_that_was_not_there_does_not_wait_for_whoever_holds_it_by_then(
        self, uow: UnitOfWork, store: Database
    ) -> None:
        first, second = (BreakerKey(Scope.DOMAIN, domain) for domain in ("a.example", "b.example"))

        async def add(key: BreakerKey) -> None:
            async with uow() as tx:
                await tx.breakers.add_batch([Breaker(key, await tx.now(), 1, "not now")])

        async def hold_both() -> None:
            async with uow() as tx:
                assert len(await tx.breakers.hold_batch([first, second])) == 2

        await add(second)
        async with uow() as tx:
            assert first not in await tx.breakers.hold_batch([first, second])
            await asyncio.create_task(add(first))
            holding = asyncio.create_task(hold_both())
            await somebody_waits(store)
            await tx.breakers.add_batch([Breaker(first, await tx.now(), 1, "not now")])
        await holding

    async def test_one_that_trips_the_relays_and_a_domains_waits_for_one_who_tries_the_relay(
        self, uow: UnitOfWork, store: Database
    ) -> None:
        """Who claims looks at the relay's breaker first and then at those of domains: so must everybody."""
        application, domain = assembled(uow), BreakerKey(Scope.DOMAIN, "a.example")
        await published(uow, application, "a.example", "b.example")
        (consignment,) = await claim_at_once(application, 1, 5)
        async with uow() as tx:
            await tx.breakers.add_batch([Breaker(key, await tx.now(), 1, "") for key in (RELAY, domain)])
        first, second = sorted(consignment.parcels, key=lambda parcel: parcel.delivery.email.domain)
        reports = [first.report(SLOWLY), second.report(AWAY)]
        async with uow() as tx:
            await tx.breakers.hold_batch([RELAY])
            settling = asyncio.create_task(application.deliveries.settle(reports, []))
            await somebody_waits(store)
            await tx.breakers.hold_batch([domain])
        assert (await settling).applied == (True, True)


class TestRates:
    async def test_a_domains_first_mail_is_not_put_off(self, uow: UnitOfWork) -> None:
        application = assembled(uow, limited("1/h"))
        await published(uow, application, "a.example", "b.example")
        (consignment,) = await claim_at_once(application, 1, 5)
        assert (len(consignment.parcels), consignment.postponed) == (2, 0)

    async def test_workers_that_claim_at_once_share_a_rate(self, uow: UnitOfWork) -> None:
        application = assembled(uow, limited("7/h"))
        issue = await published(uow, application, *["a.example"] * 30)
        consignments = await claim_at_once(application, 8, 4)
        assert sum(len(each.parcels) for each in consignments) == 7
        assert (await application.show_issue(issue.id)).sums == {DeliveryState.LEASED: 7, DeliveryState.PENDING: 23}


def limited(to: str) -> Policy:
    return attrs.evolve(POLICY, recipient_rates=DomainRates.parse(to, "ZERO2PROD_X"))


class TestSteering:
    async def test_refusals_that_workers_report_at_once_pause_the_issue_once(self, uow: UnitOfWork) -> None:
        application = assembled(uow)
        domains = [f"d{place % 5}.example" for place in range(MOST_REFUSALS + 4)]
        issue = await published(uow, application, *domains)
        consignments = await claim_at_once(application, 4, (MOST_REFUSALS + 4) // 4)
        settle = application.deliveries.settle
        await asyncio.gather(
            *(settle([parcel.report(NOT_WANTED) for parcel in each.parcels], []) for each in consignments)
        )
        shown = (await application.show_issue(issue.id)).issue
        assert (shown.state, shown.pause_cause) == (IssueState.PAUSED, PauseCause.REFUSALS)

    async def test_a_person_who_decides_while_the_job_finishes_an_issue_has_it_opened_again(
        self, uow: UnitOfWork, store: Database
    ) -> None:
        application = assembled(uow, attrs.evolve(POLICY, uncertain=UncertainPolicy.HOLD))
        issue = await published(uow, application, "a.example")
        (consignment,) = await claim_at_once(application, 1, 5)
        await application.deliveries.settle([], [parcel.mark for parcel in consignment.parcels])
        await application.deliveries.settle([parcel.report(LOST) for parcel in consignment.parcels], [])
        async with uow() as tx:
            (done,) = await tx.issues.done([IssueState.SENDING], 10)
            resolving = asyncio.create_task(application.resolve_uncertain(origin(), issue.id, Resolution.RESEND))
            await somebody_waits(store)
            letter = (await tx.letters.get_batch([done.letter]))[done.letter]
            await tx.letters.save(letter.on(LetterEvent.CLOSE))
            await tx.issues.save(done.on(IssueEvent.FINISH))
        assert await resolving == 1
        assert (await application.show_issue(issue.id)).issue.state is IssueState.SENDING
        (consignment,) = await claim_at_once(application, 1, 5)
        assert len(consignment.parcels) == 1


@attrs.frozen
class Storm:
    """Everything that workers, jobs, readers and authors do at once, over the same few readers and issues."""

    uow: UnitOfWork
    application: Application
    issues: Sequence[Issue]
    chance: random.Random

    async def work(self) -> None:
        """A worker, whose results come in any order, some of them under a lease that it has given back already."""
        claim = self.application.deliveries.claim
        insist = self.chance.random() < 0.7
        consignment = await claim("worker", self.chance.randint(1, 30), urgent=False, insist=insist)
        parcels = list(consignment.parcels)
        self.chance.shuffle(parcels)
        settle, cut = self.application.deliveries.settle, len(parcels) // 2
        early, late = parcels[:cut], parcels[cut:]
        granted = (await settle([], [parcel.mark for parcel in early])).granted
        marked = [parcel for parcel, holds in zip(early, granted, strict=True) if holds]
        if self.chance.random() < 0.2:
            await self.application.deliveries.release(consignment.lease)
        reports = [parcel.report(self.chance.choice(OUTCOMES)) for parcel in marked]
        await settle(reports, [parcel.mark for parcel in late], consignment.probing)
        await self.application.deliveries.release(consignment.lease)

    async def heal(self) -> None:
        """Time passes for breakers."""
        async with self.uow() as tx:
            found = await tx.breakers.list(100)
            held = await tx.breakers.hold_batch([breaker.key for breaker in found])
            now = await tx.now()
            await tx.breakers.save_batch([attrs.evolve(breaker, open_until=now) for breaker in held.values()])

    async def steer(self) -> None:
        """An author does whatever a page offers."""
        id_, application = self.chance.choice(self.issues).id, self.application
        verbs: list[Callable[[], Awaitable[object]]] = [
            lambda: application.pause_issue(origin(), id_),
            *[lambda: application.resume_issue(origin(), id_)] * 3,
            lambda: application.resend_issue(origin(), id_),
            lambda: application.resolve_uncertain(origin(), id_, Resolution.RESEND),
            lambda: application.resolve_uncertain(origin(), id_, Resolution.ACCEPT),
            lambda: application.show_issue(id_),
        ]
        if self.chance.random() < 0.02:
            verbs.append(lambda: application.cancel_issue(origin(), id_))
        with suppress(TransitionRefused, NothingToResend):
            await self.chance.choice(verbs)()

    async def leave_and_return(self) -> None:
        async with self.uow() as tx:
            some = await tx.deliveries.doubtful(self.issues[0].letter, 3)
            held = await tx.subscribers.get_batch([each.key.recipient for each in some], lock=True)
            status = self.chance.choice([Status.UNSUBSCRIBED, Status.CONFIRMED])
            await tx.subscribers.save_batch([attrs.evolve(reader, status=status) for reader in held.values()])

    async def do_jobs(self) -> None:
        for job in (
            self.application.jobs.expire_leases,
            self.application.jobs.cancel_deliveries,
            self.application.jobs.finish_issues,
            self.application.jobs.compact_deliveries,
        ):
            await job()

    async def rage(self, rounds: int) -> None:
        verbs = {self.work: 8, self.heal: 1, self.steer: 3, self.leave_and_return: 1, self.do_jobs: 1}
        for _ in range(rounds):
            await self.chance.choices(list(verbs), weights=list(verbs.values()))[0]()


@pytest.mark.alone
class TestStorm:
    async def test_nothing_deadlocks_and_every_reader_of_every_issue_is_accounted_for(
        self, uow: UnitOfWork, store: Database
    ) -> None:
        policy = attrs.evolve(limited("d0.example=5/s"), uncertain=UncertainPolicy.HOLD)
        application = assembled(uow, policy)
        domains = [f"d{place % 7}.example" for place in range(150)]
        issues = [await published(uow, application, *domains), await published(uow, application, *domains)]
        chances = [random.Random(seed) for seed in range(10)]  # noqa: S311 - the same storm every time
        await asyncio.gather(*(Storm(uow, application, issues, chance).rage(25) for chance in chances))
        progress = [await application.show_issue(issue.id) for issue in issues]
        assert [sum(each.sums.values()) for each in progress] == [issue.audience for issue in issues]
        assert any(each.sums.get(DeliveryState.SENT) for each in progress)
        assert deadlocks(store) == 0
