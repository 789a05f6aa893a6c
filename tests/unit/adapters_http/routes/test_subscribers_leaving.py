"""Leaving: the page in a browser, and one click in a mail program (RFC 8058)."""

import html

import pytest
from structlog.testing import capture_logs

from adapters_http.form_texts import UNSUBSCRIBE_FORM
from tests.support.http import FORM, House
from tests.support.outages import Outage
from zero2prod.testing.builders import KEYS, new_id
from zero2prod_core.domain.consent import Consent, ConsentKind
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
SHOWN = f"form={UNSUBSCRIBE_FORM.version}".encode()


async def _found(house: House) -> Subscriber:
    async with house.uow.reading() as tx:
        found: Subscriber | None = await tx.subscribers.find(
            DEFAULT_NEWSLETTER.id, EmailAddress.parse("ada@example.com")
        )
    assert found
    return found


async def _withdrawals(house: House) -> list[Consent]:
    found = await _found(house)
    async with house.uow.reading() as tx:
        records = await tx.consent.of(found.id)
    return [record for record in records if record.kind is ConsentKind.WITHDRAWN]


async def _link(house: House) -> str:
    """The path in the issues of a reader who has confirmed."""
    await house.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})
    await house.post("/subscriptions/confirm", {"subscription_token": await house.confirmation_token()})
    found = await _found(house)
    assert found.status is Status.CONFIRMED
    return "/unsubscribe/" + token_text(KEYS.newest, Purpose.UNSUBSCRIBE, found.id)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_following_the_link_changes_nothing(house: House, method: str) -> None:
    link = await _link(house)
    for _ in range(2):
        assert (await house.send(method, link)).status == 200
    assert (await _found(house)).status is Status.CONFIRMED
    assert await _withdrawals(house) == []


async def test_the_page_asks_with_one_button_and_tells_nothing_of_the_person(house: House) -> None:
    answer = await house.get(await _link(house))
    page = html.unescape(answer.text)
    for words in UNSUBSCRIBE_FORM.words.values():
        assert words in page
    assert page.count("<button") == 1
    assert f'name="form" value="{UNSUBSCRIBE_FORM.version}"' in page
    assert "ada@example.com" not in page
    assert "Ada" not in page
    assert not answer.cookies


@pytest.mark.parametrize(
    ("headers", "body", "source"),
    [
        (FORM, SHOWN, "mail"),
        (FORM, ONE_CLICK, "one-click"),
        ({"Content-Type": "multipart/form-data; boundary=b"}, MULTIPART, "one-click"),
        ({}, None, "one-click"),
        (FORM, b"", "one-click"),
        (FORM, b"form=a&form=b", "one-click"),
        (FORM, b"form=%ff", "one-click"),
        (FORM, b"&x" * 200, "one-click"),
        ({"Content-Type": "application/json"}, b"{}", "one-click"),
        ({"Content-Type": "multipart/form-data"}, b"nonsense", "one-click"),
        ({**FORM, "Content-Encoding": "gzip"}, b"\x1f\x8b", "one-click"),
        ({**FORM, "Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}, ONE_CLICK, "one-click"),
    ],
)
async def test_the_link_alone_decides_whatever_is_sent_along(
    house: House, headers: dict[str, str], body: bytes | None, source: str
) -> None:
    link = await _link(house)
    answers = [await house.send("POST", link, headers, body) for _ in range(2)]
    for answer in answers:
        assert (answer.status, "You are unsubscribed" in answer.text) == (200, True)
        assert not answer.cookies
        assert "Location" not in answer.headers
    assert (await _found(house)).status is Status.UNSUBSCRIBED
    (record,) = await _withdrawals(house)
    assert record.evidence.source == source
    assert (record.evidence.form_hash == UNSUBSCRIBE_FORM.hash) is (source == "mail")
    assert record.evidence.origin.network_address == "127.0.0.1"


async def test_another_version_of_the_page_is_no_proof_of_this_one(house: House) -> None:
    await house.send("POST", await _link(house), FORM, b"form=unsubscribe-0")
    (record,) = await _withdrawals(house)
    assert (record.evidence.source, record.evidence.form_version) == ("mail", None)


async def test_a_session_in_the_same_browser_stands_in_nobody_s_way(staff: House) -> None:
    headers = {**FORM, "Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}
    assert (await staff.send("POST", await _link(staff), headers, ONE_CLICK)).status == 200


async def test_a_body_that_is_too_long_is_refused(house: House) -> None:
    answer = await house.send("POST", await _link(house), FORM, b"x" * (16 * 1024 + 1))
    assert answer.status == 413
    assert (await _found(house)).status is Status.CONFIRMED


@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("", 400),
        ("short", 400),
        ("x" * 129, 400),
        ("%00" + "x" * 42, 400),
        ("%ff" + "x" * 42, 400),
        ("<script>", 400),
        ("x" * 43, 401),
        (token_text(KEYS.newest, Purpose.UNSUBSCRIBE, new_id()), 401),
        (token_text(KEYS.newest, Purpose.CONFIRM, new_id()), 401),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_links_that_are_none(house: House, method: str, token: str, status: int) -> None:
    answer = await house.send(method, f"/unsubscribe/{token}")
    assert answer.status == status
    assert "<script" not in answer.text
    assert ("Every issue ends with a link of its own" in answer.text) is (status == 401)
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("outage", [Outage.NONE, Outage.AWAY, Outage.BROKEN])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_log_holds_the_token(house: House, method: str, outage: Outage) -> None:
    link = await _link(house)
    house.uow.outage = outage
    with capture_logs() as logs:
        answer = await house.send(method, link)
    assert logs[-1]["route"] == "/unsubscribe/{token}"
    token = link.rpartition("/")[2]
    assert token not in str(logs)
    assert token not in answer.text
