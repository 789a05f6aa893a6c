"""From a parcel to a message of Postmark's API."""

import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email.composing import compose
from adapters_email.postmark_messages import postmark_message
from tests.support.parcels import CONFIRMATION, LINK, SENDER, UNSUBSCRIBE_LINK, issue, listed, parcel, parsed, words
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.letters import Letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel

WORDS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('\n"\\{}'), min_size=1)


def message_of(sent: Parcel) -> dict[str, Any]:
    message = json.loads(postmark_message(sent))
    assert isinstance(message, dict)
    return message


def headers_of(message: dict[str, Any]) -> dict[str, str]:
    headers = {header["Name"]: header["Value"] for header in message["Headers"]}
    assert len(headers) == len(message["Headers"])
    return headers


def test_an_issue_has_all_its_parts() -> None:
    sender = attrs.evolve(SENDER, reply_to=EmailAddress.parse("office@example.com"))
    message = message_of(listed(parcel(issue("Größe 🎉", "text", "<p>html"), sender=sender)))
    assert message["From"] == '"The Daily" <daily@news.example.com>'
    assert message["To"] == "ursula@example.com"
    assert message["ReplyTo"] == "office@example.com"
    assert message["Subject"] == "Größe 🎉"
    assert message["TextBody"].startswith("text\n")
    assert "<body>\n<p>html</p>\n" in message["HtmlBody"]
    assert message["MessageStream"] == "broadcast"
    headers = headers_of(message)
    assert headers["X-PM-KeepID"] == "true"
    assert headers["List-Unsubscribe"] == f"<{UNSUBSCRIBE_LINK}>"


def test_text_alone_has_no_html_and_html_alone_a_text() -> None:
    message = message_of(parcel(issue(text="text")))
    assert "HtmlBody" not in message
    assert "ReplyTo" not in message
    assert message_of(parcel(issue(text=None, html="<p>html</p>")))["TextBody"] == "html\n"


def test_slots_are_filled_as_over_smtp() -> None:
    sent = listed(
        parcel(issue('To {{ subscriber.name }} "', '"{{ subscriber.name }}"', "<p>{{ subscriber.name }}</p>"))
    )
    sent = attrs.evolve(sent, delivery=attrs.evolve(sent.delivery, name='<"Ö\\'))
    message, mail = message_of(sent), parsed(compose(sent).content)
    assert message["Subject"] == mail["Subject"] == 'To <"Ö\\ "'
    assert message["TextBody"] == words(mail, "plain").replace("\r\n", "\n")
    assert message["HtmlBody"] == words(mail, "html").replace("\r\n", "\n")


def test_a_confirmation_has_its_link_and_goes_by_another_stream() -> None:
    message = message_of(parcel(CONFIRMATION))
    assert message["MessageStream"] == "outbound"
    assert LINK in message["TextBody"]
    assert LINK in message["HtmlBody"]
    assert message["Subject"] == "Confirm your subscription to The Daily"
    assert set(headers_of(message)) == {"Message-ID", "X-PM-KeepID", "Auto-Submitted"}


@given(WORDS, WORDS)
def test_it_says_what_the_mail_over_smtp_says(text: str, html: str) -> None:
    sent = listed(parcel(issue("Hello", text, f"<p>{html}</p>")))
    message, mail = message_of(sent), parsed(compose(sent).content)
    for body, subtype in (("TextBody", "plain"), ("HtmlBody", "html")):
        assert message[body].replace("\r\n", "\n").replace("\r", "\n") == words(mail, subtype).replace("\r\n", "\n")
    headers = headers_of(message)
    assert all(headers[name] == mail[name] for name in headers if name != "X-PM-KeepID")


def test_the_same_delivery_makes_the_same_bytes() -> None:
    assert postmark_message(listed(parcel())) == postmark_message(listed(parcel()))


@pytest.mark.parametrize("letter", [issue("a\r\nBcc: b@c.de"), issue(text="\ud800"), issue("\udfff"), issue(text=None)])
def test_a_letter_that_is_no_mail_is_a_defect(letter: Letter) -> None:
    with pytest.raises(Defect):
        postmark_message(parcel(letter))


def test_no_value_begins_another_header() -> None:
    with pytest.raises(Defect):
        postmark_message(attrs.evolve(parcel(), message_id="<a@b>\r\nBcc: b@c.de"))
    with pytest.raises(Defect):
        postmark_message(parcel(sender=attrs.evolve(SENDER, name="a\nb")))
    with pytest.raises(Defect):
        postmark_message(listed(parcel(), attrs.evolve(DEFAULT_NEWSLETTER, name="a\nb")))
