"""What a sign-up answers to its newsletter's own questions, until its confirmation makes it the subscriber's."""

from collections.abc import Mapping

import attrs
import pytest

from tests.support.core import Core
from zero2prod.testing.builders import evidence, origin, sign_up
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal

LINES = 'city: text required "City"\nage: number "Age"'


@pytest.fixture
async def asking(core: Core) -> Core:
    await core.application.edit_newsletter(origin(), "default", fields=LINES, tags="art: Art\nmusic: Music")
    return core


def answering(
    fields: Mapping[str, str], tags: tuple[str, ...] = (), email: str = "ada@example.com", newsletter: str = "default"
) -> SignUp:
    return attrs.evolve(sign_up(email, newsletter=newsletter), fields=fields, tags=tags)


async def mailed_token(core: Core) -> str:
    (parcel,) = await core.parcels(urgent=True)
    await core.send(parcel)
    return parcel.slots["confirmation.link"].partition("subscription_token=")[2]


async def test_answers_become_the_subscribers_at_the_confirmation(asking: Core) -> None:
    await asking.application.subscribe(answering({"city": " Graz ", "age": "007"}, ("music", "art")))
    pending = await asking.subscriber()
    assert (pending.fields, pending.tags) == ({}, ())
    await asking.application.confirm(await mailed_token(asking), evidence())
    confirmed = await asking.subscriber()
    assert (confirmed.fields, confirmed.tags) == ({"city": "Graz", "age": "7"}, ("art", "music"))


async def test_a_strangers_sign_up_changes_no_answers(asking: Core) -> None:
    await asking.application.subscribe(answering({"city": "Graz"}))
    await asking.application.confirm(await mailed_token(asking), evidence())
    await asking.application.subscribe(answering({"city": "Elsewhere"}, ("art",)))
    found = await asking.subscriber()
    assert (found.fields, found.tags) == ({"city": "Graz"}, ())


@pytest.mark.parametrize(
    ("fields", "tags", "error", "field"),
    [
        ({}, (), FieldMissing, "fields.city"),
        ({"city": "a\r\nBcc: b"}, (), FieldInvalid, "fields.city"),
        ({"city": "x", "age": "old"}, (), FieldInvalid, "fields.age"),
        ({"city": "x", "town": "y"}, (), FieldInvalid, "fields.town"),
        ({"city": "x"}, ("golf",), FieldInvalid, "tags"),
    ],
)
async def test_a_wrong_answer_is_refused_and_its_neighbours_are_not(
    asking: Core, fields: Mapping[str, str], tags: tuple[str, ...], error: type[Refusal], field: str
) -> None:
    wrong, right = answering(fields, tags, "wrong@example.com"), answering({"city": "Graz"})
    refused, none = await asking.application.subscribe_batch([wrong, right])
    assert isinstance(refused, error)
    assert refused.fields["field"] == field
    assert none is None
    (parcel,) = await asking.parcels(urgent=True)
    assert parcel.delivery.email.text == "ada@example.com"


async def test_asking_again_keeps_what_still_fits(asking: Core) -> None:
    await asking.application.subscribe(answering({"city": "Graz", "age": "7"}, ("music", "art")))
    old = await mailed_token(asking)
    await asking.application.edit_newsletter(
        origin(), "default", fields='age: number "Age"\nsize: text required "Size"', tags="art: Art"
    )
    asking.clock.forward(asking.policy.token_lasts)
    await asking.application.ask_again(old, evidence())
    await asking.application.confirm(await mailed_token(asking), evidence())
    found = await asking.subscriber()
    assert (found.fields, found.tags) == ({"age": "7"}, ("art",))


async def test_each_newsletter_has_questions_of_its_own(asking: Core) -> None:
    await asking.application.create_newsletter(origin(), "weekly", "Weekly")
    await asking.application.subscribe(answering({}, newsletter="weekly"))
    assert (await asking.application.confirm(await mailed_token(asking), evidence())).slug.text == "weekly"
    with pytest.raises(FieldInvalid, match=r"^fields\.city: is no field of this newsletter\. It has none\.$"):
        await asking.application.subscribe(answering({"city": "Graz"}, newsletter="weekly"))


async def test_the_mail_has_the_readers_answers(asking: Core) -> None:
    await asking.application.subscribe(answering({"city": "Graz"}, ("art",)))
    await asking.application.confirm(await mailed_token(asking), evidence())
    await asking.published()
    (parcel,) = await asking.parcels(urgent=False)
    assert (parcel.delivery.fields, parcel.delivery.tags) == ({"city": "Graz"}, ("art",))
    assert [field.name for field in parcel.newsletter.fields] == ["city", "age"]
