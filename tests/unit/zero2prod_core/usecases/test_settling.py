"""What follows from results beyond the ledger: pauses by rule, breakers, and effects that are split from marks."""

from collections.abc import Sequence

import pytest

from tests.support.core import ADA, SENT, Core, sign_up
from zero2prod.testing.faults import CommitLostBefore
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.breakers import Breaker, BreakerKey
from zero2prod_core.domain.deliveries import (
    RETRY_SCHEDULE,
    DeliveryState,
    Outcome,
    Rejected,
    Reply,
    Scope,
    SenderFault,
    Throttled,
)
from zero2prod_core.domain.issues import Issue, IssueState, PauseCause
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.refusals import LEAST_DOMAINS, MOST_REFUSALS, WINDOW
from zero2prod_core.ports.mailer import Parcel

POLICY_REFUSAL = Rejected(Reply(550, "5.7.1 not wanted"), blames_letter=True)
DEAD = Rejected(Reply(550, "5.1.1 no such user"), suppress=True)
FAULT = SenderFault(Reply(530, "5.7.0 log in first"))
RELAY_AWAY = Throttled(Reply(421, "4.3.2 not now"), Scope.RELAY)
RELAY = BreakerKey(Scope.RELAY, "relay")


async def published(core: Core, count: int, domains: int = LEAST_DOMAINS) -> tuple[Issue, list[Parcel]]:
    """An issue to so many readers of so many domains, claimed."""
    issue = await core.published(*(f"r{number}@d{number % domains}.example" for number in range(count)))
    return issue, sorted(await core.parcels(urgent=False), key=lambda parcel: parcel.delivery.key)


async def settle_one_by_one(core: Core, outcome: Outcome, parcels: Sequence[Parcel]) -> None:
    """As workers would, of whom each knows nothing of the others: the clock tells the order."""
    for parcel in parcels:
        await core.send(parcel, outcome=outcome)


async def issue_now(core: Core) -> Issue:
    (issue,) = await core.application.list_issues()
    return issue


async def breakers(core: Core) -> Sequence[Breaker]:
    async with core.store.reading() as tx:
        return await tx.breakers.list(10)


class TestRefusals:
    async def test_too_many_over_the_settlements_of_all_workers_pause_the_issue(self, core: Core) -> None:
        _, parcels = await published(core, MOST_REFUSALS)
        await settle_one_by_one(core, POLICY_REFUSAL, parcels[:-1])
        assert (await issue_now(core)).state is IssueState.SENDING
        await settle_one_by_one(core, POLICY_REFUSAL, parcels[-1:])
        issue = await issue_now(core)
        assert (issue.state, issue.pause_cause) == (IssueState.PAUSED, PauseCause.REFUSALS)
        assert issue.pause_reason == "5.7.1 not wanted"
        event = (await core.audit())[-1]
        assert (event.action, event.reason, event.origin) == (
            Action.ISSUE_PAUSED,
            "5.7.1 not wanted",
            system("delivery"),
        )

    async def test_resumed_it_pauses_only_after_as_many_again(self, core: Core) -> None:
        _, parcels = await published(core, 2 * MOST_REFUSALS)
        await core.send(*parcels[:MOST_REFUSALS], outcome=POLICY_REFUSAL)
        await core.application.resume_issue(system("test"), (await issue_now(core)).id)
        await core.send(*parcels[MOST_REFUSALS:-1], outcome=POLICY_REFUSAL)
        assert (await issue_now(core)).state is IssueState.SENDING
        await core.send(parcels[-1], outcome=POLICY_REFUSAL)
        assert (await issue_now(core)).pause_cause is PauseCause.REFUSALS

    async def test_so_do_those_of_one_settlement(self, core: Core) -> None:
        _, parcels = await published(core, MOST_REFUSALS)
        await core.send(*parcels, outcome=POLICY_REFUSAL)
        assert (await issue_now(core)).pause_cause is PauseCause.REFUSALS
        assert (await core.actions()).count(Action.ISSUE_PAUSED) == 1

    @pytest.mark.parametrize(
        ("outcome", "domains"),
        [(POLICY_REFUSAL, LEAST_DOMAINS - 1), (Rejected(Reply(550, "no")), LEAST_DOMAINS), (DEAD, LEAST_DOMAINS)],
        ids=["two domains", "no policy", "dead"],
    )
    async def test_others_do_not(self, core: Core, outcome: Outcome, domains: int) -> None:
        _, parcels = await published(core, MOST_REFUSALS + 5, domains)
        await core.send(*parcels, outcome=outcome)
        assert (await issue_now(core)).state is IssueState.SENDING

    async def test_only_the_last_hundred_outcomes_count(self, core: Core) -> None:
        _, parcels = await published(core, WINDOW + MOST_REFUSALS)
        refused, taken = parcels[:MOST_REFUSALS], parcels[MOST_REFUSALS:]
        await core.send(*refused[:-1], outcome=POLICY_REFUSAL)
        core.clock.forward(core.policy.lease_lasts / 10)
        await core.send(*taken)
        core.clock.forward(core.policy.lease_lasts / 10)
        await core.send(refused[-1], outcome=POLICY_REFUSAL)
        assert (await issue_now(core)).state is IssueState.SENDING

    async def test_an_issue_that_a_person_paused_keeps_their_pause(self, core: Core) -> None:
        issue, parcels = await published(core, MOST_REFUSALS)
        await core.application.deliveries.settle([], [parcel.mark for parcel in parcels])
        await core.application.pause_issue(system("test"), issue.id)
        await core.application.deliveries.settle([parcel.report(POLICY_REFUSAL) for parcel in parcels], [])
        assert (await issue_now(core)).pause_cause is PauseCause.PERSON


