import pytest

from tests.support.core import Core, sign_up
from zero2prod.testing.builders import origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.errors import FieldInvalid, NewsletterTaken, NewsletterUnknown, Refusal


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


class TestEditing:
    async def test_what_is_not_given_stays_and_an_empty_text_clears(self, core: Core) -> None:
        await core.application.create_newsletter(origin(), "daily", "The Daily", "daily@example.com", "e@example.com")
        edit = core.application.edit_newsletter
        changed = await edit(origin(), "daily", reply_to="", postal_address="1 Fleet Street\nLondon")
        assert (changed.name, changed.sender, changed.reply_to) == (
            "The Daily",
            EmailAddress.parse("daily@example.com"),
            None,
        )
        assert changed.postal_address == "1 Fleet Street\nLondon"
        assert await core.application.find_newsletter("daily") == changed
        assert (await edit(origin(), "daily", name="The Weekly", sender="")).sender is None

    async def test_the_event_names_what_was_changed_and_nothing_else(self, core: Core) -> None:
        await core.application.edit_newsletter(origin(), "default", name="News", postal_address="Home")
        (event,) = await core.audit()
        assert (event.action, event.after) == (Action.NEWSLETTER_CHANGED, {"changed": "name postal_address"})

    async def test_the_same_again_is_no_event(self, core: Core) -> None:
        await core.application.edit_newsletter(origin(), "default", name="Newsletter", sender="")
        assert await core.audit() == []

    @pytest.mark.parametrize(("field", "typed"), [("name", ""), ("sender", "nobody"), ("reply_to", "a@b@c")])
    async def test_what_is_refused_changes_nothing(self, core: Core, field: str, typed: str) -> None:
        with pytest.raises(Refusal, match=f"^{field}"):
            await core.application.edit_newsletter(origin(), "default", **{field: typed})
        assert await core.application.list_newsletters() == [DEFAULT_NEWSLETTER]

    async def test_there_must_be_one(self, core: Core) -> None:
        with pytest.raises(NewsletterUnknown):
            await core.application.edit_newsletter(origin(), "daily", name="The Daily")
        with pytest.raises(NewsletterUnknown):
            await core.application.find_newsletter("daily")
