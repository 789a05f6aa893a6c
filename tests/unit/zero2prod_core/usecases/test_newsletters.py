import pytest

from tests.support.builders import origin
from tests.support.core import Core, sign_up
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.errors import FieldInvalid, NewsletterTaken


async def test_the_default_newsletter_is_there_from_the_start(core: Core) -> None:
    assert await core.application.list_newsletters() == [DEFAULT_NEWSLETTER]


async def test_a_new_one_stands_in_the_list_by_slug(core: Core) -> None:
    made = await core.application.create_newsletter(
        origin(), "daily", "The Daily", "daily@example.com", "editors@example.com", "1 Fleet Street\nLondon"
    )
    assert await core.application.list_newsletters() == [made, DEFAULT_NEWSLETTER]
    assert (made.name, made.postal_address) == ("The Daily", "1 Fleet Street\nLondon")


async def test_it_has_a_letter_of_every_kind_but_issues(core: Core) -> None:
    made = await core.application.create_newsletter(origin(), "daily", "The Daily")
    kinds = [kind for kind in LetterKind if kind is not LetterKind.ISSUE]
    expected = {letter.id: letter for letter in (template_letter(made.id, kind) for kind in kinds)}
    async with core.store.reading() as tx:
        assert await tx.letters.get_batch([*expected]) == expected


async def test_people_can_sign_up_for_it(core: Core) -> None:
    made = await core.application.create_newsletter(origin(), "daily", "The Daily", "daily@example.com")
    await core.application.subscribe(sign_up(newsletter="daily"))
    (parcel,) = await core.parcels(urgent=True)
    assert parcel.newsletter == made
    assert (parcel.sender.name, parcel.sender.email) == ("The Daily", made.sender)


async def test_exactly_one_event_is_audited(core: Core) -> None:
    made = await core.application.create_newsletter(origin(), "daily", "The Daily")
    (event,) = await core.audit()
    assert (event.action, event.resource.id) == (Action.NEWSLETTER_CREATED, str(made.id))
    assert (event.origin, event.after) == (origin(), {"slug": "daily"})


async def test_a_slug_that_is_taken_leaves_nothing_behind(core: Core) -> None:
    with pytest.raises(NewsletterTaken, match="default is taken"):
        await core.application.create_newsletter(origin(), "default", "Another")
    assert await core.application.list_newsletters() == [DEFAULT_NEWSLETTER]
    assert await core.audit() == []


async def test_texts_are_parsed_before_anything_is_asked_of_the_store(core: Core) -> None:
    with pytest.raises(FieldInvalid, match=r"^sender:"):
        await core.application.create_newsletter(origin(), "daily", "The Daily", sender="nobody")
    assert await core.audit() == []
