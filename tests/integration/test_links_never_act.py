"""Whoever follows links, a mail scanner, a browser that fetches ahead, somebody who is curious, changes nothing."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from urllib.parse import urljoin, urlsplit

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.dumps import dump
from tests.support.public_sites import AT_ONCE, PublicSite, Reader, public_site
from tests.support.raw_http import Reply
from tests.support.services import Installation
from tests.support.smtp_server import SmtpServer
from zero2prod.testing.builders import number

pytestmark = pytest.mark.untraced

TIMES = 100

FOLLOWERS = [
    ("GET", []),
    ("HEAD", []),
    ("GET", [(b"Purpose", b"prefetch")]),
    ("GET", [(b"Sec-Purpose", b"prefetch;prerender")]),
    ("GET", [(b"X-Moz", b"prefetch"), (b"User-Agent", b"BarracudaCentral/1.0")]),
]
"""Everybody who only looks."""

DOORS = (
    "/subscriptions/confirm?subscription_token={}",
    "/subscriptions/confirm?token={}",
    "/unsubscribe/{}",
    "/preferences/{}",
    "/preferences/mine/{}",
    "/preferences/mine/{}/erase",
    "/setup?token={}",
)

LINK = re.compile(r"""http://[^\s"'<>]+""")
TARGET = re.compile(rb"""(?:href|src|action)="([^"]*)\"""")

MAILS = 6
"""Those to two readers, and one to somebody who has not confirmed; who has confirmed already gets no mail to do so."""

TITLE, WORDS = "News", "Some words."


@pytest.fixture(scope="module")
def house(postgres_server: EmbeddedPostgres) -> Iterator[PublicSite]:
    with public_site(postgres_server) as served:
        yield served


@pytest.fixture
async def site(house: PublicSite) -> AsyncIterator[PublicSite]:
    """The house for one test, which it must outlive."""
    yield attrs.evolve(house, gate=asyncio.Semaphore(AT_ONCE))
    assert house.service.process.poll() is None


async def mails(site: PublicSite, relay: SmtpServer) -> AsyncIterator[EmailMessage]:
    """All that a reader can get: to confirm, a notice, a link to one's data, an issue."""
    await site.reader()
    await site.post("/subscriptions", {"name": b"Bob", "email": b"bob-%d@example.com" % number()})
    again = await site.reader()
    await site.post("/subscriptions", {"name": b"Ada", "email": again.email.encode()})
    site.installation.told("issues", "publish", "--title", TITLE, "--text", "/dev/stdin", stdin=WORDS)
    sending = Installation({**site.installation.settings, "MAIL_SMTP_URL": f"{relay.url}?tls=none"})
    assert (await asyncio.to_thread(sending.run, "worker", "--drain")).returncode == 0
    for received in relay.mails:
        mail = message_from_bytes(received.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        yield mail


def links_of(mail: EmailMessage) -> set[str]:
    """Every link in its parts and in its header."""
    parts = [str(part.get_content()) for part in mail.walk() if not part.is_multipart()]
    return set(LINK.findall(" ".join([*map(unescape, parts), str(mail["List-Unsubscribe"] or "")])))


def paths_in(reply: Reply, at: str) -> set[str]:
    """Where a page leads, its forms too: that they say POST does not keep anybody from a GET."""
    found = (unescape(target.decode()) for target in TARGET.findall(reply.body))
    return {path_of(urljoin(at, each)) for each in found if not each.startswith(("data:", "mailto:", "#", "http"))}


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def crawled(site: PublicSite, start: set[str]) -> Sequence[str]:
    """Every path that can be reached by links from these."""
    known, new = set(start), set(start)
    while new:
        replies = await asyncio.gather(*(site.send("GET", path) for path in new))
        reached = {path for at, reply in zip(new, replies, strict=True) for path in paths_in(reply, at)}
        new = reached - known
        known |= new
    return sorted(known)


async def follow(site: PublicSite, paths: Sequence[str], times: int) -> set[int]:
    """Everybody follows all of them, again and again; what they are answered."""
    asked = [(method, path, fields) for path in paths for method, fields in FOLLOWERS]
    statuses: set[int] = set()
    for _ in range(times):
        replies = await asyncio.gather(*(site.send(method, path, fields) for method, path, fields in asked))
        statuses |= {reply.status for reply in replies}
    return statuses


def links_with_tokens(reader: Reader) -> set[str]:
    """All that a reader's tokens open, guessed at every door."""
    tokens = (reader.confirmation, reader.unsubscription, reader.preferences, reader.data)
    return {door.format(token) for door in DOORS for token in tokens}


async def test_looking_at_every_link_a_hundred_times_changes_nothing(site: PublicSite) -> None:
    async with SmtpServer() as relay:
        found = [links_of(mail) async for mail in mails(site, relay)]
    assert len(found) == MAILS
    base = site.installation.settings["HTTP_PORT"]
    assert all(link.startswith(f"http://127.0.0.1:{base}/") for links in found for link in links)
    reader = await site.reader()
    start = {"/", *(path_of(link) for links in found for link in links), *links_with_tokens(reader)}
    paths = await crawled(site, start)
    assert {"/login", "/preferences", "/subscriptions"} <= set(paths)
    before = dump(site.database)
    statuses = await follow(site, paths, TIMES // len(FOLLOWERS))
    assert max(statuses) < 500
    assert dump(site.database) == before
