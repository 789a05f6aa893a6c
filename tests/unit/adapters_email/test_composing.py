"""From a parcel to the bytes of a mail."""

import re
from collections import Counter
from datetime import timedelta

import attrs
import pytest

from adapters_email.composing import Envelope, compose
from tests.support.parcels import CONFIRMATION, LINK, NOON, SENDER, issue, parcel, parsed, words
from zero2prod_core.domain.deliveries import Claimed
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.letters import Letter, LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.errors import Defect

NASTY = "Grüße\n.\n..\nこんにちは\n" + "very long " * 1000 + "\n\ttab and blank at the end \nFrom here"


def test_an_issue_of_text_is_one_plain_part() -> None:
    message = parsed(compose(parcel(issue(text=NASTY))).content)
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == NASTY


def test_an_issue_of_html_is_sanitised_and_gets_a_text() -> None:
    message = parsed(compose(parcel(issue(text=None, html="<p>Hi<script>x</script></p>"))).content)
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert "<body>\r\n<p>Hi</p>\r\n" in words(message, "html")
    assert words(message, "plain") == "Hi\r\n"


def test_an_issue_of_both_offers_the_reader_the_choice() -> None:
    message = parsed(compose(parcel(issue("🎉", NASTY, "<p>1</p>\r\n.\r\n<p>日本</p>"))).content)
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert message["Subject"] == "🎉"
    assert words(message, "plain").replace("\r\n", "\n") == NASTY
    assert "<body>\n<p>1</p>\n.\n<p>日本</p>\n" in words(message, "html").replace("\r\n", "\n")


def test_an_authors_braces_are_no_slots_of_ours() -> None:
    message = parsed(compose(parcel(issue(r"\{{ subscriber.name }}", "{{ confirmation.link }}"))).content)
    assert (message["Subject"], message.get_content()) == ("{{ subscriber.name }}", "{{ confirmation.link }}")


def test_without_a_link_to_unsubscribe_its_slot_stays() -> None:
    assert (
        parsed(compose(parcel(issue(text="{{ unsubscribe.link }}"))).content).get_content() == "{{ unsubscribe.link }}"
    )


@pytest.mark.parametrize("letter", [issue(), issue(html="<p>Hi</p>"), CONFIRMATION], ids=["text", "both", "template"])
def test_every_header_field_is_there_once(letter: Letter) -> None:
    sender = attrs.evolve(SENDER, reply_to=EmailAddress.parse("office@example.com"))
    message = parsed(compose(parcel(letter, sender=sender)).content)
    assert max(Counter(name.lower() for name in message).values()) == 1
    assert message["From"] == "The Daily <daily@news.example.com>"
    assert message["To"] == "ursula@example.com"
    assert message["Reply-To"] == "office@example.com"
    assert message["Date"] == "Sun, 22 Nov 2026 12:00:00 +0000"
    assert message["Message-ID"] == parcel(letter).message_id
    assert message["MIME-Version"] == "1.0"
    assert message["Content-Type"] is not None
    assert (message["Auto-Submitted"] == "auto-generated") == (letter is CONFIRMATION)


def test_without_a_reply_to_there_is_no_such_field() -> None:
    assert parsed(compose(parcel()).content)["Reply-To"] is None


def test_a_confirmation_has_one_link_the_same_in_both_parts() -> None:
    message = parsed(compose(parcel(CONFIRMATION)).content)
    assert message["Subject"] == "Confirm your subscription to The Daily"
    for subtype in ("plain", "html"):
        text = words(message, subtype)
        assert re.findall(r'https?://[^\s"<>]+', text) == [LINK]
        assert "The Daily" in text
        assert "24 hours" in text
        assert "do nothing" in text
        assert "{{" not in text


def test_a_confirmation_holds_nothing_that_the_subscriber_typed() -> None:
    """The name is the parcel's; the e-mail address stands in To, where mail programs put it anyway."""
    mail = parcel(CONFIRMATION)
    content = compose(attrs.evolve(mail, slots={**mail.slots, "subscriber.name": "Ursula"})).content
    assert b"Ursula" not in content
    assert content.count(b"ursula@example.com") == 1


def test_values_are_escaped_in_html_and_only_there() -> None:
    mail = parcel(CONFIRMATION)
    message = parsed(compose(attrs.evolve(mail, slots={**mail.slots, "newsletter.name": "Bits & <Bytes>"})).content)
    assert "Bits & <Bytes>" in words(message, "plain")
    assert "<strong>Bits &amp; &lt;Bytes&gt;</strong>" in words(message, "html")
    assert message["Subject"].endswith("Bits & <Bytes>")


@pytest.mark.parametrize("letter", [issue("é", "é", "é"), CONFIRMATION], ids=["issue", "template"])
def test_the_same_delivery_composes_to_the_same_bytes(letter: Letter) -> None:
    first = compose(parcel(letter))
    assert compose(parcel(attrs.evolve(letter))) == first


def test_changed_words_of_a_letter_are_sent_changed() -> None:
    compose(parcel(issue("One")))
    assert parsed(compose(parcel(issue("Two"))).content)["Subject"] == "Two"


def test_each_mail_has_the_date_of_its_own_parcel() -> None:
    later = attrs.evolve(parcel(), dated_at=NOON + timedelta(seconds=61))
    dates = [parsed(compose(each).content)["Date"] for each in (parcel(), later, parcel())]
    assert [date.rpartition(" 2026 ")[2] for date in dates] == [
        "12:00:00 +0000",
        "12:01:01 +0000",
        "12:00:00 +0000",
    ]


def test_another_sender_of_a_letter_is_named() -> None:
    other = attrs.evolve(SENDER, name="Zeitung für München")
    compose(parcel())
    assert parsed(compose(parcel(sender=other)).content)["From"].addresses[0].display_name == "Zeitung für München"


def test_the_envelope_has_ascii_domains() -> None:
    envelope = compose(parcel(to="ursula@münchen.de")).envelope
    assert envelope == Envelope("daily@news.example.com", "ursula@xn--mnchen-3ya.de", utf8=False)


def test_a_local_part_beyond_ascii_asks_for_smtputf8() -> None:
    mail = compose(parcel(to="jürgen@example.com"))
    assert mail.envelope.utf8
    assert "\r\nTo: jürgen@example.com\r\n".encode() in mail.content
    sender = attrs.evolve(SENDER, reply_to=EmailAddress.parse("jürgen@example.com"))
    assert compose(parcel(sender=sender)).envelope.utf8


def test_a_line_break_never_reaches_a_header() -> None:
    with pytest.raises(Defect, match="control character"):
        compose(parcel(issue("Hello\r\nBcc: everybody@example.com")))
    with pytest.raises(Defect, match="control character"):
        compose(attrs.evolve(parcel(), message_id="<a@b>\r\nBcc: everybody@example.com"))
    recipient: Claimed = attrs.evolve(parcel().delivery, email=EmailAddress("a\nBcc: b@c.de", "a@c.de"))
    with pytest.raises(Defect, match="control character"):
        compose(attrs.evolve(parcel(), delivery=recipient))


@pytest.mark.parametrize(
    "letter",
    [
        issue(text=None),
        issue(text="", html=""),
        issue(text="\ud800"),
        issue("\udfff"),
        template_letter(DEFAULT_NEWSLETTER.id, LetterKind.RESET),
    ],
    ids=["nothing", "empty", "surrogate in text", "surrogate in subject", "no template"],
)
def test_a_letter_that_is_no_mail_is_a_defect(letter: Letter) -> None:
    with pytest.raises(Defect):
        compose(parcel(letter))
