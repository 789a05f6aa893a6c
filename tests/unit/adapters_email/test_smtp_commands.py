"""The bytes of a mail on the wire: nothing that anybody wrote can end it early."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters_email.composing import Envelope, Mail, compose
from adapters_email.opening import Offers
from adapters_email.smtp_commands import END_OF_DATA, chunk, mail_from, objection, on_the_wire, rcpt_to, stuffed
from tests.support.parcels import issue, listed, parcel

HOSTILE = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b".", b"..", b"MAIL FROM:<a@b.c>", b"\0", "ä".encode(), b"x", b"\r\n.\r\n", b"\n.\n"]
    )
).map(b"".join)
PLAIN = Envelope("daily@news.example.com", "ursula@example.com", utf8=False)
EVERYTHING = Offers.read("relay.test\nSIZE 1000\n8BITMIME\nSMTPUTF8")
NOTHING = Offers.read("relay.test")


def unstuffed(data: bytes) -> bytes:
    """What a server keeps of DATA (RFC 5321 §4.5.2)."""
    return re.sub(rb"(?m)^\.", b"", data)


@given(HOSTILE)
@example(b"")
@example(b".\r\n")
@example(b"a\n.\nMAIL FROM:<x@y.z>\n")
@example(b"a\r.\rb")
@example(b"a\r\n.\rb")
def test_a_mail_ends_where_it_ends_and_nowhere_else(content: bytes) -> None:
    data = stuffed(Mail(PLAIN, content)) + END_OF_DATA
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data)
    assert (b"\r\n" + data).find(b"\r\n.\r\n") == len(data) - len(END_OF_DATA)


@given(HOSTILE)
def test_what_the_server_keeps_is_the_same_over_data_and_bdat(content: bytes) -> None:
    mail = Mail(PLAIN, content)
    assert unstuffed(stuffed(mail)) == on_the_wire(mail)
    assert re.sub(rb"\r\n|\r|\n", b"\n", content).removesuffix(b"\n") == on_the_wire(mail).replace(
        b"\r\n", b"\n"
    ).removesuffix(b"\n")


@given(st.text(), st.text(), st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))))
@example(".\n..\n", "<p>\n.\n</p>", ".")
@example("a\r.\r\nb", "a\r\n.\r\nb", "x")
def test_a_composed_mail_is_as_it_claims_to_be(text: str, html: str, subject: str) -> None:
    letter = issue(
        subject or "x", text.encode("utf-8", "ignore").decode() or "x", html.encode("utf-8", "ignore").decode()
    )
    mail = compose(listed(parcel(letter)))
    assert mail.is_composed
    plain = Mail(mail.envelope, mail.content)
    assert stuffed(plain) == stuffed(mail) == on_the_wire(plain) == mail.content


def test_a_chunk_says_how_many_octets_follow() -> None:
    assert chunk(b"ab\r\n") == b"BDAT 4 LAST\r\n"


def test_the_envelope_says_what_the_server_should_know() -> None:
    utf8 = Mail(Envelope("daily@news.example.com", "jürgen@example.com", utf8=True), b"x\r\n")
    assert mail_from(Mail(PLAIN, b"x\r\n"), NOTHING) == b"MAIL FROM:<daily@news.example.com>\r\n"
    assert mail_from(Mail(PLAIN, b"x\r\n"), EVERYTHING) == b"MAIL FROM:<daily@news.example.com> SIZE=3\r\n"
    assert mail_from(Mail(PLAIN, b"\xff\r\n"), EVERYTHING).endswith(b" SIZE=3 BODY=8BITMIME\r\n")
    assert mail_from(utf8, EVERYTHING).endswith(b" SIZE=3 BODY=8BITMIME SMTPUTF8\r\n")
    assert rcpt_to(utf8) == "RCPT TO:<jürgen@example.com>\r\n".encode()


@pytest.mark.parametrize(
    ("mail", "offers", "code"),
    [
        (Mail(PLAIN, b"x" * 1000), EVERYTHING, None),
        (Mail(PLAIN, b"x" * 1001), EVERYTHING, 552),
        (Mail(PLAIN, b"x" * 1001), NOTHING, None),
        (Mail(PLAIN, b"x" * 1001), Offers.read("relay.test\nSIZE"), None),
        (Mail(PLAIN, b"x" * 1001), Offers.read("relay.test\nSIZE 0"), None),
        (Mail(PLAIN, b"x" * 1001), Offers.read("relay.test\nSIZE ²"), None),
        (Mail(PLAIN, b"\xff"), NOTHING, 554),
        (Mail(Envelope("a@b.c", "ü@b.c", utf8=True), b"x"), NOTHING, 553),
        (Mail(Envelope("a@b.c", "ü@b.c", utf8=True), b"\xff"), EVERYTHING, None),
    ],
)
def test_what_a_server_cannot_take_is_not_offered(mail: Mail, offers: Offers, code: int | None) -> None:
    refused = objection(mail, offers)
    assert (refused.code if refused else None) == code
