from uuid import UUID

import attrs
import pytest

from tests.support.builders import delivery, issue, later, letter, new_id
from tests.support.ledger import Ledger
from zero2prod_core.domain.deliveries import Deferred, Reply, Sent, Uncertain
from zero2prod_core.domain.issues import Issue, IssueState
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.ports.store import UnitOfWork


async def add(uow: UnitOfWork, *issues: Issue) -> None:
    async with uow() as tx:
        for each in issues:
            await tx.issues.add(each)


async def stored(uow: UnitOfWork, wanted: Issue) -> Issue | None:
    async with uow.reading() as tx:
        return await tx.issues.get(wanted.id)


async def test_an_issue_comes_back_as_it_was_added(uow: UnitOfWork) -> None:
    finished = issue(letter(), state=IssueState.FINISHED, audience=3_000_000_000, finished_at=later(60))
    draft = issue(letter(), title="Grüße ☕", state=IssueState.DRAFT, published_at=None)
    await add(uow, finished, draft)
    async with uow() as tx:
        assert await tx.issues.get(finished.id, lock=True) == finished
        assert await tx.issues.get(draft.id) == draft
        assert await tx.issues.get(new_id()) is None


async def test_saving_writes_state_audience_times_and_pause_reason(uow: UnitOfWork) -> None:
    known, other = issue(letter(), state=IssueState.DRAFT, published_at=None), issue(letter())
    await add(uow, known, other)
    changed = attrs.evolve(
        known,
        state=IssueState.PAUSED,
        audience=7,
        published_at=later(1),
        finished_at=later(2),
        pause_reason="550 5.7.1 no",
    )
    async with uow() as tx:
        await tx.issues.save(changed)
    assert [await stored(uow, each) for each in (known, other)] == [changed, other]


async def test_saving_writes_nothing_else(uow: UnitOfWork) -> None:
    known = issue(letter())
    await add(uow, known)
    async with uow() as tx:
        await tx.issues.save(attrs.evolve(known, title="Other", letter=new_id(), created_at=later(1)))
    assert await stored(uow, known) == known


async def test_the_list_is_newest_first_page_by_page(uow: UnitOfWork) -> None:
    issues = [issue(letter()) for _ in range(5)]
    await add(uow, *issues[::2], *issues[1::2])
    newest_first = issues[::-1]
    async with uow.reading() as tx:
        assert await tx.issues.list(10) == newest_first
        assert await tx.issues.list(2) == newest_first[:2]
        assert await tx.issues.list(2, before=newest_first[1].id) == newest_first[2:4]
        assert await tx.issues.list(2, before=newest_first[4].id) == []


async def done(uow: UnitOfWork, *states: IssueState) -> set[UUID]:
    async with uow() as tx:
        return {found.id for found in await tx.issues.done(states, 10)}


async def test_an_issue_without_deliveries_is_done(uow: UnitOfWork) -> None:
    sending, paused = issue(letter()), issue(letter(), state=IssueState.PAUSED)
    await add(uow, sending, paused, issue(letter(), state=IssueState.DRAFT))
    assert await done(uow, IssueState.SENDING) == {sending.id}
    assert await done(uow, IssueState.SENDING, IssueState.PAUSED) == {sending.id, paused.id}
    assert await done(uow, IssueState.FINISHED) == set()


async def test_done_issues_come_whole_and_no_more_than_the_limit(uow: UnitOfWork) -> None:
    issues = [issue(letter()) for _ in range(3)]
    await add(uow, *issues)
    async with uow() as tx:
        found = await tx.issues.done([IssueState.SENDING], 2)
    assert len(found) == 2
    assert all(each in issues for each in found)


async def test_an_issue_is_done_when_no_delivery_of_its_letter_is_unfinished(uow: UnitOfWork) -> None:
    ledger = Ledger(uow)
    words, elsewhere = await ledger.letter(), await ledger.letter()
    published = issue(words)
    await add(uow, published)
    (reader,) = await ledger.readers(1)
    await ledger.enqueue(delivery(words, reader), delivery(elsewhere, reader))
    seen = [await done(uow, IssueState.SENDING)]
    (claimed,) = [each for each in await ledger.claim() if each.key.letter == words.id]
    seen.append(await done(uow, IssueState.SENDING))
    await ledger.mark(claimed)
    seen.append(await done(uow, IssueState.SENDING))
    await ledger.report(claimed, Deferred(Reply(450, "later")))
    seen.append(await done(uow, IssueState.SENDING))
    (again,) = await ledger.claim(at=later(300))
    await ledger.mark(again, at=later(300))
    await ledger.report(again, Sent(Reply(250, "ok")), at=later(301))
    assert seen == [set()] * 4
    assert await done(uow, IssueState.SENDING) == {published.id}


@pytest.mark.parametrize(("policy", "is_done"), [(UncertainPolicy.HOLD, True), (UncertainPolicy.RESEND, False)])
async def test_a_lost_answer_keeps_an_issue_from_being_done_if_it_is_resent(
    uow: UnitOfWork, policy: UncertainPolicy, is_done: bool
) -> None:
    ledger = Ledger(uow)
    words = await ledger.letter(uncertain=policy)
    published = issue(words)
    await add(uow, published)
    (reader,) = await ledger.readers(1)
    await ledger.enqueue(delivery(words, reader))
    (claimed,) = await ledger.claim()
    await ledger.mark(claimed)
    await ledger.report(claimed, Uncertain(Reply(None, "connection lost")))
    assert (published.id in await done(uow, IssueState.SENDING)) is is_done
