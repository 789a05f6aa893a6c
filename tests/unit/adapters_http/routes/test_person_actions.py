"""What the staff do for a reader."""

import re
from uuid import UUID

import attrs
import pytest

from tests.support.http import CONFIG, JSON, House, serving
from zero2prod.testing.builders import email, evidence, new_id, origin, sign_up, subscriber
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.limits import NO_LIMITS
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.suppressions import Reason

LIST = "/admin/subscribers"
ADA = email("ada@example.com")
ACTIONS = ["resend", "unsubscribe", "complaint", "suppress", "lift"]


@pytest.fixture
async def ada(staff: House) -> Subscriber:
    """A confirmed reader."""
    await staff.application.subscribe(sign_up())
    await staff.application.confirm(await staff.confirmation_token(), evidence())
    return await found(staff)


async def found(house: House) -> Subscriber:
    async with house.uow.reading() as tx:
        subscriber = await tx.subscribers.find(DEFAULT_NEWSLETTER.id, ADA)
    assert subscriber
    return subscriber


async def reasons(house: House, id_: UUID) -> list[Reason]:
    person = await house.application.people.show(origin(), id_)
    return [each.reason for each in person.suppressions]


async def actions(house: House) -> list[Action]:
    """What went on record, the newest first; looks apart."""
    async with house.uow.reading() as tx:
        return [event.action for event in await tx.audit.tail(100) if event.action is not Action.SENSITIVE_READ]


async def act(house: House, id_: UUID, action: str, **fields: str) -> str:
    """The page that it leads back to."""
    answer = await house.post(f"{LIST}/{id_}/{action}", fields)
    assert (answer.status, answer.location) == (303, f"{LIST}/{id_}")
    return (await house.get(answer.location)).text


async def test_unsubscribing_twice_is_unsubscribing(staff: House, ada: Subscriber) -> None:
    for _ in range(2):
        assert "The reader gets no more issues of this newsletter." in await act(staff, ada.id, "unsubscribe")
        assert (await found(staff)).status is Status.UNSUBSCRIBED
    recorded = await actions(staff)
    assert recorded.count(Action.SUBSCRIBER_UNSUBSCRIBED) == 1
    assert "Withdrew the consent by a member of the staff" in (await staff.get(f"{LIST}/{ada.id}")).text


async def test_a_confirmation_is_sent_again() -> None:
    async with serving(attrs.evolve(CONFIG, limits=NO_LIMITS)) as house:
        await house.log_in()
        await house.application.subscribe(sign_up())
        id_ = (await found(house)).id
        assert "Send the confirmation again" in (await house.get(f"{LIST}/{id_}")).text
        assert "The mail with the link to confirm is on its way." in await act(house, id_, "resend")
        mails = (await house.application.deliveries.claim("test", 10, urgent=True)).parcels
        assert {mail.delivery.key.recipient for mail in mails} == {id_}
        assert len(mails) == 2


async def test_whom_no_mail_may_reach_gets_none(staff: House) -> None:
    await staff.application.subscribe(sign_up())
    id_ = (await found(staff)).id
    await act(staff, id_, "suppress")
    assert "or mail is kept from this e-mail address" in await act(staff, id_, "resend")


async def test_beyond_the_limits_no_mail_is_sent(staff: House) -> None:
    await staff.application.subscribe(sign_up())
    page = await act(staff, (await found(staff)).id, "resend")
    assert re.search(r"as many as limits allow\. Try again after \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.", page)
    assert re.search(r"Mail with the link to confirm: none before <time[^>]*>[^<]+</time>, whoever asks for it", page)


async def test_within_the_limits_nothing_is_held_back() -> None:
    async with serving(attrs.evolve(CONFIG, limits=NO_LIMITS)) as house:
        await house.log_in()
        await house.application.subscribe(sign_up())
        page = (await house.get(f"{LIST}/{(await found(house)).id}")).text
    assert "Nothing just now: a mail that somebody asks for is sent." in page


async def test_who_has_confirmed_has_nothing_to_confirm(staff: House, ada: Subscriber) -> None:
    page = await act(staff, ada.id, "resend")
    assert '<div class="note wrong" role="alert">' in page
    assert "No sign-up of this reader waits for its confirmation" in page
    assert (await staff.post(f"{LIST}/{ada.id}/resend", {}, JSON)).status == 409


