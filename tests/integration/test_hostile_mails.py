"""What comes of hostile octets in mails: the header fields of any other mail, one To, and words that are only words."""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from email import message_from_string, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support import hostile_texts
from tests.support.public_sites import AT_ONCE, PublicSite, public_site
from tests.support.services import Installation
from tests.support.smtp_server import Received, SmtpServer
from tests.support.waiting import eventually
from zero2prod.testing.builders import KEY, number
from zero2prod_core.domain.tokens import Purpose, token_text

pytestmark = pytest.mark.untraced

EVERY_MAIL = {"Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type"}
CONFIRMATION = EVERY_MAIL | {"Auto-Submitted"}
ISSUE = EVERY_MAIL | {"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"}

TITLE = "News for {{ subscriber.name }} in {{ subscriber.fields.city }}"
TEXT = "Dear {{ subscriber.name }}, at {{ subscriber.email }} in {{ subscriber.fields.city }}: [{{ subscriber.tags }}]"
HTML = (
    '<p title="{{ subscriber.name }}">Dear <b>{{ subscriber.name }}</b> in {{ subscriber.fields.city }}, '
    "{{ subscriber.email }}</p>"
)

LINK = re.compile(r"http://\S+")
WAITING = "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'deferred', 'leased', 'attempting')"
FAILED = "SELECT recipient_id, state, reply FROM deliveries WHERE state NOT IN ('sent', 'pending')"
CONFIRMATIONS = "SELECT token_id FROM tokens WHERE purpose = 'confirm'"
READERS = "SELECT email, name, coalesce(fields->>'city', '') FROM subscriptions WHERE status = 'confirmed'"


@pytest.fixture(scope="module")
def house(postgres_server: EmbeddedPostgres) -> Iterator[PublicSite]:
    with public_site(postgres_server) as served:
        yield served


class Tags(HTMLParser):
    """The elements of a page and the names of their attributes, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, Sequence[str]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [name for name, _ in attributes]))


def tags(mail: EmailMessage) -> list[tuple[str, Sequence[str]]]:
    reading = Tags()
    reading.feed(words(mail, "html"))
    return reading.found


def words(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def read(received: Received) -> EmailMessage:
    mail = message_from_string(received.content.decode(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def check(mails: Sequence[Received], expected: set[str]) -> Sequence[EmailMessage]:
    """The header fields are these and no others, each once, and the mail goes to whom the envelope says."""
    read_mails = [read(received) for received in mails]
    for received, mail in zip(mails, read_mails, strict=True):
        assert sorted(mail.keys()) == sorted(expected), received.content[:2000]
        assert [each.addr_spec for each in mail["To"].addresses] == [received.recipient]
        assert not mail.defects
        assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    return read_mails


def sign_ups() -> Iterable[dict[str, bytes]]:
    """Hostile as a name, as an answer, and on both sides of an e-mail address."""
    for text in hostile_texts.texts():
        fresh = b"visitor-%d@example.com" % number()
        yield {"name": text, "email": fresh}
        yield {"name": text, "email": b"also-" + fresh, "field_city": text, "tag": b"music"}
        yield {"name": b"Ada", "email": b"city-" + fresh, "field_city": text}
        for email in (text, text + b"@example.com", b"ada@" + text):
            yield {"name": b"Ada", "email": email}


async def delivered(site: PublicSite, relay: SmtpServer) -> Sequence[Received]:
    """What a worker sends of all that is due."""

    async def done() -> bool:
        return site.database.superuser.execute(WAITING).fetchall() == [(0,)]

    relay.mails.clear()
    sending = Installation({**site.installation.settings, "MAIL_SMTP_URL": f"{relay.url}?tls=none"})
    with sending.working():
        assert await eventually(done)
    assert site.database.superuser.execute(FAILED).fetchall() == []
    return list(relay.mails)


async def confirm_everybody(site: PublicSite) -> None:
    found = site.database.superuser.execute(CONFIRMATIONS).fetchall()
    links = [token_text(KEY, Purpose.CONFIRM, id_).encode() for (id_,) in found]
    replies = await asyncio.gather(
        *(site.post("/subscriptions/confirm", {"subscription_token": link}) for link in links)
    )
    assert {reply.status for reply in replies} == {200}


def publish(site: PublicSite, directory: Path) -> None:
    """An issue with the reader's own words in subject, text, and HTML."""
    (directory / "text").write_text(TEXT)
    (directory / "html").write_text(HTML)
    parts = ("--text", str(directory / "text"), "--html", str(directory / "html"))
    site.installation.told("issues", "publish", "--title", TITLE, *parts)


async def test_mails_are_like_any_other_whatever_was_typed(house: PublicSite, tmp_path: Path) -> None:
    site = attrs.evolve(house, gate=asyncio.Semaphore(AT_ONCE))
    replies = await asyncio.gather(*(site.post("/subscriptions", fields) for fields in sign_ups()))
    assert {reply.status for reply in replies} <= {200, 400, 413}
    async with SmtpServer(smtputf8=True) as relay:
        confirmations = check(await delivered(site, relay), CONFIRMATION)
        assert len({LINK.sub("", words(mail, "plain")) for mail in confirmations}) == 1
        assert {str(mail["Subject"]) for mail in confirmations} == {"Confirm your subscription to News"}
        await confirm_everybody(site)
        publish(site, tmp_path)
        issues = check(await delivered(site, relay), ISSUE)
    known = {email: (name, city) for email, name, city in site.database.superuser.execute(READERS).fetchall()}
    assert len(issues) == len(known) > 100
    for mail in issues:
        _hold_only_words(mail, known)
    assert len({str(tags(mail)) for mail in issues}) == 1


def _hold_only_words(mail: EmailMessage, known: dict[str, tuple[str, str]]) -> None:
    """What the reader typed stands there as it was typed, and means nothing."""
    (to,) = mail["To"].addresses
    said = " ".join(words(mail, "plain").split())
    dear = [email for email in known if f"at {email} in" in said]
    assert dear, to
    name, _ = known[dear[0]]
    assert " ".join(f"Dear {name}".split()) in said
