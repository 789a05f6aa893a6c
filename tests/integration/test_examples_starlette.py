"""The example of a Starlette service with the core inside it, from sign-up to leaving, and the page that shows it."""

import email
import email.policy
import re
import shlex
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import attrs
import pytest
from httpx import ASGITransport, AsyncClient

from examples.embed_in_starlette.app import service
from tests.support.documentation import DOCS, ROOT, blocks
from tests.support.waiting import eventually
from zero2prod.testing.application import CountedIds

SOURCE = ROOT / "examples" / "embed_in_starlette" / "app.py"
PAGE = DOCS / "how-to" / "embed-the-core.md"
ADA = "ada@example.com"
PUBLICATION = {"title": "News", "text": "Hello, reader!", "key": "first"}


@attrs.frozen
class Host:
    """``outbox`` is what the service has posted, ``ids`` what it was given; ``client`` visits it."""

    client: AsyncClient
    outbox: list[EmailMessage]
    ids: list[UUID]

    async def posted(self, count: int) -> EmailMessage:
        """The last mail, once there are ``count``."""

        async def enough() -> bool:
            return len(self.outbox) >= count

        assert await eventually(enough)
        return self.outbox[-1]

    async def sign_up(self) -> str:
        """Sign up, and return the path that the confirmation mail links to."""
        answer = await self.client.post("/subscriptions", json={"email": ADA, "name": "Ada"})
        assert (answer.status_code, answer.text) == (200, "Look into your mailbox.")
        return link_in(await self.posted(1))


def link_in(mail: EmailMessage) -> str:
    """Path and query of the only link in the mail's text."""
    part = mail.get_body(("plain",))
    assert part
    (link,) = re.findall(r"https://news\.example\.org\S+", part.get_content())
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    outbox: list[EmailMessage] = []
    ids: list[UUID] = []
    numbers = CountedIds()

    def post(recipient: str, mail: bytes) -> None:
        message = email.message_from_bytes(mail, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        assert message["To"] == recipient
        outbox.append(message)

    def new_id() -> UUID:
        ids.append(numbers.new())
        return ids[-1]

    app = service(post, new_id)
    client = AsyncClient(transport=ASGITransport(app), base_url="https://news.example.org")
    async with client, app.router.lifespan_context(app):
        yield Host(client, outbox, ids)


async def test_who_signs_up_and_confirms_gets_the_issue_once(host: Host) -> None:
    link = await host.sign_up()
    assert (await host.client.post(link)).text == "Done."
    for publication in (PUBLICATION, PUBLICATION, {**PUBLICATION, "title": "More news", "key": "second"}):
        assert (await host.client.post("/issues", json=publication)).json() == {"readers": 1}
    await host.posted(3)
    _, *issues = host.outbox
    assert sorted(issue["Subject"] for issue in issues) == ["More news", "News"]
    assert "Hello, reader!" in str(issues[0].get_body(("plain",)))
    assert {issue["To"] for issue in issues} == {ADA}


async def test_the_ids_are_the_hosts(host: Host) -> None:
    await host.sign_up()
    letter, recipient, *_ = host.outbox[0]["Message-ID"].strip("<>").split(".")
    assert UUID(recipient) in host.ids
    assert UUID(letter) not in host.ids


async def test_following_the_link_only_asks(host: Host) -> None:
    link = await host.sign_up()
    for method in ("GET", "HEAD"):
        assert (await host.client.request(method, link)).status_code == 200
    assert "<button>" in (await host.client.get(link)).text
    assert (await host.client.post("/issues", json=PUBLICATION)).json() == {"readers": 0}


async def test_a_reader_leaves_by_the_issues_link(host: Host) -> None:
    await host.client.post(await host.sign_up())
    await host.client.post("/issues", json=PUBLICATION)
    link = urlsplit((await host.posted(2))["List-Unsubscribe"].strip("<>")).path
    assert "<button>" in (await host.client.get(link)).text
    assert (await host.client.post(link)).text == "Done."
    assert (await host.client.post("/issues", json={**PUBLICATION, "key": "second"})).json() == {"readers": 0}


async def test_a_refusal_is_told(host: Host) -> None:
    answer = await host.client.post("/subscriptions", json={"email": "ada", "name": "Ada"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("email: ")


@pytest.mark.parametrize("path", ["/subscriptions", "/issues"])
async def test_what_is_missing_is_refused(host: Host, path: str) -> None:
    answer = await host.client.post(path, json={})
    assert answer.status_code == 400
    assert "missing" in answer.json()["error"]


async def test_the_page_starts_it_and_signs_up(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(SOURCE.parent)
    *_, command = blocks("embed-the-core", "sh")
    _, _, data, url = shlex.split(command)
    (start,) = [each for each in blocks("embed-the-core", "python") if "from app import service" in each]
    names: dict[str, Any] = {}
    exec(compile(start, "start.py", "exec"), names)  # noqa: S102 - our own page
    site = names["site"]
    printed: list[str] = []

    async def mailed() -> bool:
        printed.append(capsys.readouterr().out)
        return "https://news.example.org/subscriptions/confirm?" in "".join(printed)

    async with AsyncClient(transport=ASGITransport(site)) as client, site.router.lifespan_context(site):
        answer = await client.post(url, content=data)
        assert f"`{answer.text}`" in PAGE.read_text()
        assert await eventually(mailed)


def test_it_is_short() -> None:
    assert len(SOURCE.read_text().splitlines()) < 60


def test_the_page_shows_it_as_it_is() -> None:
    assert SOURCE.read_text() in blocks("embed-the-core", "python")