async def test_a_complaint_ends_every_newsletter(staff: House, ada: Subscriber) -> None:
    for _ in range(2):
        assert "The complaint is recorded." in await act(staff, ada.id, "complaint")
        assert (await found(staff)).status is Status.COMPLAINED
    assert (await actions(staff)).count(Action.SUBSCRIBER_COMPLAINED) == 1
    page = (await staff.get(f"{LIST}/{ada.id}")).text
    assert "<strong>Complained.</strong>" in page
    assert "The reader called a mail unwanted. Only you can lift it." in page
    assert f'action="{LIST}/{ada.id}/lift"' in page


async def test_mail_is_kept_away_with_a_note(staff: House, ada: Subscriber) -> None:
    assert "/lift" not in (await staff.get(f"{LIST}/{ada.id}")).text
    page = await act(staff, ada.id, "suppress", note="Wrote to us <by post>")
    assert "Wrote to us &lt;by post&gt;" in page
    assert await reasons(staff, ada.id) == [Reason.MANUAL]
    assert (await found(staff)).status is Status.CONFIRMED


async def test_lifting_needs_a_reason(staff: House, ada: Subscriber) -> None:
    await act(staff, ada.id, "complaint")
    for fields in ({}, {"reason": "  "}):
        assert "Reason is missing. Fill it in and try again." in await act(staff, ada.id, "lift", **fields)
    assert "Reason must have at most 500 characters" in await act(staff, ada.id, "lift", reason="x" * 501)
    assert await reasons(staff, ada.id) == [Reason.COMPLAINT]
    page = await act(staff, ada.id, "lift", reason="She wrote that it was a mistake")
    assert "What kept mail away is lifted." in page
    assert "<dd><bdi>She wrote that it was a mistake</bdi></dd>" in page
    assert await reasons(staff, ada.id) == []
    assert (await found(staff)).status is Status.UNSUBSCRIBED
    assert "Nothing kept mail away any more." in await act(staff, ada.id, "lift", reason="Again")


async def test_erasing_asks_first_and_says_what_stays(staff: House, ada: Subscriber) -> None:
    page = await staff.get(f"{LIST}/{ada.id}/erase")
    assert page.status == 200
    assert "Erase <bdi>ada@example.com</bdi>?" in page.text
    assert "a keyed hash of the e-mail address" in page.text
    assert (await found(staff)).status is Status.CONFIRMED


async def test_who_is_erased_is_gone(staff: House, ada: Subscriber) -> None:
    path = f"{LIST}/{ada.id}/erase"
    answer = await staff.post(path)
    assert (answer.status, answer.location) == (303, LIST)
    page = (await staff.get(LIST)).text
    assert "The reader is erased." in page
    assert "ada@example.com" not in page
    assert (await staff.get(f"{LIST}/{ada.id}")).status == 404
    assert (await staff.post(path)).location == LIST
    assert "Nobody of this id is known any more." in (await staff.get(LIST)).text
    assert (await staff.post(path, {}, JSON)).status == 404


@pytest.mark.parametrize("action", ACTIONS)
async def test_for_nobody_nothing_can_be_done(staff: House, action: str) -> None:
    answer = await staff.post(f"{LIST}/{new_id()}/{action}", {"reason": "Why not"})
    assert answer.status == 404
    assert "This subscriber does not exist." in answer.text


@pytest.mark.parametrize("action", [*ACTIONS, "erase"])
async def test_it_takes_a_session_and_our_own_form(staff: House, ada: Subscriber, action: str) -> None:
    path, fields = f"{LIST}/{ada.id}/{action}", {"reason": "Why not"}
    assert (await staff.post(path, fields, {"Sec-Fetch-Site": "cross-site"})).status == 403
    staff.client.cookie_jar.clear()
    answer = await staff.post(path, fields)
    assert (answer.status, answer.location) == (303, "/login")
    assert await found(staff) == ada


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_link_does_nothing(staff: House, ada: Subscriber, method: str, action: str) -> None:
    answer = await staff.send(method, f"{LIST}/{ada.id}/{action}")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert await found(staff) == ada


async def test_another_newsletter_of_the_same_person_stays(staff: House, ada: Subscriber) -> None:
    weekly = await staff.application.create_newsletter(origin(), "weekly", "The weekly")
    async with staff.uow() as tx:
        await tx.subscribers.claim_batch([there := subscriber(ADA, newsletter=weekly.id)])
    page = await act(staff, there.id, "unsubscribe")
    assert page.count("<strong>Unsubscribed.</strong>") == 1
    assert (await found(staff)).status is Status.CONFIRMED
