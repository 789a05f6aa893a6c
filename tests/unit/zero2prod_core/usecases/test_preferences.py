"""What the link in an issue can do, and what the one that was mailed can do besides."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import attrs
import pytest

from tests.support.core import ADA, BASE_URL, Core, sign_up
from zero2prod.testing.builders import KEYS, evidence, new_id, origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.consent import ConsentKind
from zero2prod_core.domain.fields import Field, Tag
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter, Slug
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.errors import (
    FieldInvalid,
    FieldMissing,
    NewsletterUnknown,
    Refusal,
    TokenExpired,
    TokenMalformed,
    TokenUnknown,
)
from zero2prod_core.usecases.policy import MANAGE_LASTS
from zero2prod_core.usecases.preferences import Preferences

ISSUE_PREFIX = f"{BASE_URL}/preferences/"
MAIL_PREFIX = f"{BASE_URL}/preferences/mine/"
GRACE = SubscriberName("Grace")
HERE, OTHER = DEFAULT_NEWSLETTER.slug, Slug("other")


@pytest.fixture
def verbs(core: Core) -> Preferences:
    return core.application.preferences


async def issue_link(core: Core, email: str = ADA) -> str:
    """The token in the issue that a confirmed reader is sent."""
    await core.published(email)
    (parcel,) = await core.parcels(urgent=False)
    assert parcel.listing
    return parcel.listing.preferences_link.removeprefix(ISSUE_PREFIX)


async def mailed_link(core: Core, email: str = ADA) -> str:
    """The token in the mail that a subscriber asked for."""
    reader = await core.subscriber(email)
    await core.application.preferences.ask_link_by_email(reader.email, evidence())
    (parcel,) = await core.parcels(urgent=True)
    await core.send(parcel)
    return parcel.slots["preferences.link"].removeprefix(MAIL_PREFIX)


async def second_newsletter(core: Core, email: str = ADA) -> Newsletter:
    """Of which the e-mail address is a confirmed reader as well."""
    newsletter = await core.application.create_newsletter(origin(), OTHER.text, "The other")
    await core.confirmed(email, newsletter=OTHER.text)
    return newsletter


async def answered(core: Core) -> Subscriber:
    """A confirmed reader of a newsletter that once asked for a shoe, and had another topic."""
    answers = {"shoe": "42", "city": "Ulm", "age": "7"}
    reader = attrs.evolve(await core.confirmed(), fields=answers, tags=("old", "art", "ai"))
    await core.save(reader)
    questions = 'city: text required "City"\nage: number "Age"'
    await core.application.edit_newsletter(origin(), HERE.text, fields=questions, tags="ai: Machines\nart: Art")
    return reader


class TestLinkOfAnIssue:
    async def test_it_tells_of_the_newsletter_and_changes_nothing(self, core: Core, verbs: Preferences) -> None:
        link = await issue_link(core)
        before, events = await core.subscriber(), await core.audit()
        assert await verbs.check(link) == DEFAULT_NEWSLETTER
        assert (await core.subscriber(), await core.audit()) == (before, events)

    async def test_it_works_for_years(self, core: Core, verbs: Preferences) -> None:
        link = await issue_link(core)
        core.clock.forward(timedelta(days=2000))
        assert await verbs.check(link) == DEFAULT_NEWSLETTER

    async def test_it_renames_once_and_tells_the_audit_log_no_name(self, core: Core, verbs: Preferences) -> None:
        link = await issue_link(core)
        for _ in range(2):
            assert await verbs.rename(link, GRACE, evidence()) == DEFAULT_NEWSLETTER
        assert (await core.subscriber()).name == GRACE
        (event,) = [each for each in await core.audit() if each.action is Action.SUBSCRIBER_CHANGED]
        assert (event.before, event.after, event.origin) == (None, {"changed": "name"}, origin())
        assert event.resource.id == str((await core.subscriber()).id)

    async def test_it_pauses_until_a_day_and_issues_come_again_by_themselves(
        self, core: Core, verbs: Preferences
    ) -> None:
        link = await issue_link(core)
        day = (core.clock() + timedelta(days=10)).date()
        await verbs.pause(link, day, evidence())
        assert (await core.subscriber()).paused_until == datetime(day.year, day.month, day.day, tzinfo=UTC)
        assert (await core.published()).audience == 0
        core.clock.forward(timedelta(days=11))
        assert (await core.published()).audience == 1

    async def test_a_pause_can_be_ended_early(self, core: Core, verbs: Preferences) -> None:
        link = await issue_link(core)
        await verbs.pause(link, (core.clock() + timedelta(days=10)).date(), evidence())
        await verbs.pause(link, None, evidence())
        assert (await core.published()).audience == 1
        changed = [event.after for event in await core.audit() if event.action is Action.SUBSCRIBER_CHANGED]
        assert changed == [{"changed": "paused_until"}] * 2

    async def test_nobody_pauses_for_longer_than_a_year(self, core: Core, verbs: Preferences) -> None:
        link = await issue_link(core)
        with pytest.raises(FieldInvalid):
            await verbs.pause(link, (core.clock() + timedelta(days=368)).date(), evidence())
        assert (await core.subscriber()).paused_until is None

    async def test_who_is_not_subscribed_has_nothing_to_pause(self, core: Core, verbs: Preferences) -> None:
        link = await issue_link(core)
        await verbs.unsubscribe(link, evidence())
        events = await core.audit()
        day = (core.clock() + timedelta(days=10)).date()
        assert await verbs.pause(link, day, evidence()) == DEFAULT_NEWSLETTER
        assert ((await core.subscriber()).paused_until, await core.audit()) == (None, events)

    async def test_who_leaves_and_comes_back_is_not_paused_any_more(self, core: Core, verbs: Preferences) -> None:
        link = await issue_link(core)
        await verbs.pause(link, (core.clock() + timedelta(days=10)).date(), evidence())
        await verbs.unsubscribe(link, evidence())
        await core.confirmed()
        assert (await core.subscriber()).paused_until is None
        assert (await core.published()).audience == 1

    async def test_it_unsubscribes_from_its_own_newsletter(self, core: Core, verbs: Preferences) -> None:
        link, other = await issue_link(core), await second_newsletter(core)
        for _ in range(2):
            assert await verbs.unsubscribe(link, evidence()) == DEFAULT_NEWSLETTER
        assert (await core.subscriber()).status is Status.UNSUBSCRIBED
        assert (await core.subscriber(newsletter=other.id)).status is Status.CONFIRMED
        withdrawn = [each for each in await core.consent() if each.kind is ConsentKind.WITHDRAWN]
        assert [each.evidence for each in withdrawn] == [evidence()]
        assert (await core.actions()).count(Action.SUBSCRIBER_UNSUBSCRIBED) == 1

    async def test_it_unsubscribes_from_all_newsletters(self, core: Core, verbs: Preferences) -> None:
        link, other = await issue_link(core), await second_newsletter(core)
        await core.confirmed("grace@example.com")
        assert await verbs.unsubscribe(link, evidence(), everywhere=True) == DEFAULT_NEWSLETTER
        states = [(await core.subscriber(newsletter=each)).status for each in (DEFAULT_NEWSLETTER.id, other.id)]
        assert states == [Status.UNSUBSCRIBED, Status.UNSUBSCRIBED]
        assert (await core.subscriber("grace@example.com")).status is Status.CONFIRMED
        assert (await core.actions()).count(Action.SUBSCRIBER_UNSUBSCRIBED) == 2

    async def test_it_shows_nothing_personal_and_erases_nothing(self, core: Core, verbs: Preferences) -> None:
        link = await issue_link(core)
        for verb in (verbs.show(link), verbs.data(link, evidence()), verbs.erase(link, evidence())):
            with pytest.raises(TokenUnknown):
                await verb
        with pytest.raises(TokenUnknown):
            await verbs.rename(link, GRACE, evidence(), DEFAULT_NEWSLETTER.slug)
        assert (await core.subscriber()).status is Status.CONFIRMED

    @pytest.mark.parametrize(("link", "refusal"), [("", FieldMissing), ("§", TokenMalformed), ("a" * 43, TokenUnknown)])
    async def test_what_is_no_link_of_ours_is_refused(
        self, verbs: Preferences, link: str, refusal: type[Exception]
    ) -> None:
        for verb in (verbs.check(link), verbs.unsubscribe(link, evidence()), verbs.ask_link(link, evidence())):
            with pytest.raises(refusal):
                await verb

    async def test_a_link_to_unsubscribe_opens_no_preferences(self, core: Core, verbs: Preferences) -> None:
        reader = await core.confirmed()
        with pytest.raises(TokenUnknown):
            await verbs.check(token_text(KEYS.newest, Purpose.UNSUBSCRIBE, reader.id))

    async def test_of_nobody_it_is_unknown(self, verbs: Preferences) -> None:
        with pytest.raises(TokenUnknown):
            await verbs.check(token_text(KEYS.newest, Purpose.PREFERENCES, new_id()))


class TestMailedLink:
    async def test_it_shows_all_newsletters_of_the_email_address(self, core: Core, verbs: Preferences) -> None:
        await core.confirmed(ADA, name="Ada")
        await second_newsletter(core)
        link = await mailed_link(core)
        await verbs.pause(link, (core.clock() + timedelta(days=10)).date(), evidence(), OTHER)
        mine = await verbs.show(link)
        assert mine.email.text == ADA
        first, second = mine.subscriptions
        assert [each.newsletter.slug for each in (first, second)] == [DEFAULT_NEWSLETTER.slug, OTHER]
        assert (first.status, first.name.text, first.paused_until, first.fields) == (Status.CONFIRMED, "Ada", None, [])
        assert second.paused_until is not None

    async def test_answers_and_topics_are_shown_as_far_as_the_newsletter_still_has_them(
        self, core: Core, verbs: Preferences
    ) -> None:
        declared = attrs.evolve(DEFAULT_NEWSLETTER, fields=(Field("city", "Your city"),), tags=(Tag("ai", "Machines"),))
        async with core.store() as tx:
            await tx.newsletters.save(declared)
        reader = await core.confirmed()
        await core.save(attrs.evolve(reader, fields={"shoe": "42", "city": "Ulm"}, tags=("ai", "old")))
        (shown,) = (await verbs.show(await mailed_link(core))).subscriptions
        assert (shown.fields, shown.tags) == ([(declared.fields[0], "Ulm")], ("ai",))

    async def test_its_answers_take_the_place_of_those_before_and_the_audit_log_is_told_none(
        self, core: Core, verbs: Preferences
    ) -> None:
        await answered(core)
        link = await mailed_link(core)
        for _ in range(2):
            assert (await verbs.answer(link, {"city": " Graz ", "age": ""}, ["art"], evidence(), HERE)).slug == HERE
        found = await core.subscriber()
        assert (found.fields, found.tags) == ({"shoe": "42", "city": "Graz"}, ("old", "art"))
        (event,) = [each for each in await core.audit() if each.action is Action.SUBSCRIBER_CHANGED]
        assert (event.before, event.after, event.origin) == (None, {"changed": "fields tags"}, origin())
        assert event.resource.id == str(found.id)

    async def test_answers_sent_as_they_were_change_nothing(self, core: Core, verbs: Preferences) -> None:
        reader = await answered(core)
        link, events = await mailed_link(core), await core.audit()
        await verbs.answer(link, {"city": "Ulm", "age": "7"}, ["art", "ai"], evidence(), HERE)
        assert (await core.subscriber(), await core.audit()) == (reader, events)

    @pytest.mark.parametrize(
        ("fields", "tags", "refusal", "field"),
        [
            ({"age": "7"}, (), FieldMissing, "fields.city"),
            ({"city": "Ulm", "age": "old"}, (), FieldInvalid, "fields.age"),
            ({"city": "Ulm", "shoe": "43"}, (), FieldInvalid, "fields.shoe"),
            ({"city": "Ulm"}, ("golf",), FieldInvalid, "tags"),
        ],
    )
    async def test_wrong_answers_leave_the_right_ones(
        self,
        core: Core,
        verbs: Preferences,
        fields: Mapping[str, str],
        tags: tuple[str, ...],
        refusal: type[Refusal],
        field: str,
    ) -> None:
        reader = await answered(core)
        with pytest.raises(refusal) as refused:
            await verbs.answer(await mailed_link(core), fields, tags, evidence(), HERE)
        assert refused.value.fields["field"] == field
        assert await core.subscriber() == reader

    async def test_each_newsletter_has_answers_of_its_own(self, core: Core, verbs: Preferences) -> None:
        reader = await answered(core)
        await second_newsletter(core)
        link = await mailed_link(core)
        with pytest.raises(FieldInvalid):
            await verbs.answer(link, {"city": "Graz"}, (), evidence(), OTHER)
        await verbs.answer(link, {}, (), evidence(), OTHER)
        with pytest.raises(NewsletterUnknown):
            await verbs.answer(link, {}, (), evidence(), Slug("nowhere"))
        assert await core.subscriber() == reader

    async def test_an_issues_link_answers_nothing(self, core: Core, verbs: Preferences) -> None:
        link = await issue_link(core)
        with pytest.raises(TokenUnknown):
            await verbs.answer(link, {}, (), evidence(), HERE)
        assert Action.SUBSCRIBER_CHANGED not in await core.actions()

    async def test_a_pause_that_is_over_is_not_shown(self, core: Core, verbs: Preferences) -> None:
        await core.confirmed()
        link, day = await mailed_link(core), (core.clock() + timedelta(days=1)).date()
        await verbs.pause(link, day, evidence(), DEFAULT_NEWSLETTER.slug)
        core.clock.forward(timedelta(days=2))
        (shown,) = (await verbs.show(await mailed_link(core))).subscriptions
        assert shown.paused_until is None

    async def test_it_changes_each_newsletter_by_itself(self, core: Core, verbs: Preferences) -> None:
        await core.confirmed(ADA, name="Ada")
        other = await second_newsletter(core)
        link = await mailed_link(core)
        assert await verbs.rename(link, GRACE, evidence(), OTHER) == other
        assert await verbs.unsubscribe(link, evidence(), OTHER) == other
        assert (await core.subscriber()).name.text == "Ada"
        changed = await core.subscriber(newsletter=other.id)
        assert (changed.name, changed.status) == (GRACE, Status.UNSUBSCRIBED)

    @pytest.mark.parametrize("slug", ["nowhere", "other"])
    async def test_of_a_newsletter_without_this_email_address_it_knows_nothing(
        self, core: Core, verbs: Preferences, slug: str
    ) -> None:
        await core.application.create_newsletter(origin(), "other", "The other")
        await core.confirmed()
        with pytest.raises(NewsletterUnknown):
            await verbs.unsubscribe(await mailed_link(core), evidence(), Slug(slug))

    async def test_it_gives_out_what_is_kept_and_that_is_on_record(self, core: Core, verbs: Preferences) -> None:
        await core.confirmed(ADA, name="Ada")
        data = await verbs.data(await mailed_link(core), evidence())
        assert ADA in str(data)
        assert (await core.actions())[-1] is Action.SENSITIVE_READ

    async def test_it_erases_everything_and_ends_itself(self, core: Core, verbs: Preferences) -> None:
        await core.confirmed()
        await second_newsletter(core)
        link = await mailed_link(core)
        await verbs.erase(link, evidence())
        for verb in (verbs.show(link), verbs.data(link, evidence()), verbs.erase(link, evidence())):
            with pytest.raises(TokenUnknown):
                await verb
        async with core.store.reading() as tx:
            assert not await tx.subscribers.exist()
        erased = [event for event in await core.audit() if event.action is Action.SUBSCRIBER_ERASED]
        assert [event.details for event in erased] == [{}] * 2

    async def test_it_soon_expires(self, core: Core, verbs: Preferences) -> None:
        await core.confirmed()
        link = await mailed_link(core)
        core.clock.forward(MANAGE_LASTS - timedelta(seconds=1))
        assert (await verbs.show(link)).email.text == ADA
        core.clock.forward(timedelta(seconds=1))
        for verb in (verbs.show(link), verbs.erase(link, evidence())):
            with pytest.raises(TokenExpired):
                await verb
        with pytest.raises(TokenExpired):
            await verbs.unsubscribe(link, evidence(), DEFAULT_NEWSLETTER.slug)

    async def test_it_does_not_stand_in_for_an_issues_link(self, core: Core, verbs: Preferences) -> None:
        await core.confirmed()
        link = await mailed_link(core)
        with pytest.raises(TokenUnknown):
            await verbs.check(link)
        with pytest.raises(TokenUnknown):
            await verbs.unsubscribe(link, evidence())

    async def test_the_row_of_a_link_of_another_purpose_opens_nothing(self, core: Core, verbs: Preferences) -> None:
        await core.application.subscribe(sign_up())
        (parcel,) = await core.parcels(urgent=True)
        with pytest.raises(TokenUnknown):
            await verbs.show(token_text(KEYS.newest, Purpose.MANAGE, parcel.delivery.key.occasion))
