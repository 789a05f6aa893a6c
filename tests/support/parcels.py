"""Parcels for tests of mailers."""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from uuid import UUID, uuid5

import attrs

from zero2prod_core.domain.deliveries import Claimed, DeliveryKey, RecipientKind
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.letters import Letter, LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter
from zero2prod_core.ports.mailer import Listing, Parcel, Sender

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LETTER = UUID("11111111-1111-7111-8111-111111111111")
LEASE = UUID("22222222-2222-7222-8222-222222222222")
SENDER = Sender("The Daily", EmailAddress.parse("daily@news.example.com"))
LINK = "https://news.example.com/subscriptions/confirm?subscription_token=abcdefghijklmnop"
UNSUBSCRIBE_LINK = "https://news.example.com/unsubscribe/abcdefghijklmnop"
PREFERENCES_LINK = "https://news.example.com/preferences/abcdefghijklmnop"
LISTING = Listing("default.news.example.com", UNSUBSCRIBE_LINK, PREFERENCES_LINK)
SLOTS = {"newsletter.name": "The Daily", "confirmation.link": LINK, "confirmation.lasts": "24 hours"}

CONFIRMATION = template_letter(DEFAULT_NEWSLETTER.id, LetterKind.CONFIRMATION)


def issue(subject: str = "Hello", text: str | None = "Hello, readers.\n", html: str | None = None) -> Letter:
    """An issue's letter with these words."""
    return Letter(LETTER, DEFAULT_NEWSLETTER.id, LetterKind.ISSUE, subject, text, html, dated_at=NOON)


def parcel(
    letter: Letter | None = None, to: str = "ursula@example.com", *, sender: Sender = SENDER, message_id: str = ""
) -> Parcel:
    """One mail; its ids follow from the e-mail address it goes to."""
    recipient = uuid5(LETTER, to)
    letter = letter or issue()
    claimed = Claimed(
        DeliveryKey(letter.id, recipient),
        RecipientKind.SUBSCRIBER,
        LEASE,
        attempt=1,
        email=EmailAddress.parse(to),
        name="Ursula",
        key_id="a",
        enqueued_at=NOON,
    )
    return Parcel(
        claimed, letter, DEFAULT_NEWSLETTER, sender, message_id or f"<{recipient.hex}@news.example.com>", NOON, SLOTS
    )


def listed(sent: Parcel, newsletter: Newsletter = DEFAULT_NEWSLETTER) -> Parcel:
    """As an issue's parcel comes from the core: with a link that unsubscribes, and the name of its list."""
    return attrs.evolve(sent, newsletter=newsletter, listing=LISTING)


def parsed(content: bytes) -> EmailMessage:
    """A mail as a mail program reads it."""
    message = BytesParser(policy=default).parsebytes(content)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def words(message: EmailMessage, subtype: str) -> str:
    """The decoded text of the mail's part of this subtype, ``plain`` or ``html``."""
    part = message.get_body((subtype,))
    assert isinstance(part, EmailMessage)
    assert not part.defects
    text: str = part.get_content()
    return text
