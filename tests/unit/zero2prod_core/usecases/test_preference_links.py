"""Having the link mailed: what it costs, whom it reaches, and that whoever asks is told nothing."""

from datetime import timedelta
from uuid import UUID

import attrs
import pytest

from tests.support.core import ADA, POLICY, Core
from zero2prod.testing.application import CountedIds, CountedRandomness
from zero2prod.testing.builders import KEYS, evidence, origin, suppression
from zero2prod_core.application import Application, Ports
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.limits import NO_LIMITS, Limits, Rate
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Event
from zero2prod_core.domain.suppressions import Reason
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.errors import LimitExceeded, TokenUnknown
from zero2prod_core.ports.telemetry import Silence
from zero2prod_core.usecases.policy import MANAGE_LASTS

READER = EmailAddress.parse(ADA)
NOBODY = EmailAddress.parse("nobody@example.com")
ONCE = Rate(1, timedelta(minutes=10))
OLD, OLD_READER = UUID(int=1), UUID(int=2)


class Counted(Silence):
    def __init__(self) -> None:
        self.counted: list[tuple[str, int, dict[str, str]]] = []

    def count(self, event: str, number: int = 1, **labels: str) -> None:
        self.counted.append((event, number, labels))


def limited(**limits: Rate | None) -> Core:
    """A core with these limits and no others."""
    return Core(policy=attrs.evolve(POLICY, limits=attrs.evolve(NO_LIMITS, **limits)))


def from_network(network_address: str) -> Evidence:
    return attrs.evolve(evidence(), origin=origin(network_address=network_address))


async def ask(core: Core, email: EmailAddress = READER, shown: Evidence | None = None) -> int:
    """How many mails it leads to."""
    await core.application.preferences.ask_link_by_email(email, shown or evidence())
    parcels = await core.parcels(urgent=True)
    await core.send(*parcels)
    return len(parcels)


async def test_the_mail_holds_a_link_that_lasts_two_hours(core: Core) -> None:
    reader = await core.confirmed()
    await core.application.preferences.ask_link_by_email(READER, evidence())
    (parcel,) = await core.parcels(urgent=True)
    token = token_text(KEYS.newest, Purpose.MANAGE, parcel.delivery.key.occasion)
    assert parcel.letter.kind is LetterKind.PREFERENCES
    assert (parcel.delivery.email, parcel.listing) == (reader.email, None)
    assert parcel.slots["preferences.link"] == core.policy.manage_link(token)
    assert parcel.slots["preferences.lasts"] == "2 hours"
    assert timedelta(hours=2) == MANAGE_LASTS


async def test_asking_is_on_record_without_a_word_of_the_person(core: Core) -> None:
    reader = await core.confirmed()
    await ask(core)
    event = (await core.audit())[-1]
    assert (event.action, event.resource.id) == (Action.TOKEN_CREATED, str(reader.id))
    assert (event.after, event.origin) == ({"purpose": "manage"}, origin())


async def test_the_link_of_an_issue_has_one_mailed_to_its_reader(core: Core) -> None:
    await core.published(ADA)
    (issue,) = await core.parcels(urgent=False)
    assert issue.listing
    token = issue.listing.preferences_link.rpartition("/")[2]
    assert await core.application.preferences.ask_link(token, evidence()) == DEFAULT_NEWSLETTER
    (parcel,) = await core.parcels(urgent=True)
    assert (parcel.letter.kind, parcel.delivery.email) == (LetterKind.PREFERENCES, READER)


async def test_of_somebody_unknown_nothing_is_written(core: Core) -> None:
    assert await ask(core, NOBODY) == 0
    assert await core.audit() == []


async def test_who_left_can_still_ask_for_their_data(core: Core) -> None:
    await core.save((await core.confirmed()).on(Event.UNSUBSCRIBE))
    assert await ask(core) == 1


async def test_a_suppressed_email_address_gets_no_mail(core: Core) -> None:
    reader = await core.confirmed()
    async with core.store() as tx:
        await tx.suppressions.add_batch([suppression(reader.digest, Reason.COMPLAINT)])
    assert await ask(core) == 0


async def test_the_mail_comes_from_a_newsletter_that_is_read(core: Core) -> None:
    await core.save((await core.confirmed()).on(Event.UNSUBSCRIBE))
    other = await core.application.create_newsletter(origin(), "other", "The other")
    await core.confirmed(newsletter="other")
    await core.application.preferences.ask_link_by_email(READER, evidence())
    (parcel,) = await core.parcels(urgent=True)
    assert parcel.newsletter.id == other.id


