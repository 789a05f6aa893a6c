"""A whole issue through a mail server that others wrote: every mail of it arrives once, unharmed and under our name."""

import html
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters_email.dkim import DkimKey, Private
from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.campaigns import BASE_URL, Campaign, campaign
from tests.support.dkim_verifying import verdicts
from tests.support.postfix import DOMAIN, OFFERS, Postfix, parsed, postfix
from tests.support.relays import Relay
from tests.support.waiting import until
from zero2prod.testing.builders import KEY, email, number, origin, subscriber
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.idempotency import IdempotencyKey
from zero2prod_core.domain.issues import Content
from zero2prod_core.domain.newsletters import Slug
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text
from zero2prod_core.usecases.issues import Publication

pytestmark = [
    pytest.mark.untraced,
    pytest.mark.root,
    pytest.mark.system_package("postfix", "postfix"),
]

READERS = {"CHUNKING": 200, "PIPELINING": 50, "neither": 25}
"""By what the server offers. Where it offers little, sending takes long."""

NAMES = ("Ada Lovelace", "Jürgen Größe", "浩 田中", "O'Neil & Sons", "x = y", "🎉", ".", "Zoë  Two  Spaces")
"""What may go wrong on its way through MIME, Markdown, HTML or SMTP."""

TITLE = "Grüße, {{ subscriber.name | first_word }}"

MARKDOWN = """\
# A *good* day

Dear {{ subscriber.name | upper }}, this is for you at <{{ subscriber.email }}>.

.
.a line that begins with a dot

| what | how many |
|------|----------|
| días | 3        |

[No more of it]({{ unsubscribe.link }}) = good-bye.
"""

SENDER_DOMAIN = "example.org"


@pytest.fixture(scope="module")
def peer() -> Iterator[Postfix]:
    with postfix() as running:
        yield running


@pytest.fixture
def keys() -> dict[str, DkimKey]:
    """By their selectors; one key of each kind."""
    rsa, ed25519 = generate_private_key(public_exponent=65537, key_size=2048), Ed25519PrivateKey.generate()
    return {"rsa": DkimKey("rsa", None, rsa), "ed": DkimKey("ed", None, ed25519)}


def written(key: Private, path: Path) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def reader(place: int) -> Subscriber:
    return subscriber(email(f"reader-{number()}@{DOMAIN}"), name=SubscriberName(NAMES[place % len(NAMES)]))


def publish(it: Campaign) -> None:
    wish = Publication(Slug("default"), Content.parse(TITLE, markdown=MARKDOWN), IdempotencyKey(f"key {number()}"))
    it.ask(lambda runtime: runtime.application.publish(wish, origin()))


def words(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def judge(message: EmailMessage, to: Subscriber) -> None:
    """What the reader sees is what the author wrote, for this reader."""
    name, link = to.name.text, f"{BASE_URL}/unsubscribe/{token_text(KEY, Purpose.UNSUBSCRIBE, to.id)}"
    assert message["To"] == message["Delivered-To"] == to.email.text
    assert message["Subject"] == f"Grüße, {name.split()[0]}"
    assert message["List-Unsubscribe"] == f"<{link}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for field in ("From", "To", "Subject", "Date", "Message-ID", "List-Id", "Feedback-ID", "Return-Path"):
        assert len(message.get_all(field, [])) == 1, field
    text, page = words(message, "plain"), words(message, "html")
    assert f"Dear {name.upper()}, this is for you at <{to.email.text}>." in text
    assert "\n.\n.a line that begins with a dot\n" in text.replace("\r\n", "\n")
    assert f"[No more of it]({link}) = good-bye." in text
    assert html.escape(name.upper(), quote=False) in html.unescape(page).replace("&", "&amp;")
    assert f'href="{link}"' in page
    assert "<em>good</em>" in page
    assert "días</td>" in page


@pytest.mark.parametrize("offered", OFFERS)
def test_postfix_delivers_a_whole_issue_as_it_was_signed(
    postgres_server: EmbeddedPostgres,
    peer: Postfix,
    keys: dict[str, DkimKey],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    offered: str,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(peer.certificate))
    peer.empty()
    port = peer.ports[offered]
    files = [f"{selector}={written(key.private, tmp_path / selector)}" for selector, key in keys.items()]
    readers = {made.email.text: made for made in map(reader, range(READERS[offered]))}
    with campaign(postgres_server, Relay(port, tmp_path)) as it:
        it.join(list(readers.values()))
        publish(it)
        url = f"smtp://127.0.0.1:{port}?tls=starttls"
        with it.working(MAIL_SMTP_URL=url, MAIL_DKIM_KEYS=",".join(files)) as worker:
            it.finish()
            assert worker.stop() == 0
        assert it.sums() == {DeliveryState.SENT: len(readers)}
    assert until(lambda: len(peer.delivered()) >= len(readers))
    mails = peer.delivered()
    messages = [parsed(mail) for mail in mails]
    assert Counter(message["Delivered-To"] for message in messages) == Counter(readers.keys())
    for mail, message in zip(mails, messages, strict=True):
        assert verdicts(mail, list(keys.values()), SENDER_DOMAIN) == [True, True]
        assert "with ESMTPS" in message["Received"]
        judge(message, readers[message["Delivered-To"]])
