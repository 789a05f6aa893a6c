"""A newcomer's checklist, from nothing to the first issue in a mailbox."""

from collections.abc import Sequence

import pytest

from tests.support.core import ADA, Core, publication, sign_up
from zero2prod.testing.builders import new_id, origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.checklist import Item, Step
from zero2prod_core.domain.subscribers import Event
from zero2prod_core.errors import AccountUnknown


class Mailbox:
    """Says whether it was opened, and counts how often it is asked."""

    def __init__(self, *, opened: bool = False) -> None:
        self.opened = opened
        self.asked = 0

    async def __call__(self) -> bool:
        self.asked += 1
        return self.opened


async def read(core: Core, mailbox: Mailbox, username: str = "ursula") -> Sequence[Item]:
    """The account's checklist as the dashboard asks for it."""
    account, issues = await core.stored_account(username), await core.application.list_issues(20)
    return await core.application.read_checklist(account, issues, mailbox)


async def done(core: Core, *, mailbox_opened: bool = False) -> list[Step]:
    items = await read(core, Mailbox(opened=mailbox_opened))
    return [item.step for item in items if item.done]


@pytest.fixture(autouse=True)
async def staff(core: Core) -> None:
    await core.account(password=None)


async def test_it_begins_with_everything_to_do_in_the_order_of_doing(core: Core) -> None:
    items = await read(core, Mailbox())
    assert items == [Item(step, done=False) for step in Step]
    assert " ".join(Step) == "subscribe mailbox confirm publish arrive"


async def test_each_step_ticks_itself(core: Core) -> None:
    ticked = [await done(core)]
    await core.application.subscribe(sign_up())
    ticked.append(await done(core))
    ticked.append(await done(core, mailbox_opened=True))
    await core.send(*await core.parcels(urgent=True))
    await core.confirmed()
    ticked.append(await done(core))
    await core.application.publish(publication(), origin())
    ticked.append(await done(core))
    await core.send(*await core.parcels(urgent=False))
    ticked.append(await done(core))
    first, mailbox, confirm, publish, arrive = Step
    assert ticked == [
        [],
        [first],
        [first, mailbox],
        [first, mailbox, confirm],
        [first, mailbox, confirm, publish],
        [first, mailbox, confirm, publish, arrive],
    ]


async def test_what_was_ticked_stays_so_when_the_reader_leaves(core: Core) -> None:
    await core.confirmed()
    before = await done(core)
    await core.save((await core.subscriber()).on(Event.UNSUBSCRIBE))
    assert await done(core) == before == [Step.SUBSCRIBE, Step.MAILBOX, Step.CONFIRM]


async def test_an_issue_to_nobody_is_published_and_has_not_arrived(core: Core) -> None:
    await core.application.publish(publication(), origin())
    assert await done(core) == [Step.PUBLISH]


async def test_what_is_dismissed_is_gone_for_this_account_alone(core: Core) -> None:
    await core.account("other", password=None)
    account = await core.stored_account()
    await core.application.dismiss_steps(origin(), account.id, [Step.MAILBOX, Step.ARRIVE])
    await core.application.dismiss_steps(origin(), account.id, [Step.SUBSCRIBE])
    assert [item.step for item in await read(core, Mailbox())] == [Step.CONFIRM, Step.PUBLISH]
    assert len(await read(core, Mailbox(), "other")) == len(Step)


async def test_the_mailbox_is_asked_while_its_step_is_open(core: Core) -> None:
    mailbox = Mailbox()
    await core.application.subscribe(sign_up())
    await read(core, mailbox)
    assert mailbox.asked == 1


async def test_the_mailbox_is_not_asked_once_its_step_is_dismissed(core: Core) -> None:
    mailbox = Mailbox()
    await core.application.dismiss_steps(origin(), (await core.stored_account()).id, [Step.MAILBOX])
    await read(core, mailbox)
    assert mailbox.asked == 0


async def test_the_mailbox_is_not_asked_once_somebody_has_confirmed(core: Core) -> None:
    mailbox = Mailbox()
    await core.confirmed()
    assert Item(Step.MAILBOX, done=True) in await read(core, mailbox)
    assert mailbox.asked == 0


async def test_with_all_dismissed_nothing_is_looked_up(core: Core) -> None:
    await core.published(ADA)
    await core.application.dismiss_steps(origin(), (await core.stored_account()).id, list(Step))
    mailbox = Mailbox()
    assert await read(core, mailbox) == ()
    assert mailbox.asked == 0


async def test_each_dismissal_is_one_event_and_a_repetition_none(core: Core) -> None:
    account = await core.stored_account()
    for _ in range(2):
        await core.application.dismiss_steps(origin(), account.id, [Step.PUBLISH, Step.CONFIRM])
    event = (await core.audit())[-1]
    assert (await core.actions()).count(Action.CHECKLIST_DISMISSED) == 1
    assert (event.resource.id, event.after) == (str(account.id), {"dismissed": "confirm publish"})


async def test_there_must_be_an_account(core: Core) -> None:
    with pytest.raises(AccountUnknown):
        await core.application.dismiss_steps(origin(), new_id(), list(Step))
