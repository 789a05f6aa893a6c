from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from ipaddress import IPv4Address

import attrs
import pytest

from tests.support.core import ADA, POLICY, Core, sign_up
from tests.support.outages import Outage, Unsteady
from zero2prod.testing.builders import KEY, evidence, origin
from zero2prod_core.domain.consent import ConsentKind, Evidence
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.limits import NO_LIMITS, Limits, Rate
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.subscribers import SignUp, Status
from zero2prod_core.domain.suppressions import digests
from zero2prod_core.errors import LimitExceeded, NewsletterUnknown, Refusal, TokenUnknown
from zero2prod_core.ports.store import Transaction
from zero2prod_core.usecases.limits import Admission, mailbox
from zero2prod_core.usecases.sign_ups import Outcome

NEWER = Key("newer", bytes(range(32, 64)))
ROTATED = KeyRing((NEWER, KEY))

ONE_A_DAY = Rate(1, timedelta(days=1))


class FailsAtSecond(Unsteady):
    """Is away from its second transaction on."""

    def __call__(self) -> AbstractAsyncContextManager[Transaction]:
        transaction = super().__call__()
        self.outage = Outage.AWAY
        return transaction


def limited(**limits: Rate) -> Core:
    """A core with these limits and no others; without any, with all as they are by default."""
    chosen = attrs.evolve(NO_LIMITS, **limits) if limits else Limits()
    return Core(policy=attrs.evolve(POLICY, limits=chosen))


def coming_from(network_address: str, asked: SignUp) -> SignUp:
    seen = attrs.evolve(asked.evidence, origin=origin(network_address=network_address))
    return attrs.evolve(asked, evidence=seen)


async def kinds(core: Core) -> Sequence[LetterKind]:
    """Of the mails that wait; they are sent."""
    parcels = await core.parcels(urgent=True)
    if parcels:
        await core.send(*parcels)
    return [parcel.letter.kind for parcel in parcels]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "A.da+news@example.com"),
        ("ada@gmail.com", "ada@googlemail.com"),
        ("ada9@example.com", "ada９@example.com"),
    ],
)
def test_spellings_of_one_mailbox_share_its_budget(one: str, other: str) -> None:
    assert mailbox(EmailAddress.parse(one)) == mailbox(EmailAddress.parse(other))


class TestWhoIsMailed:
    async def test_a_second_mail_follows_after_ten_minutes_and_both_links_work(self) -> None:
        core = limited()
        first = await core.token()
        await core.application.subscribe(sign_up())
        assert await kinds(core) == []
        core.clock.forward(timedelta(minutes=10))
        second = await core.token()
        await core.application.confirm(first, evidence())
        await core.application.confirm(second, evidence())
        assert (await core.subscriber()).status is Status.CONFIRMED

    async def test_a_thousand_strangers_cannot_send_more_than_three_mails(self) -> None:
        core = limited()
        await core.application.create_newsletter(origin(), "weekly", "Weekly")
        for number in range(1000):
            asked = sign_up(f"a.da+{number}@example.com", newsletter=("default", "weekly")[number % 2])
            await core.application.subscribe(coming_from(str(IPv4Address(number + 2**28)), asked))
            core.clock.forward(timedelta(seconds=1))
        assert await kinds(core) == [LetterKind.CONFIRMATION] * 3

    async def test_in_no_day_does_a_mailbox_get_more_than_three(self) -> None:
        core = limited()
        times = []
        for step in range(6 * 24 * 3):
            await core.application.subscribe(coming_from(str(IPv4Address(step + 2**28)), sign_up()))
            times += [step] * len(await kinds(core))
            core.clock.forward(timedelta(minutes=10))
        day = timedelta(days=1) // timedelta(minutes=10)
        assert len(times) > 3
        assert max(sum(begin <= time < begin + day for time in times) for begin in times) == 3

    async def test_who_asks_in_vain_uses_up_nothing(self) -> None:
        core = limited(email=ONE_A_DAY, notice=ONE_A_DAY)
        await core.application.create_newsletter(origin(), "weekly", "Weekly")
        reader = await core.confirmed()
        core.clock.forward(timedelta(days=1))
        async with core.store() as tx:
            cell = Admission(core.keys, core.policy.limits).notice(DEFAULT_NEWSLETTER, reader.email)
            await tx.limits.take_batch(cell)
        await core.application.subscribe(sign_up())
        await core.application.subscribe(sign_up(newsletter="weekly"))
        assert await kinds(core) == [LetterKind.CONFIRMATION]

    async def test_mails_that_are_withheld_are_on_record(self) -> None:
        core = limited(confirmation=ONE_A_DAY)
        for _ in range(3):
            await core.application.subscribe(sign_up())
        core.clock.forward(timedelta(minutes=2))
        assert await core.application.jobs.note_refusals() == 1
        event = (await core.audit())[-1]
        assert event.after
        assert (event.resource.id, event.after["refused"]) == ("confirmation", 2)

    async def test_what_is_too_much_for_a_mailbox_leaves_nothing_behind(self) -> None:
        core = limited(email=ONE_A_DAY)
        await core.application.create_newsletter(origin(), "weekly", "Weekly")
        await core.application.subscribe(sign_up())
        known = await core.audit()
        await core.application.subscribe(sign_up(newsletter="weekly"))
        assert await core.audit() == known
        assert await kinds(core) == [LetterKind.CONFIRMATION]

    @pytest.mark.parametrize("budget", ["recipient_domain", "mail_total"])
    async def test_a_budget_that_all_share_keeps_the_mail_and_not_the_sign_up(self, budget: str) -> None:
        core = limited(**{budget: ONE_A_DAY})
        await core.application.subscribe(sign_up("first@example.com"))
        await core.application.subscribe(sign_up())
        assert (await core.subscriber()).status is Status.PENDING
        assert [record.kind for record in await core.consent()] == [ConsentKind.REQUESTED]
        last = (await core.audit())[-1]
        assert last.after
        assert last.after["mail"] == "withheld"
        assert await kinds(core) == [LetterKind.CONFIRMATION]

    async def test_the_confirmed_are_told_once_a_day(self) -> None:
        core = limited(notice=ONE_A_DAY)
        await core.confirmed()
        for _ in range(3):
            await core.application.subscribe(sign_up(name="Stranger"))
        assert await kinds(core) == [LetterKind.NOTICE]
        core.clock.forward(timedelta(days=1))
        await core.application.subscribe(sign_up())
        assert await kinds(core) == [LetterKind.NOTICE]


