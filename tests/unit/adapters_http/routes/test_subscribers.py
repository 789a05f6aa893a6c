"""Signing up, confirming and leaving, as a visitor and as somebody hostile."""

import html
from collections.abc import Mapping

import attrs
import pytest
from structlog.testing import capture_logs

from adapters_http.form_texts import CONFIRM_FORM, SUBSCRIBE_FORM, UNSUBSCRIBE_FORM
from adapters_http.wording import LABELS
from tests.support.http import CONFIG, FORM, House, serving
from tests.support.outages import Outage
from zero2prod.testing.builders import KEYS, new_id, origin
from zero2prod_core.domain.consent import Consent, ConsentKind
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text

SIGN_UP = {"name": "Ada", "email": "ada@example.com"}

ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
SHOWN = f"form={UNSUBSCRIBE_FORM.version}".encode()


async def _found(house: House, email: str = "ada@example.com") -> Subscriber | None:
    async with house.uow.reading() as tx:
        return await tx.subscribers.find(DEFAULT_NEWSLETTER.id, EmailAddress.parse(email))


async def _reader(house: House) -> Subscriber:
    found = await _found(house)
    assert found
    return found


async def _evidence(house: House) -> list[Consent]:
    found = await _reader(house)
    async with house.uow.reading() as tx:
        return list(await tx.consent.of([found.id]))


async def _token(house: House) -> str:
    assert (await house.post("/subscriptions", SIGN_UP)).status == 200
    return await house.confirmation_token()


async def test_a_sign_up_waits_for_its_confirmation(house: House) -> None:
    answer = await house.post("/subscriptions", SIGN_UP)
    assert (answer.status, "Look into your mailbox" in answer.text) == (200, True)
    found = await _found(house)
    assert found
    assert (found.name.text, found.status) == ("Ada", Status.PENDING)


async def test_the_answer_is_the_same_whatever_is_known(house: House) -> None:
    new = await house.post("/subscriptions", SIGN_UP)
    token = await house.confirmation_token()
    pending = await house.post("/subscriptions", SIGN_UP)
    await house.post("/subscriptions/confirm", {"subscription_token": token})
    confirmed = await house.post("/subscriptions", SIGN_UP)
    assert new.body == pending.body == confirmed.body
    assert {new.status, pending.status, confirmed.status} == {200}


@pytest.mark.parametrize("name", ["Robert'; DROP TABLE", "Maria Castillo", "José 🎉", "Ursula  Le Guin", "李小龍"])
async def test_whatever_is_a_name_is_kept_as_typed(house: House, name: str) -> None:
    await house.post("/subscriptions", SIGN_UP | {"name": f" {name} "})
    found = await _found(house)
    assert found
    assert found.name.text == name


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "name"),
        ({"name": "Ada"}, "email"),
        ({"email": "ada@example.com"}, "name"),
        ({"name": "", "email": ""}, "name"),
        ({"name": "   ", "email": "ada@example.com"}, "name"),
        ({"name": "Ada", "email": "  "}, "email"),
        ({"name": "Ada<b>", "email": "nonsense"}, "name"),
        ({"name": "Ada", "email": "nonsense"}, "email"),
        ({"name": "x" * 257, "email": "ada@example.com"}, "name"),
        ({"name": "Ada", "email": "a" * 250 + "@example.com"}, "email"),
        ({"name": "A\0da", "email": "ada@example.com"}, "name"),
        ({"name": "Ada", "email": "ada@example.com\0"}, "email"),
        ({"name": "Ada\r\nBcc: all", "email": "ada@example.com"}, "name"),
        ({"name": "Ada", "email": "ada@example.com\r\nBcc: all@example.com"}, "email"),
        ({"name": "Ada", "email": "ada@example.com", "newsletter": "Not A Slug"}, "newsletter"),
        ({"name": "Ada", "email": "ada@example.com", "newsletter": "unknown"}, "newsletter"),
    ],
)
async def test_bad_input_is_a_400_that_names_the_field_and_leaves_no_row(
    house: House, fields: Mapping[str, str], field: str
) -> None:
    answer = await house.post("/subscriptions", fields)
    assert answer.status == 400
    assert f'role="alert" id="refusal"><p>{LABELS[field]}' in answer.text
    assert await _found(house) is None


@pytest.mark.parametrize("body", [b"name=%ff&email=a%40b.example", b"name=a&name=b&email=a%40b.example", b"\xff=\xfe"])
async def test_what_is_no_text_is_a_400_that_names_the_field(house: House, body: bytes) -> None:
    answer = await house.send("POST", "/subscriptions", FORM, body)
    assert answer.status == 400
    assert "<p>Name " in answer.text


async def test_a_refused_form_keeps_what_was_typed_and_marks_the_field(house: House) -> None:
    answer = await house.post("/subscriptions", {"name": "Ada", "email": '"><script>alert(1)</script>'})
    assert 'value="Ada"' in answer.text
    assert 'value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in answer.text
    assert "<script" not in answer.text
    email = answer.text[answer.text.index('<input id="email"') :].split(">")[0]
    assert 'aria-invalid="true"' in email
    assert 'aria-describedby="refusal"' in email
    assert answer.text.count("aria-invalid") == 1


async def test_fields_that_are_not_ours_are_ignored(house: House) -> None:
    answer = await house.post("/subscriptions", SIGN_UP | {"utm": "x", "status": "confirmed", "id": str(new_id())})
    found = await _found(house)
    assert answer.status == 200
    assert found
    assert found.status is Status.PENDING


async def test_another_newsletter_can_be_named(house: House) -> None:
    gardens = await house.application.create_newsletter(origin(), "gardens", "Gardens")
    assert (await house.post("/subscriptions", SIGN_UP | {"newsletter": "gardens"})).status == 200
    async with house.uow.reading() as tx:
        assert await tx.subscribers.count(gardens.id, Status.PENDING) == 1


