"""What limits hold back from a reader just now."""

from datetime import timedelta

import attrs
import pytest

from tests.support.core import ADA, POLICY, Core, sign_up
from zero2prod.testing.builders import new_id, origin
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.limits import Limits
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.errors import SubscriberUnknown
from zero2prod_core.usecases.budgets import HeldBack


@pytest.fixture
def core() -> Core:
    return Core(policy=attrs.evolve(POLICY, limits=Limits()))


async def held(core: Core) -> list[HeldBack]:
    return list(await core.application.people.budgets((await core.subscriber()).id))


async def test_of_a_pending_sign_up_it_is_the_mail_to_confirm_until_its_cell_has_room(core: Core) -> None:
    await core.application.subscribe(sign_up())
    asked_at = core.clock.now
    for _ in range(2):
        (confirmation,) = await held(core)
        assert (confirmation.kind, confirmation.newsletter.slug.text) == (LetterKind.CONFIRMATION, "default")
        assert confirmation.until == asked_at + timedelta(minutes=10)
    core.clock.forward(timedelta(minutes=10))
    assert await held(core) == []


async def test_a_mailbox_that_had_its_days_worth_gets_none_of_any_kind(core: Core) -> None:
    await core.application.create_newsletter(origin(), "weekly", "Weekly")
    for _ in range(3):
        await core.application.subscribe(sign_up())
        core.clock.forward(timedelta(minutes=10))
    await core.save(attrs.evolve(await core.subscriber(), status=Status.CONFIRMED))
    assert [each.kind for each in await held(core)] == [LetterKind.NOTICE, LetterKind.PREFERENCES]


async def test_who_complained_has_no_mail_but_a_link_to_wait_for(core: Core) -> None:
    await core.application.subscribe(sign_up())
    await core.application.people.complain(origin(), (await core.subscriber(ADA)).id)
    assert await held(core) == []


async def test_nobody_has_no_budgets(core: Core) -> None:
    with pytest.raises(SubscriberUnknown):
        await core.application.people.budgets(new_id())
