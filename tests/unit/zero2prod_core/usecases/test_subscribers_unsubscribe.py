"""Leaving by the link that every issue carries: who may, what ends, and what is kept as evidence."""

import pytest

from tests.support.core import ADA, BASE_URL, Core, publication, sign_up
from zero2prod.testing.builders import KEY, KEYS, evidence, new_id
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.consent import ConsentKind
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Event, Status
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.errors import FieldMissing, TokenMalformed, TokenUnknown
from zero2prod_core.ports.mailer import Parcel

NEW_KEY = Key("new", bytes(range(32, 64)))
PREFIX = f"{BASE_URL}/unsubscribe/"


async def link_of_an_issue(core: Core) -> str:
    """The token in the issue that Ada, confirmed, is sent."""
    await core.published(ADA)
    (parcel,) = await core.parcels(urgent=False)
    return token_of(parcel)


def token_of(parcel: Parcel) -> str:
    assert parcel.listing
    assert parcel.listing.unsubscribe_link.startswith(PREFIX)
    return parcel.listing.unsubscribe_link.removeprefix(PREFIX)


async def test_an_issue_names_its_list_and_a_confirmation_has_no_way_out(core: Core) -> None:
    await core.application.subscribe(sign_up())
    (confirmation,) = await core.parcels(urgent=True)
    await core.published(ADA)
    (issue,) = await core.parcels(urgent=False)
    assert confirmation.listing is None
    assert issue.listing
    assert issue.listing.list_id == "default.example.org"


async def test_the_link_takes_its_reader_off_the_newsletter(core: Core) -> None:
    link = await link_of_an_issue(core)
    assert await core.application.check_unsubscription(link) == DEFAULT_NEWSLETTER
    assert (await core.subscriber()).status is Status.CONFIRMED
    assert await core.application.unsubscribe(link, evidence()) == DEFAULT_NEWSLETTER
    assert (await core.subscriber()).status is Status.UNSUBSCRIBED


async def test_evidence_is_kept_and_one_event_audited(core: Core) -> None:
    link = await link_of_an_issue(core)
    await core.application.unsubscribe(link, evidence())
    record = (await core.consent())[-1]
    assert (record.kind, record.round, record.evidence) == (ConsentKind.WITHDRAWN, None, evidence())
    event = (await core.audit())[-1]
    assert (event.action, event.resource.id) == (Action.SUBSCRIBER_UNSUBSCRIBED, str(record.subscriber))
    assert (event.before, event.after) == ({"status": "confirmed"}, {"status": "unsubscribed"})


async def test_doing_it_again_answers_the_same_and_writes_nothing(core: Core) -> None:
    link = await link_of_an_issue(core)
    await core.application.unsubscribe(link, evidence())
    consents, events = await core.consent(), await core.audit()
    assert await core.application.unsubscribe(link, evidence()) == DEFAULT_NEWSLETTER
    assert (await core.consent(), await core.audit()) == (consents, events)


async def test_no_later_issue_follows_and_a_claimed_one_is_not_completed(core: Core) -> None:
    await core.published(ADA)
    (parcel,) = await core.parcels(urgent=False)
    await core.application.unsubscribe(token_of(parcel), evidence())
    assert (await core.application.deliveries.settle([], [parcel.mark])).granted == (False,)
    assert (await core.published()).audience == 0


async def test_links_of_earlier_sign_ups_end_with_it(core: Core) -> None:
    unused = await core.token()
    link = await link_of_an_issue(core)
    await core.application.unsubscribe(link, evidence())
    await core.application.subscribe(sign_up())
    with pytest.raises(TokenUnknown):
        await core.application.confirm(unused, evidence())
    assert (await core.subscriber()).status is Status.PENDING


async def test_a_complaint_stays_one(core: Core) -> None:
    link = await link_of_an_issue(core)
    await core.save((await core.subscriber()).on(Event.COMPLAIN))
    await core.application.unsubscribe(link, evidence())
    assert (await core.subscriber()).status is Status.COMPLAINED


async def test_it_is_one_newsletter_and_not_the_others(core: Core) -> None:
    await core.application.create_newsletter(evidence().origin, "daily", "The Daily")
    await core.confirmed(newsletter="daily")
    link = await link_of_an_issue(core)
    await core.application.unsubscribe(link, evidence())
    (daily,) = (await core.application.list_newsletters())[:1]
    assert (await core.subscriber(newsletter=daily.id)).status is Status.CONFIRMED


async def test_a_link_outlives_the_rotation_of_keys(core: Core) -> None:
    link = await link_of_an_issue(core)
    rotated = core.over(core.store, KeyRing((NEW_KEY, KEY)))
    assert await rotated.unsubscribe(link, evidence()) == DEFAULT_NEWSLETTER


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", FieldMissing),
        ("<script>", TokenMalformed),
        ("A" * 43, TokenUnknown),
        (token_text(KEY, Purpose.UNSUBSCRIBE, new_id()), TokenUnknown),
    ],
)
async def test_what_names_nobody_is_refused(core: Core, text: str, refusal: type[Exception]) -> None:
    for verb in (core.application.check_unsubscription(text), core.application.unsubscribe(text, evidence())):
        with pytest.raises(refusal):
            await verb


async def test_the_link_of_another_purpose_does_not_fit(core: Core) -> None:
    await core.confirmed()
    confirm = token_text(KEYS.newest, Purpose.CONFIRM, (await core.subscriber()).id)
    with pytest.raises(TokenUnknown):
        await core.application.unsubscribe(confirm, evidence())


async def test_it_is_the_row_of_the_audience_that_a_link_names(core: Core) -> None:
    await core.confirmed("bob@example.com")
    await core.confirmed()
    await core.application.publish(publication(), evidence().origin)
    links = {str(parcel.delivery.email.text): token_of(parcel) for parcel in await core.parcels(urgent=False)}
    await core.application.unsubscribe(links["bob@example.com"], evidence())
    assert (await core.subscriber("bob@example.com")).status is Status.UNSUBSCRIBED
    assert (await core.subscriber()).status is Status.CONFIRMED
