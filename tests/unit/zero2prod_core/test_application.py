"""The verbs, assembled."""

import attrs
import pytest

from tests.support.core import ADA, Core, sign_up
from zero2prod_core.application import Application
from zero2prod_core.errors import NewsletterUnknown


def test_every_verb_can_be_called() -> None:
    verbs = attrs.asdict(Core().application, recurse=False)
    assert set(verbs) == {field.name for field in attrs.fields(Application)}
    groups = [verbs.pop(name) for name in ("accounts", "deliveries", "jobs", "people", "preferences")]
    assert all(map(callable, verbs.values()))
    assert all(callable(verb) for group in groups for verb in attrs.asdict(group, recurse=False).values())


def test_assembling_shares_nothing_but_the_ports() -> None:
    core = Core()
    first, second = core.application, core.over(core.store)
    assert first is not second
    assert first.jobs.sweep.uow is second.jobs.sweep.uow


async def test_subscribing_is_a_batch_of_one() -> None:
    core = Core()
    await core.application.subscribe(sign_up())
    assert (await core.subscriber()).email.text == ADA


async def test_a_refusal_of_the_batch_is_raised_to_the_one_who_asked() -> None:
    with pytest.raises(NewsletterUnknown):
        await Core().application.subscribe(sign_up(newsletter="weekly"))
