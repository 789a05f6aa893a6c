from uuid import UUID

import attrs
import pytest

from zero2prod.testing.builders import delivery, issue, later, letter, new_id
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.deliveries import Deferred, Reply, Sent, Uncertain
from zero2prod_core.domain.issues import Issue, IssueState, PauseCause
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.ports.store import UnitOfWork


async def add(uow: UnitOfWork, *issues: Issue) -> None:
    async with uow() as tx:
        for each in issues:
            await tx.issues.add(each)


async def stored(uow: UnitOfWork, wanted: Issue) -> Issue | None:
    async with uow.reading() as tx:
        return await tx.issues.get(wanted.id)


async def done(uow: UnitOfWork, *states: IssueState) -> set[UUID]:
    async with uow() as tx:
        return {found.id for found in await tx.issues.done(states, 10)}


class IssuesContract(Contract):
    """Issues: `zero2prod_core.ports.issues.IssueRepository`."""

    async def test_an_issue_comes_back_as_it_was_added(self) -> None:
        finished = issue(letter(), state=IssueState.FINISHED, audience=3_000_000_000, finished_at=later(60))
        draft = issue(letter(), title="Grüße ☕", state=IssueState.DRAFT, published_at=None)
        await add(self.uow, finished, draft)
        async with self.uow() as tx:
            assert await tx.issues.get(finished.id, lock=True) == finished
            assert await tx.issues.get(draft.id) == draft
            assert await tx.issues.get(new_id()) is None

    async def test_saving_an_issue_writes_state_audience_times_and_why_it_paused(self) -> None:
        known, other = issue(letter(), state=IssueState.DRAFT, published_at=None), issue(letter())
        await add(self.uow, known, other)
        changed = attrs.evolve(
            known,
            state=IssueState.PAUSED,
            audience=7,
            published_at=later(1),
            finished_at=later(2),
            pause_reason="550 5.7.1 no",
            pause_cause=PauseCause.REFUSALS,
        )
        async with self.uow() as tx:
            await tx.issues.save(changed)
        assert [await stored(self.uow, each) for each in (known, other)] == [changed, other]

    @pytest.mark.parametrize("cause", [None, *PauseCause])
    async def test_an_issue_keeps_what_it_paused_for(self, cause: PauseCause | None) -> None:
        paused = issue(letter(), state=IssueState.PAUSED, pause_cause=cause)
        await add(self.uow, paused)
        assert await stored(self.uow, paused) == paused

    async def test_saving_an_issue_writes_nothing_else(self) -> None:
        known = issue(letter())
        await add(self.uow, known)
        async with self.uow() as tx:
            await tx.issues.save(attrs.evolve(known, title="Other", letter=new_id(), created_at=later(1)))
        assert await stored(self.uow, known) == known

    async def test_issues_are_listed_newest_first_page_by_page(self) -> None:
        issues = [issue(letter()) for _ in range(5)]
        await add(self.uow, *issues[::2], *issues[1::2])
        newest_first = issues[::-1]
        async with self.uow.reading() as tx:
            assert await tx.issues.list(10) == newest_first
            assert await tx.issues.list(2) == newest_first[:2]
            assert await tx.issues.list(2, before=newest_first[1].id) == newest_first[2:4]
            assert await tx.issues.list(2, before=newest_first[4].id) == []

    async def test_an_issue_without_deliveries_is_done(self) -> None:
        sending, paused = issue(letter()), issue(letter(), state=IssueState.PAUSED)
        await add(self.uow, sending, paused, issue(letter(), state=IssueState.DRAFT))
        assert await done(self.uow, IssueState.SENDING) == {sending.id}
        assert await done(self.uow, IssueState.SENDING, IssueState.PAUSED) == {sending.id, paused.id}
        assert await done(self.uow, IssueState.FINISHED) == set()

    async def test_done_issues_come_whole_and_no_more_than_the_limit(self) -> None:
        issues = [issue(letter()) for _ in range(3)]
        await add(self.uow, *issues)
        async with self.uow() as tx:
            found = await tx.issues.done([IssueState.SENDING], 2)
        assert len(found) == 2
        assert all(each in issues for each in found)

    async def test_an_issue_is_done_when_no_delivery_of_its_letter_is_unfinished(self) -> None:
        words, elsewhere = await self.ledger.letter(), await self.ledger.letter()
        published = issue(words)
        await add(self.uow, published)
        (reader,) = await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, reader), delivery(elsewhere, reader))
        seen = [await done(self.uow, IssueState.SENDING)]
        (claimed,) = [each for each in await self.ledger.claim() if each.key.letter == words.id]
        seen.append(await done(self.uow, IssueState.SENDING))
        await self.ledger.mark(claimed)
        seen.append(await done(self.uow, IssueState.SENDING))
        await self.ledger.report(claimed, Deferred(Reply(450, "later")))
        seen.append(await done(self.uow, IssueState.SENDING))
        (again,) = await self.ledger.claim(at=later(300))
        await self.ledger.mark(again, at=later(300))
        await self.ledger.report(again, Sent(Reply(250, "ok")), at=later(301))
        assert seen == [set()] * 4
        assert await done(self.uow, IssueState.SENDING) == {published.id}

    @pytest.mark.parametrize(("policy", "is_done"), [(UncertainPolicy.HOLD, True), (UncertainPolicy.RESEND, False)])
    async def test_a_lost_answer_keeps_an_issue_from_being_done_if_it_is_resent(
        self, policy: UncertainPolicy, is_done: bool
    ) -> None:
        words = await self.ledger.letter(uncertain=policy)
        published = issue(words)
        await add(self.uow, published)
        (reader,) = await self.ledger.readers(1)
        await self.ledger.enqueue(delivery(words, reader))
        (claimed,) = await self.ledger.claim()
        await self.ledger.mark(claimed)
        await self.ledger.report(claimed, Uncertain(Reply(None, "connection lost")))
        assert (published.id in await done(self.uow, IssueState.SENDING)) is is_done
