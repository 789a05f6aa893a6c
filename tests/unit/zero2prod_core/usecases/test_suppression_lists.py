"""Lists of e-mail addresses that are not to be mailed."""

from collections.abc import Iterator

import pytest

from tests.support.core import ADA, Core, sign_up
from zero2prod.testing.builders import KEY, email, origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.domain.suppressions import Reason, Suppression, digest
from zero2prod_core.usecases.suppression_lists import IMPORTED_AT_ONCE, Imported, InvalidLine

STAFF = origin(actor=Actor(ActorKind.TERMINAL, "root"))
YOUNGER = KeyRing((Key("younger", bytes(range(1, 33))), KEY))
SHAPE = "must have a local part, one @ and a domain"


async def test_every_email_address_of_a_list_is_suppressed_and_odd_lines_are_told_by_number(core: Core) -> None:
    lines = ["Ada@example.com\r\n", "\n", "  bob@example.com  ", "nobody", "ADA@EXAMPLE.COM", "# a list", ""]
    imported = await core.application.people.import_suppressions(STAFF, lines)
    assert imported == Imported(2, 0, [InvalidLine(4, SHAPE), InvalidLine(6, SHAPE)])
    async with core.store.reading() as tx:
        found = await tx.suppressions.reasons([[digest(KEY, email(text))] for text in (ADA, "bob@example.com")])
    assert found == [frozenset({Reason.IMPORT})] * 2


async def test_one_event_has_the_sums(core: Core) -> None:
    await core.application.people.import_suppressions(STAFF, [ADA])
    await core.application.people.import_suppressions(STAFF, [ADA, ADA, "bob@example.com", "nobody"])
    _, event = await core.audit()
    assert (event.action, event.origin) == (Action.SUPPRESSIONS_IMPORTED, STAFF)
    assert event.after == {"added": 1, "known": 1, "invalid": 1}


async def test_importing_again_adds_nothing(core: Core) -> None:
    await core.application.people.import_suppressions(STAFF, [ADA])
    assert await core.application.people.import_suppressions(STAFF, [ADA]) == Imported(0, 1, [])


async def test_subscribers_on_the_list_are_mailed_no_more_and_strangers_not_at_all(core: Core) -> None:
    await core.published(ADA)
    await core.application.people.import_suppressions(STAFF, [ADA, "bob@example.com"])
    await core.application.subscribe(sign_up("bob@example.com"))
    assert [await core.parcels(urgent=urgent) for urgent in (True, False)] == [[], []]
    assert (await core.subscriber()).status is Status.CONFIRMED


async def test_what_older_keys_knew_comes_under_the_newest(core: Core) -> None:
    await core.published(ADA)
    bob = email("bob@example.com")
    async with core.store() as tx:
        await tx.suppressions.add_batch([Suppression(digest(KEY, bob), Reason.COMPLAINT, await tx.now())])
    imported = await core.over(core.store, YOUNGER).people.import_suppressions(STAFF, [ADA, bob.text])
    assert imported.added == 2
    assert await core.parcels(urgent=False) == []
    reader = await core.subscriber()
    async with core.store.reading() as tx:
        under = [await tx.suppressions.reasons([[digest(key, bob)]]) for key in YOUNGER]
    assert reader.digest == digest(YOUNGER.newest, reader.email)
    assert under == [[frozenset({Reason.COMPLAINT, Reason.IMPORT})], [frozenset({Reason.IMPORT})]]
    again = await core.over(core.store, YOUNGER).people.import_suppressions(STAFF, [ADA, bob.text])
    assert (again.added, again.known) == (0, 2)


async def test_a_long_list_goes_in_batches_and_says_how_far_it_is(core: Core) -> None:
    told: list[int] = []
    lines = [*(f"reader{number}@example.com" for number in range(IMPORTED_AT_ONCE + 7)), "reader0@example.com"]
    imported = await core.application.people.import_suppressions(STAFF, lines, told.append)
    assert (imported.added, imported.known, told) == (IMPORTED_AT_ONCE + 7, 0, [IMPORTED_AT_ONCE, 8])


async def test_an_empty_list_is_one_too(core: Core) -> None:
    assert await core.application.people.import_suppressions(STAFF, []) == Imported(0, 0, [])


def broken(good: int) -> Iterator[str]:
    """A list that breaks off behind so many lines."""
    yield from (f"reader{number}@example.com" for number in range(good))
    raise OSError("the disk is gone")


async def test_of_a_list_that_breaks_off_what_came_before_stays_and_is_on_record(core: Core) -> None:
    with pytest.raises(OSError, match="disk"):
        await core.application.people.import_suppressions(STAFF, broken(IMPORTED_AT_ONCE + 7))
    (event,) = await core.audit()
    assert event.after == {"added": IMPORTED_AT_ONCE, "known": 0, "invalid": 0}
    again = [f"reader{number}@example.com" for number in range(IMPORTED_AT_ONCE + 7)]
    assert await core.application.people.import_suppressions(STAFF, again) == Imported(7, IMPORTED_AT_ONCE, [])


async def test_nothing_is_on_record_where_nothing_was_imported(core: Core) -> None:
    with pytest.raises(OSError, match="disk"):
        await core.application.people.import_suppressions(STAFF, broken(7))
    assert await core.audit() == []