async def test_the_hosted_form_s_words_are_kept_as_evidence(house: House) -> None:
    await house.post("/subscriptions", SIGN_UP | {"form": SUBSCRIBE_FORM.version}, headers={"User-Agent": "A browser"})
    (record,) = await _evidence(house)
    assert (record.evidence.source, record.evidence.form_hash) == ("form", SUBSCRIBE_FORM.hash)
    assert record.evidence.origin.network_address == "127.0.0.1"
    assert record.evidence.origin.user_agent == "A browser"


async def test_a_link_leads_to_a_button_and_the_button_confirms(house: House) -> None:
    token = await _token(house)
    for _ in range(2):
        page = await house.get(f"/subscriptions/confirm?subscription_token={token}")
        assert page.status == 200
        assert f'name="subscription_token" value="{token}"' in page.text
    found = await _found(house)
    assert found
    assert found.status is Status.PENDING
    fields = {"subscription_token": token, "form": CONFIRM_FORM.version}
    first, again = [await house.post("/subscriptions/confirm", fields) for _ in range(2)]
    assert (first.status, again.status, first.body) == (200, 200, again.body)
    found = await _found(house)
    assert found
    assert found.status is Status.CONFIRMED
    assert (await _evidence(house))[-1].evidence.form_hash == CONFIRM_FORM.hash


async def test_the_pages_of_a_link_have_the_newsletter_s_name(house: House) -> None:
    token = await _token(house)
    path = f"/subscriptions/confirm?subscription_token={token}"
    assert "<title>Confirm your subscription · zero2prod</title>" in (await house.get(path)).text
    await house.application.edit_newsletter(origin(), "default", name="The <Garden>")
    asked = (await house.get(path)).text
    assert "<h1>Confirm your subscription to <bdi>The &lt;Garden&gt;</bdi></h1>" in asked
    answered = (await house.post("/subscriptions/confirm", {"subscription_token": token})).text
    for page in (asked, answered):
        assert " · The &lt;Garden&gt;</title>" in page
        assert '<a class="brand" href="/"><bdi>The &lt;Garden&gt;</bdi></a>' in page


@pytest.mark.parametrize(
    "query", ["subscription_token={}", "token={}", "token=old&subscription_token={}", "token={}&x=1"]
)
async def test_the_token_has_two_names(house: House, query: str) -> None:
    answer = await house.get("/subscriptions/confirm?" + query.format(await _token(house)))
    assert answer.status == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?subscription_token=", 400),
        ("?subscription_token=short", 400),
        ("?subscription_token=" + "x" * 129, 400),
        ("?subscription_token=%00" + "x" * 42, 400),
        ("?subscription_token=%ff" + "x" * 42, 400),
        ("?subscription_token=<script>alert(1)</script>", 400),
        ("?subscription_token=" + "x" * 43 + "&subscription_token=" + "y" * 43, 400),
        ("?subscription_token=" + "x" * 43, 401),
        ("?subscription_token=" + token_text(KEYS.newest, Purpose.CONFIRM, new_id()), 401),
        ("?subscription_token=" + token_text(KEYS.newest, Purpose.SET_UP, new_id()), 401),
    ],
)
async def test_links_that_are_none(house: House, query: str, status: int) -> None:
    answer = await house.get("/subscriptions/confirm" + query)
    assert answer.status == status
    assert "<script" not in answer.text
    assert ("Ask for a new link" in answer.text) is (status == 401)


@pytest.mark.parametrize(("token", "status"), [("", 400), ("short", 400), ("x" * 43, 401), ("\0" * 43, 400)])
async def test_buttons_that_are_none(house: House, token: str, status: int) -> None:
    answer = await house.post("/subscriptions/confirm", {"subscription_token": token})
    assert answer.status == status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_following_the_link_never_confirms(house: House, method: str) -> None:
    token = await _token(house)
    await house.send(method, f"/subscriptions/confirm?subscription_token={token}")
    found = await _found(house)
    assert found
    assert found.status is Status.PENDING


@pytest.mark.parametrize(("method", "status"), [("GET", Status.CONFIRMED), ("HEAD", Status.PENDING)])
async def test_following_the_link_confirms_only_where_that_was_chosen(method: str, status: Status) -> None:
    async with serving(attrs.evolve(CONFIG, confirm_on_get=True)) as house:
        token = await _token(house)
        answer = await house.send(method, f"/subscriptions/confirm?subscription_token={token}")
        found = await _found(house)
    assert answer.status == 200
    assert found
    assert found.status is status


# Leaving: the page in a browser, and one click in a mail program (RFC 8058)


async def _withdrawals(house: House) -> list[Consent]:
    return [record for record in await _evidence(house) if record.kind is ConsentKind.WITHDRAWN]


async def _link(house: House) -> str:
    """The path in the issues of a reader who has confirmed."""
    await house.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})
    await house.post("/subscriptions/confirm", {"subscription_token": await house.confirmation_token()})
    found = await _reader(house)
    assert found.status is Status.CONFIRMED
    return "/unsubscribe/" + token_text(KEYS.newest, Purpose.UNSUBSCRIBE, found.id)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_following_the_link_in_an_issue_changes_nothing(house: House, method: str) -> None:
    link = await _link(house)
    for _ in range(2):
        assert (await house.send(method, link)).status == 200
    assert (await _reader(house)).status is Status.CONFIRMED
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
    assert (await _reader(house)).status is Status.UNSUBSCRIBED
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
    assert (await _reader(house)).status is Status.CONFIRMED


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
async def test_unsubscribe_links_that_are_none(house: House, method: str, token: str, status: int) -> None:
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
