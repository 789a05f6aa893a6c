"""What limits have refused becomes events of the audit log, minute by minute."""

from datetime import timedelta

from tests.support.core import Core
from zero2prod_core.domain.audit import Action, AuditOutcome
from zero2prod_core.domain.origins import ActorKind
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.usecases.refusals import MINUTES_AT_ONCE, MOST_SUBJECTS

ONE, TWO = LimitKey("sign_up_network", "ab" * 16), LimitKey("login_account", "cd" * 16)
A_MINUTE = timedelta(minutes=1)


async def test_a_minute_that_is_over_is_told_of_once_with_its_sums(core: Core) -> None:
    await core.application.count_refusals({ONE: 3, TWO: 1})
    await core.application.count_refusals({ONE: 4})
    core.clock.forward(2 * A_MINUTE)
    assert await core.application.jobs.note_refusals() == 2
    login, sign_up = await core.audit()
    assert {login.action, sign_up.action} == {Action.LIMIT_EXCEEDED}
    assert {login.outcome, sign_up.outcome} == {AuditOutcome.FAILURE}
    assert (login.resource.type, login.resource.id, sign_up.resource.id) == ("limit", TWO.scope, ONE.scope)
    assert sign_up.after == {"minute": "2026-01-05T12:00+00:00", "subject": ONE.subject, "subjects": 1, "refused": 7}
    assert (sign_up.origin.actor.kind, sign_up.details) == (ActorKind.SYSTEM, {})
    assert await core.application.jobs.note_refusals() == 0
    assert len(await core.audit()) == 2


async def test_a_minute_that_goes_on_is_left(core: Core) -> None:
    await core.application.count_refusals({ONE: 1})
    assert await core.application.jobs.note_refusals() == 0
    core.clock.forward(A_MINUTE)
    assert await core.application.jobs.note_refusals() == 0
    assert await core.audit() == []


async def test_each_minute_has_events_of_its_own(core: Core) -> None:
    for _ in range(3):
        await core.application.count_refusals({ONE: 2})
        core.clock.forward(A_MINUTE)
    core.clock.forward(A_MINUTE)
    assert await core.application.jobs.note_refusals() == 3
    assert [event.after["refused"] for event in await core.audit() if event.after] == [2, 2, 2]


async def test_of_too_many_keys_the_worst_are_named_and_the_others_summed(core: Core) -> None:
    counts = {LimitKey("sign_up_network", f"{number:032x}"): number + 1 for number in range(MOST_SUBJECTS + 50)}
    await core.application.count_refusals(counts)
    core.clock.forward(2 * A_MINUTE)
    assert await core.application.jobs.note_refusals() == MOST_SUBJECTS + 1
    *named, rest = [event.after or {} for event in await core.audit()]
    assert {each["refused"] for each in named} == set(range(51, MOST_SUBJECTS + 51))
    assert (rest["subject"], rest["subjects"], rest["refused"]) == (None, 50, sum(range(1, 51)))


async def test_what_has_piled_up_is_worked_off_in_parts(core: Core) -> None:
    for _ in range(MINUTES_AT_ONCE + 1):
        await core.application.count_refusals({ONE: 1})
        core.clock.forward(A_MINUTE)
    core.clock.forward(A_MINUTE)
    assert [await core.application.jobs.note_refusals() for _ in range(3)] == [MINUTES_AT_ONCE, 1, 0]