class TestWhoIsRefused:
    @pytest.mark.parametrize(
        ("limit", "first", "second", "other"),
        [
            ("sign_up_network", "192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("sign_up_network", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"),
            ("sign_up_site", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:1::1"),
        ],
    )
    async def test_a_visitor_who_asks_too_often(self, limit: str, first: str, second: str, other: str) -> None:
        core = limited(**{limit: ONE_A_DAY})
        await core.application.subscribe(coming_from(first, sign_up("first@example.com")))
        with pytest.raises(LimitExceeded) as refused:
            await core.application.subscribe(coming_from(second, sign_up()))
        assert (refused.value.fields["scope"], refused.value.retry_after) == (limit, timedelta(days=1))
        await core.application.subscribe(coming_from(other, sign_up("third@example.com")))
        assert len(await kinds(core)) == 2

    async def test_one_who_is_refused_disturbs_no_neighbour_and_takes_from_no_other_limit(self) -> None:
        core = limited(sign_up_network=ONE_A_DAY, sign_up_total=Rate(2, timedelta(days=1)))
        batch = [
            coming_from("192.0.2.1", sign_up("a@example.com")),
            coming_from("192.0.2.1", sign_up("b@example.com")),
            sign_up("c@example.com", newsletter="unknown"),
            coming_from("192.0.2.2", sign_up("d@example.com")),
            coming_from("192.0.2.3", sign_up("e@example.com")),
        ]
        answers = await core.application.subscribe_batch(batch)
        assert [type(answer) for answer in answers] == [
            type(None), LimitExceeded, NewsletterUnknown, type(None), LimitExceeded,
        ]  # fmt: skip
        assert len(await kinds(core)) == 2

    async def test_one_who_is_refused_does_not_speak_for_a_neighbour_with_the_same_e_mail_address(self) -> None:
        core = limited(sign_up_network=ONE_A_DAY)
        await core.application.subscribe(coming_from("192.0.2.1", sign_up("first@example.com")))
        batch = [coming_from("192.0.2.1", sign_up()), coming_from("192.0.2.2", sign_up())]
        answers = await core.application.subscribe_batch(batch)
        assert [type(answer) for answer in answers] == [LimitExceeded, type(None)]
        assert (await core.subscriber()).status is Status.PENDING

    async def test_the_staff_answer_for_themselves(self) -> None:
        core = limited(sign_up_total=ONE_A_DAY)
        staff = attrs.evolve(evidence(), origin=origin(actor=Actor(ActorKind.ACCOUNT, "7")))
        for name in ("a", "b"):
            await core.application.subscribe(attrs.evolve(sign_up(f"{name}@example.com"), evidence=staff))
        assert len(await kinds(core)) == 2


class TestAskingAgain:
    async def test_an_expired_link_brings_a_new_mail_as_it_was_typed(self, core: Core) -> None:
        token = await core.token(name="Ada L.")
        core.clock.forward(timedelta(days=2))
        await core.application.ask_again(token, evidence())
        (parcel,) = await core.parcels(urgent=True)
        assert parcel.letter.kind is LetterKind.CONFIRMATION
        assert [record.kind for record in await core.consent()] == [ConsentKind.REQUESTED] * 2

    async def test_a_link_that_was_ended_brings_nothing(self, core: Core) -> None:
        token, subscriber = await core.token(), await core.subscriber()
        async with core.store() as tx:
            await tx.subscribers.end_rounds([subscriber.id])
        with pytest.raises(TokenUnknown):
            await core.application.ask_again(token, evidence())

    @pytest.mark.parametrize("erased", [False, True])
    async def test_a_round_that_ended_since_it_was_read_is_not_opened_again(self, core: Core, *, erased: bool) -> None:
        await core.token()
        reader = await core.subscriber()
        async with core.store.reading() as tx:
            opened = await tx.subscribers.last_round(reader.id)
        people = core.application.people
        await (people.erase(origin(), reader.id) if erased else people.unsubscribe(origin(), reader.id))
        before = await core.audit()
        again = attrs.evolve(sign_up(), repeats=opened)
        assert await core.application.subscribe_batch.sign_up_batch([again]) == [Outcome.NOTHING]
        assert await people.browse("default") == ([] if erased else [attrs.evolve(reader, status=Status.UNSUBSCRIBED)])
        assert await core.audit() == before

    async def test_it_is_limited_as_any_sign_up(self) -> None:
        core = limited(sign_up_total=ONE_A_DAY)
        token = await core.token()
        with pytest.raises(Refusal, match="Too many"):
            await core.application.ask_again(token, Evidence(origin(), "mail"))
        assert (await core.subscriber(ADA)).status is Status.PENDING


class TestRoundsThatLapse:
    async def test_who_never_confirmed_is_forgotten(self, core: Core) -> None:
        await core.token()
        subscriber = await core.subscriber()
        core.clock.forward(timedelta(days=31))
        assert await core.application.jobs.lapse_rounds() == 1
        async with core.store.reading() as tx:
            assert await tx.subscribers.get_batch([subscriber.id]) == {}
            (record,) = await tx.consent.of([subscriber.id])
        assert record.evidence.origin.network_address is None
        assert (await core.audit())[-1].after == {"returned": 0, "removed": 1}
        assert await core.application.jobs.lapse_rounds() == 0

    async def test_who_had_left_has_left_again(self, core: Core) -> None:
        known = attrs.evolve(await core.confirmed(), status=Status.UNSUBSCRIBED)
        await core.save(known)
        token = await core.token()
        core.clock.forward(timedelta(days=31))
        assert await core.application.jobs.lapse_rounds() == 1
        assert await core.subscriber() == known
        with pytest.raises(TokenUnknown):
            await core.application.ask_again(token, evidence())

    async def test_a_younger_sign_up_keeps_the_subscriber(self, core: Core) -> None:
        await core.token()
        core.clock.forward(timedelta(days=20))
        await core.token()
        core.clock.forward(timedelta(days=20))
        assert await core.application.jobs.lapse_rounds() == 0
        assert (await core.subscriber()).status is Status.PENDING


class TestRotation:
    async def test_who_is_suppressed_is_known_under_the_newest_key_after_their_sign_up(self) -> None:
        core = Core()
        await core.application.people.suppress(origin(), EmailAddress.parse(ADA))
        await core.over(core.store, keys=ROTATED).subscribe(sign_up())
        async with core.store.reading() as tx:
            ((found),) = await tx.suppressions.of(digests(ROTATED, EmailAddress.parse(ADA)))
        assert found.digest.key_id == NEWER.id

    async def test_a_sign_up_that_is_written_does_not_fail_for_it(self) -> None:
        core = Core()
        await core.application.people.suppress(origin(), EmailAddress.parse(ADA))
        application = core.over(FailsAtSecond(core.store), keys=ROTATED)
        assert await application.subscribe_batch([sign_up(), sign_up("bob@example.com")]) == [None, None]
        assert (await core.subscriber("bob@example.com")).status is Status.PENDING