class TestOurOwnFault:
    async def test_an_issue_pauses_with_its_cause(self, core: Core) -> None:
        _, parcels = await published(core, 1)
        await core.send(*parcels, outcome=FAULT)
        issue = await issue_now(core)
        assert (issue.state, issue.pause_cause, issue.pause_reason) == (
            IssueState.PAUSED,
            PauseCause.SENDER,
            "5.7.0 log in first",
        )
        assert await breakers(core) == []

    async def test_a_letter_that_is_no_issues_is_tried_again_and_holds_nobody_back(self, core: Core) -> None:
        await core.application.subscribe(sign_up())
        await core.send(*await core.parcels(urgent=True), outcome=FAULT)
        assert await breakers(core) == []
        assert await core.parcels(urgent=True) == []
        core.clock.forward(2 * RETRY_SCHEDULE[0])
        assert len(await core.parcels(urgent=True)) == 1


class TestBreakers:
    async def test_what_takes_no_mail_trips_its_breaker_once(self, core: Core) -> None:
        _, parcels = await published(core, 4, domains=2)
        slow = Throttled(Reply(451, "4.7.1 slowly"), Scope.DOMAIN)
        await core.send(*parcels[:2], outcome=RELAY_AWAY)
        await core.send(*parcels[2:], outcome=slow)
        found = await breakers(core)
        domains = sorted({parcel.delivery.email.domain for parcel in parcels[2:]})
        assert [breaker.key for breaker in found] == [RELAY, *(BreakerKey(Scope.DOMAIN, name) for name in domains)]
        assert {breaker.failures for breaker in found} == {1}

    async def test_a_report_that_does_not_apply_trips_nothing(self, core: Core) -> None:
        _, parcels = await published(core, 1)
        core.clock.forward(core.policy.lease_lasts)
        await core.application.deliveries.settle([parcels[0].report(RELAY_AWAY)], [])
        assert await breakers(core) == []

    async def test_what_was_not_tried_by_this_worker_stays_open_when_its_mail_is_taken(self, core: Core) -> None:
        _, (first, second) = await published(core, 2)
        await core.send(first, outcome=RELAY_AWAY)
        await core.send(second)
        assert [breaker.key for breaker in await breakers(core)] == [RELAY]

    async def test_a_settlement_tells_what_was_decided(self, core: Core) -> None:
        _, (first, second, third) = await published(core, 3)
        settle = core.application.deliveries.settle
        await core.send(first, outcome=RELAY_AWAY)
        other = BreakerKey(Scope.DOMAIN, "elsewhere.example")
        await settle([], [second.mark, third.mark])
        failed = await settle([second.report(RELAY_AWAY)], [], [RELAY, other])
        assert set(failed.decided) == {RELAY}
        taken = await settle([third.report(SENT)], [], [RELAY, other])
        assert set(taken.decided) == {RELAY}
        assert await breakers(core) == []

    async def test_where_some_are_taken_and_some_not_it_stays_open(self, core: Core) -> None:
        _, (first, second, third) = await published(core, 3)
        await core.send(first, outcome=RELAY_AWAY)
        settle = core.application.deliveries.settle
        await settle([], [second.mark, third.mark])
        await settle([second.report(SENT), third.report(RELAY_AWAY)], [], [RELAY])
        assert [breaker.key for breaker in await breakers(core)] == [RELAY]


class TestEffectsBesideMarks:
    @pytest.mark.parametrize("outcome", [DEAD, FAULT, POLICY_REFUSAL], ids=["dead", "fault", "policy"])
    async def test_they_are_written_first_and_in_a_transaction_of_their_own(self, core: Core, outcome: Outcome) -> None:
        lost: list[bool] = []

        def counting() -> bool:
            lost.append(False)
            return False

        _, (first, second) = await published(core, 2)
        await core.application.deliveries.settle([], [first.mark])
        over = core.over(CommitLostBefore(core.store, iter(counting, True)))
        settled = await over.deliveries.settle([first.report(outcome)], [second.mark])
        assert settled.applied == (True,)
        assert settled.granted == (not isinstance(outcome, SenderFault),)
        assert len(lost) == 2

    async def test_a_reader_whose_e_mail_address_is_dead_gets_no_other_mail_from_the_same_visit(
        self, core: Core
    ) -> None:
        await core.published(ADA)
        (first,) = await core.parcels(urgent=False)
        issue = await core.published()
        (second,) = await core.parcels(urgent=False)
        await core.application.deliveries.settle([], [first.mark])
        settled = await core.application.deliveries.settle([first.report(DEAD)], [second.mark])
        assert settled.granted == (False,)
        assert await core.sums(issue) == {DeliveryState.SUPPRESSED: 1}