async def test_an_older_link_goes_on_working(core: Core) -> None:
    await core.confirmed()
    links = []
    for _ in range(2):
        await core.application.preferences.ask_link_by_email(READER, evidence())
        (parcel,) = await core.parcels(urgent=True)
        links.append(parcel.slots["preferences.link"].rpartition("/")[2])
    shown = [(await core.application.preferences.show(link)).email for link in links]
    assert shown == [READER, READER]


async def test_a_newsletter_that_is_older_than_such_mails_sends_them_too(core: Core) -> None:
    old = attrs.evolve(DEFAULT_NEWSLETTER, id=OLD, name="Old")
    reader = await core.confirmed()
    async with core.store() as tx:
        await tx.newsletters.add(attrs.evolve(old, slug=attrs.evolve(old.slug, text="old")))
        await tx.subscribers.claim_batch([attrs.evolve(reader, id=OLD_READER, newsletter=old.id, email=NOBODY)])
    assert await ask(core, NOBODY) == 1


class TestLimits:
    async def test_one_mail_in_ten_minutes_and_nobody_can_tell(self) -> None:
        core = limited(confirmation=Limits().confirmation)
        await core.confirmed()
        assert [await ask(core) for _ in range(3)] == [1, 0, 0]
        core.clock.forward(timedelta(minutes=10))
        assert await ask(core) == 1

    async def test_three_mails_a_day_whatever_they_are_about(self) -> None:
        core = limited(email=Limits().email)
        await core.confirmed()
        assert [await ask(core) for _ in range(4)] == [1, 1, 0, 0]

    async def test_a_withheld_mail_leaves_no_trace(self) -> None:
        core = limited(email=ONCE)
        await core.confirmed()
        events = await core.audit()
        assert await ask(core) == 0
        assert await core.audit() == events

    @pytest.mark.parametrize("email", [READER, NOBODY])
    async def test_a_visitor_who_asks_too_often_is_told_whoever_it_is_about(self, email: EmailAddress) -> None:
        core = limited(sign_up_network=ONCE)
        await core.confirmed()
        first, second = from_network("198.51.100.1"), from_network("198.51.100.2")
        await ask(core, email, first)
        with pytest.raises(LimitExceeded) as refused:
            await ask(core, email, first)
        assert (refused.value.fields["scope"], refused.value.retry_after) == ("sign_up_network", ONCE.period)
        await ask(core, email, second)

    async def test_the_link_of_an_issue_is_limited_alike(self) -> None:
        core = limited(sign_up_network=ONCE, email=Rate(2, timedelta(days=1)))
        reader = await core.confirmed()
        token, asking = token_text(KEYS.newest, Purpose.PREFERENCES, reader.id), core.application.preferences.ask_link
        await asking(token, from_network("198.51.100.1"))
        with pytest.raises(LimitExceeded):
            await asking(token, from_network("198.51.100.1"))
        await asking(token, from_network("198.51.100.2"))
        assert len(await core.parcels(urgent=True)) == 1

    async def test_a_wrong_link_takes_nothing(self) -> None:
        core = limited(sign_up_network=ONCE)
        await core.confirmed()
        shown = from_network("198.51.100.1")
        with pytest.raises(TokenUnknown):
            await core.application.preferences.ask_link("a" * 43, shown)
        assert await ask(core, READER, shown) == 1

    @pytest.mark.parametrize("by_email", [True, False])
    async def test_a_mail_that_is_held_back_is_counted_by_what_holds_it_back(self, *, by_email: bool) -> None:
        core, telemetry = limited(recipient_domain=ONCE), Counted()
        reader = await core.confirmed()
        ports = Ports(core.store, CountedIds(), CountedRandomness(), core.passwords, KEYS, core.policy, telemetry)
        preferences = Application.assemble(ports).preferences
        if by_email:
            await preferences.ask_link_by_email(READER, evidence())
        else:
            await preferences.ask_link(token_text(KEYS.newest, Purpose.PREFERENCES, reader.id), evidence())
        alarm = ("limit_alarms", 1, {"scope": "recipient_domain"})
        assert telemetry.counted == [("limit_refusals", 1, {"scope": "recipient_domain"}), alarm]
