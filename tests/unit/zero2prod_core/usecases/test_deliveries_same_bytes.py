"""A mail that is sent twice has the same bytes, whatever happens to its newsletter in between."""

from datetime import timedelta

import attrs

from adapters_email.composing import compose
from adapters_email.postmark_messages import postmark_message
from tests.support.core import ADA, POLICY, Core, publication
from tests.support.parcels import parsed
from zero2prod.testing.builders import evidence, letter, newsletter, origin
from zero2prod_core.domain.deliveries import Outcome, Reply, SenderFault, Uncertain
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.letters import Imprint
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.ports.mailer import Parcel

LOST = Uncertain(Reply(None, "lost"))
FAULT = SenderFault(Reply(530, "5.7.0 not from this sender"))
ELSEWHERE = EmailAddress.parse("news@elsewhere.example")


async def edit(core: Core) -> None:
    """Change all that can be changed of the default newsletter."""
    await core.application.edit_newsletter(
        origin(),
        "default",
        name="Renamed",
        sender="new@example.net",
        reply_to="answers@example.net",
        postal_address="2 Side St\nSpringfield",
    )


async def tried(core: Core, outcome: Outcome) -> Parcel:
    """Send an issue to one reader, from a newsletter that has everything, with this outcome."""
    await core.application.edit_newsletter(
        origin(), "default", name="The Daily", sender="daily@example.com", postal_address="1 Main St"
    )
    await core.published(ADA)
    (parcel,) = await core.parcels(urgent=False)
    await core.send(parcel, outcome=outcome)
    return parcel


async def tried_again(core: Core) -> Parcel:
    core.clock.forward(timedelta(minutes=5))
    await core.application.jobs.expire_leases()
    (parcel,) = await core.parcels(urgent=False)
    return parcel


async def test_editing_the_newsletter_between_two_tries_changes_no_byte(core: Core) -> None:
    first = await tried(core, LOST)
    await edit(core)
    again = await tried_again(core)
    assert again.delivery.attempt == first.delivery.attempt + 1
    assert compose(again) == compose(first)
    assert postmark_message(again) == postmark_message(first)
    assert b"1 Main St" in compose(again).content


async def test_another_sender_of_the_service_changes_none_either(core: Core) -> None:
    await core.published(ADA)
    (first,) = await core.parcels(urgent=False)
    await core.send(first, outcome=LOST)
    core.policy = attrs.evolve(POLICY, sender=ELSEWHERE)
    core.application = core.over(core.store)
    again = await tried_again(core)
    assert again.message_id == first.message_id
    assert compose(again) == compose(first)


async def test_the_next_issue_takes_the_newsletter_as_it_is_by_then(core: Core) -> None:
    await tried(core, LOST)
    await edit(core)
    await core.application.publish(publication(key="the next"), origin())
    (parcel,) = await core.parcels(urgent=False)
    assert (parcel.sender.name, parcel.sender.email.text) == ("Renamed", "new@example.net")
    assert b"2 Side St" in compose(parcel).content


async def test_once_the_relay_refused_the_sender_an_issue_goes_on_from_the_one_of_now(core: Core) -> None:
    first = parsed(compose(await tried(core, FAULT)).content)
    await edit(core)
    (issue,) = await core.application.list_issues()
    await core.application.resume_issue(origin(), issue.id)
    again = parsed(compose(await tried_again(core)).content)
    assert (str(first["From"]), str(again["From"])) == ("The Daily <daily@example.com>", "The Daily <new@example.net>")
    assert first["Message-ID"] == again["Message-ID"]
    assert again["Reply-To"] is None


async def test_one_that_a_person_paused_keeps_its_sender(core: Core) -> None:
    first = await tried(core, LOST)
    (issue,) = await core.application.list_issues()
    await core.application.pause_issue(origin(), issue.id)
    await edit(core)
    await core.application.resume_issue(origin(), issue.id)
    assert compose(await tried_again(core)) == compose(first)


async def test_a_letter_without_an_imprint_goes_out_as_its_newsletter_is(core: Core) -> None:
    await core.application.confirm(await core.token(ADA), evidence())
    old = letter()
    async with core.store() as tx:
        await tx.letters.add(old)
        await tx.deliveries.enqueue_audience(old, timedelta(days=5))
    await edit(core)
    (parcel,) = await core.parcels(urgent=False)
    assert (parcel.sender.name, parcel.sender.email.text) == ("Renamed", "new@example.net")
    assert parcel.newsletter.postal_address == "2 Side St\nSpringfield"


def test_an_imprint_is_the_newsletters_or_the_services() -> None:
    full = newsletter(sender=ELSEWHERE, reply_to=POLICY.sender, postal_address="1 Main St")
    assert Imprint.of(full, POLICY.sender).on(attrs.evolve(DEFAULT_NEWSLETTER, id=full.id, slug=full.slug)) == full
    bare = Imprint.of(newsletter(), POLICY.sender)
    assert (bare.sender, bare.mail_domain) == (POLICY.sender, "example.org")
