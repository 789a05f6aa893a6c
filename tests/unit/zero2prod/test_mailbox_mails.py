"""What the catcher keeps, and how the octets of mails become something to show."""

import asyncio
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zero2prod.mailbox_mails import CUT, MOST_SHOWN, SOURCE_CUT, TOO_DEEP, Mail, Mails, as_text, read

NOW = datetime(2026, 11, 22, 10, 20, 30, tzinfo=UTC)
PLAIN = b"From: a@example.com\r\nSubject: %b\r\n\r\nHello\r\n"


def catch(source: bytes) -> Mail:
    return Mails(lambda: NOW).catch("envelope@example.com", ["reader@example.com"], source)


def nested(depth: int) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(depth))
    tail = b"".join(b"--b%d--\r\n" % n for n in reversed(range(depth)))
    return b"Subject: nested\r\n" + head + b"Content-Type: text/plain\r\n\r\nat the bottom\r\n" + tail


def test_a_mail_is_kept_with_its_envelope_its_time_and_its_octets() -> None:
    source = PLAIN % b"Confirm"
    assert catch(source) == Mail(
        number=1,
        sender="envelope@example.com",
        recipients=("reader@example.com",),
        received=NOW,
        author="a@example.com",
        subject="Confirm",
        source=source,
    )


def test_the_newest_come_first_and_are_found_by_number() -> None:
    mails = Mails(lambda: NOW)
    first, second = mails.catch("a", ["b"], b"one"), mails.catch("a", ["b"], b"two")
    assert mails.newest_first() == [second, first]
    assert mails.find(1) is first
    assert mails.find(3) is None


def test_the_oldest_go_when_there_are_too_many() -> None:
    mails = Mails(lambda: NOW, most=2)
    for _ in range(5):
        mails.catch("a", ["b"], b"")
    assert [mail.number for mail in mails.newest_first()] == [5, 4]


def test_the_oldest_go_when_they_are_too_large_but_never_the_newest() -> None:
    mails = Mails(lambda: NOW, most_octets=10)
    for source in (b"12345", b"12345", b"1"):
        mails.catch("a", ["b"], source)
    assert [mail.number for mail in mails.newest_first()] == [3, 2]
    mails.catch("a", ["b"], b"larger than all together")
    assert [mail.number for mail in mails.newest_first()] == [4]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?= =?utf-8?b?8J+OiQ==?=", "Grüße🎉"),
        ("Grüße 🎉".encode(), "Grüße 🎉"),
        (b"folded\r\n  over lines", "folded over lines"),
        (b"\xff\xfe garbage", "\ufffd\ufffd garbage"),
        (b"=?no-such-charset?q?abc?=", "=?no-such-charset?q?abc?="),
        (b"=?utf-8?b?!!!!!?=", "=?utf-8?b?!!!!!?="),
        (b"=?utf-8?q?=FF?=", "=?utf-8?q?=FF?="),
        (b"=?unicode_escape?q?=5Cud800?=", "\ufffd"),
        (b"", ""),
    ],
)
def test_a_subject_is_decoded_as_far_as_it_can_be(raw: bytes, shown: str) -> None:
    assert catch(PLAIN % raw).subject == shown


def test_a_mail_without_headers_shows_the_envelopes_sender() -> None:
    mail = catch(b"no headers at all")
    assert (mail.author, mail.subject) == ("envelope@example.com", "")


def test_octets_in_an_envelope_that_are_no_utf_8_are_replaced() -> None:
    mail = Mails(lambda: NOW).catch("a\udcff@example.com", ["b\udcff@example.com"], b"")
    assert (mail.sender, mail.recipients) == ("a\ufffd@example.com", ("b\ufffd@example.com",))


def test_the_first_text_and_the_first_html_are_shown_and_attachments_are_not() -> None:
    message = EmailMessage(policy=SMTP)
    message["To"] = "Jörg <j@example.com>"
    message["Date"] = "Sun, 22 Nov 2026 10:20:30 +0000"
    message.set_content("Grüße 🎉\n")
    message.add_alternative("<p>Grüße</p>\n", subtype="html")
    message.add_attachment("attached\n", filename="notes.txt")
    content = read(message.as_bytes())
    assert content.to == "Jörg <j@example.com>"
    assert content.date == "Sun, 22 Nov 2026 10:20:30 +0000"
    assert (content.text or "").split() == ["Grüße", "🎉"]
    assert (content.html or "").split() == ["<p>Grüße</p>"]


def test_a_text_that_is_only_attached_is_not_the_mails_text() -> None:
    content = read(b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx")
    assert (content.text, content.html) == (None, None)


@pytest.mark.parametrize("charset", [b"no-such", b"rot13", b"undefined", b"idna", b"a\x00b", b"'''"])
def test_a_text_of_an_unknown_charset_is_read_as_utf_8(charset: bytes) -> None:
    source = b'Content-Type: text/plain; charset="' + charset + b'"\r\n\r\nGr\xc3\xbc\xc3\x9fe'
    text = read(source).text
    assert text is not None
    assert "e" in text


def test_a_text_longer_than_a_page_can_show_is_cut() -> None:
    text = read(b"\r\n" + b"x" * (MOST_SHOWN + 1)).text
    assert text == "x" * MOST_SHOWN + CUT


def test_a_source_longer_than_a_page_can_show_is_cut() -> None:
    assert as_text(b"x" * MOST_SHOWN) == "x" * MOST_SHOWN
    assert as_text(b"x" * (MOST_SHOWN + 1)) == "x" * MOST_SHOWN + SOURCE_CUT


@pytest.mark.parametrize(("depth", "text"), [(10, "at the bottom"), (5_000, TOO_DEEP)])
async def test_deep_nesting_is_read_or_said_to_be_too_deep(depth: int, text: str) -> None:
    content = await asyncio.to_thread(read, nested(depth))
    assert content.text == text


FRAGMENTS = """
Subject:| From:| To:|Content-Type:| multipart/mixed; boundary=b| multipart/alternative| message/rfc822|
 message/delivery-status| text/plain| text/html|; charset=|utf-7|utf-16|idna|punycode|unicode_escape|undefined|
 charset*=utf-8'|charset*0*=|Content-Transfer-Encoding:| base64| quoted-printable| x-uuencode|begin 644 a|
Content-Disposition:| attachment; filename=|--b|--b--|=?utf-8?b?|=?idna?q?|=?x?b?|?=|AAA=|"|'|<a@b>|;|\r\n|\r\n\r\n
""".strip().split("|")

garbage = st.lists(st.sampled_from(FRAGMENTS).map(str.encode) | st.binary(max_size=6), max_size=30).map(b"".join)


@settings(max_examples=300)
@given(garbage)
def test_whatever_comes_can_be_kept_shown_and_encoded(source: bytes) -> None:
    mail, content = catch(source), read(source)
    shown = [
        mail.author,
        mail.subject,
        content.to,
        content.reply_to,
        content.date,
        content.text or "",
        content.html or "",
    ]
    assert all(text.encode("utf-8").decode("utf-8") == text for text in shown)
    assert mail.source is source
