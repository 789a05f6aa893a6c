"""The mail catcher, over real SMTP and real HTTP."""

import asyncio
import json
import smtplib
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage

import aiohttp
import aiosmtplib
import pytest

from adapters_http.assets import STATIC, asset
from tests.support.ports import free_port
from zero2prod.mailbox import LARGEST_MAIL, LOOPBACK, Mailbox
from zero2prod.mailbox_client import MailboxClient
from zero2prod_core.errors import SettingInvalid
from zero2prod_core.ports.system import Clock

SCRIPT = "<script>alert(1)</script>"


class FixedClock(Clock):
    def now(self) -> datetime:
        return datetime(2026, 11, 22, 10, 20, 30, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox(FixedClock())
    await mailbox.start()
    yield mailbox
    await mailbox.stop()


@pytest.fixture
async def page(mailbox: Mailbox) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser, of sorts, at the mailbox's page."""
    async with aiohttp.ClientSession(mailbox.page_url) as session:
        yield session


async def text_of(page: aiohttp.ClientSession, path: str) -> str:
    async with page.get(path) as response:
        assert response.status == 200
        return await response.text(errors="replace")  # as a browser does


async def caught(page: aiohttp.ClientSession) -> list[dict[str, object]]:
    async with page.get("/api/mails") as response:
        assert response.content_type == "application/json"
        mails: list[dict[str, object]] = (await response.json())["mails"]
        return mails


def letter(subject: str = "Confirm your subscription", text: str = "Hello", html: str | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "House <house@example.com>"
    message["To"] = "reader@example.com"
    message["Subject"] = subject
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message


async def send(mailbox: Mailbox, message: EmailMessage) -> None:
    await aiosmtplib.send(message, hostname=LOOPBACK, port=mailbox.smtp_port)


async def send_octets(mailbox: Mailbox, source: bytes) -> None:
    async with aiosmtplib.SMTP(hostname=LOOPBACK, port=mailbox.smtp_port) as client:
        await client.sendmail("house@example.com", ["reader@example.com"], source)


async def talk(mailbox: Mailbox, *lines: bytes) -> list[bytes]:
    """Say each line and collect the first line of its answer."""
    reader, writer = await asyncio.open_connection(LOOPBACK, mailbox.smtp_port)
    answers = [await reader.readline()]
    for line in lines:
        writer.write(line + b"\r\n")
        answers.append(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return answers


async def test_an_empty_mailbox_says_what_to_do(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    shown = await text_of(page, "/")
    assert "No mail yet" in shown
    assert "Sign up on the site" in shown
    assert f"{LOOPBACK}:{mailbox.smtp_port}" in shown
    assert await caught(page) == []


async def test_a_mail_sent_by_smtp_is_listed_for_programs(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    await send(mailbox, letter())
    assert await caught(page) == [
        {
            "id": 1,
            "from": "house@example.com",
            "to": ["reader@example.com"],
            "subject": "Confirm your subscription",
            "received": "2026-11-22T10:20:30+00:00",
        }
    ]


async def test_the_list_shows_the_newest_first(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    for subject in ("The earlier", "The later"):
        await send(mailbox, letter(subject))
    shown = await text_of(page, "/")
    assert shown.index("The later") < shown.index("The earlier")
    assert "House &lt;house@example.com&gt;" in shown
    assert "2026-11-22 10:20:30 UTC" in shown
    assert "2 mails" in shown


async def test_the_source_is_what_was_sent_octet_for_octet(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    source = b"Subject: octets\r\n\r\n.\r\n..two dots\r\nGr\xc3\xbc\xc3\x9fe \xff\r\n" + b"x" * 998 + b"\r\n"
    await send_octets(mailbox, source)
    async with page.get("/api/mails/1/source") as response:
        assert response.content_type == "message/rfc822"
        assert await response.read() == source


async def test_the_source_can_be_read_on_a_page_with_a_way_back(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    await send_octets(mailbox, f"Subject: First\r\n\r\nGrüße {SCRIPT}\r\n".encode() + b"\xff")
    shown = await text_of(page, "/mails/1/source")
    assert "<title>Source of First · Mailbox</title>" in shown
    assert '<a href="/mails/1">Back to the mail</a>' in shown
    assert 'href="/api/mails/1/source"' in shown
    assert "Grüße &lt;script&gt;" in shown


async def test_parts_that_are_not_there_are_no_links(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    await send(mailbox, letter())
    await send(mailbox, letter(html="<p>Hello</p>"))
    await send_octets(mailbox, b"Content-Type: text/html\r\n\r\n<p>Hello</p>")
    pages = [await text_of(page, f"/mails/{number}") for number in (1, 2, 3)]
    links = [[f'<a href="#{part}">' in shown for part in ("text", "html")] for shown in pages]
    assert links == [[True, False], [True, True], [False, True]]


async def test_the_answers_place_is_among_the_headers(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    message = letter()
    await send(mailbox, message)
    message["Reply-To"] = "Ada <ada@example.com>"
    await send(mailbox, message)
    assert "Reply-To" not in await text_of(page, "/mails/1")
    assert '<dt>Reply-To</dt> <dd dir="auto">Ada &lt;ada@example.com&gt;</dd>' in await text_of(page, "/mails/2")


async def test_a_mailbox_that_knows_the_site_leads_back_to_it(page: aiohttp.ClientSession) -> None:
    assert "Staff page" not in await text_of(page, "/")
    mailbox = Mailbox(FixedClock(), site="http://127.0.0.1:8000")
    await mailbox.start()
    async with aiohttp.ClientSession(mailbox.page_url) as other:
        assert '<a href="http://127.0.0.1:8000/admin/dashboard">Staff page</a>' in await text_of(other, "/")
    await mailbox.stop()


async def test_an_ordinary_program_can_send_here(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    def program() -> None:
        with smtplib.SMTP(LOOPBACK, mailbox.smtp_port) as client:
            client.send_message(letter("Grüße 🎉"), "jörg@example.com", ["zoë@exämple.com"], ["SMTPUTF8"])

    await asyncio.to_thread(program)
    (mail,) = await caught(page)
    assert (mail["subject"], mail["from"], mail["to"]) == ("Grüße 🎉", "jörg@example.com", ["zoë@exämple.com"])


async def test_links_in_the_text_can_be_followed_and_nothing_else_is_markup(
    page: aiohttp.ClientSession, mailbox: Mailbox
) -> None:
    text = f"{SCRIPT} Go to https://example.com/confirm?a=1&b=2. Not javascript:alert(1) or <http://b.example>."
    await send(mailbox, letter(text=text))
    shown = await text_of(page, "/mails/1")
    assert SCRIPT not in shown
    url = "https://example.com/confirm?a=1&amp;b=2"
    assert f'<a href="{url}" target="_blank" rel="noopener">{url}</a>.' in shown
    assert '<a href="http://b.example" ' in shown
    assert 'href="javascript' not in shown
    assert '<div class="text" dir="auto">&lt;script&gt;' in shown
    assert "This mail has no HTML part." in shown


async def test_html_is_shown_in_a_sandbox_where_links_open_and_nothing_runs_or_loads(
    page: aiohttp.ClientSession, mailbox: Mailbox
) -> None:
    html = f'<base href="https://evil.example/"><a href="https://example.com/">Confirm</a>{SCRIPT}'
    await send(mailbox, letter(html=html))
    shown = await text_of(page, "/mails/1")
    assert 'src="/mails/1/html"' in shown
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert SCRIPT not in shown
    async with page.get("/mails/1/html") as response:
        policy = response.headers["Content-Security-Policy"].split("; ")
        document = await response.text()
    assert document.startswith('<!doctype html><base target="_blank">')
    assert html in document
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'self'"} <= set(policy)
    assert not any(part.startswith("script-src") for part in policy)


async def test_markup_in_headers_is_text(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    await send_octets(mailbox, f"Subject: {SCRIPT}\r\nFrom: {SCRIPT}\r\nTo: {SCRIPT}\r\n\r\n".encode())
    assert SCRIPT not in await text_of(page, "/")
    assert SCRIPT not in await text_of(page, "/mails/1")


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"no headers, no body",
        b"Subject: \xff\xfe\r\nFrom: \xff\r\nTo: \xff\r\n\r\n\xff\xfe",
        b"Content-Type: text/html; charset=no-such\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!",
        b"Content-Type: multipart/alternative\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nnever closed",
        b"Content-Type: message/rfc822\r\n\r\n" * 10,
        b"Content-Type: ;;;=\r\nContent-Disposition: \x00\r\n\r\n\x00",
        b"Date: never\r\nSubject: =?x?y?z?=\r\nMIME-Version: \xc3\r\n\r\n",
    ],
)
async def test_a_malformed_mail_breaks_no_page(page: aiohttp.ClientSession, mailbox: Mailbox, source: bytes) -> None:
    await send_octets(mailbox, source)
    assert len(await caught(page)) == 1
    for path in ("/", "/mails/1", "/mails/1/html", "/mails/1/source"):
        assert await text_of(page, path) is not None


@pytest.mark.parametrize("path", ["/mails/7", "/mails/7/html", "/mails/7/source", "/api/mails/7/source"])
async def test_a_mail_that_is_not_there_is_a_page_that_says_so(page: aiohttp.ClientSession, path: str) -> None:
    async with page.get(path) as response:
        assert response.status == 404
        assert "No such mail" in await response.text()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8025", "127.0.0.1:1", "[::1]:80"])
async def test_the_page_answers_to_loopback_names(page: aiohttp.ClientSession, host: str) -> None:
    async with page.get("/", headers={"Host": host}) as response:
        assert response.status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::2]", ""])
@pytest.mark.parametrize("path", ["/", "/api/mails", "/nowhere"])
async def test_the_page_answers_to_no_other_name(page: aiohttp.ClientSession, host: str, path: str) -> None:
    async with page.get(path, headers={"Host": host}) as response:
        assert response.status == 421
        assert "answers only to localhost" in await response.text()


@pytest.mark.parametrize("path", ["/", "/state", "/mails/1", "/mails/1/source", "/api/mails", "/nowhere"])
async def test_every_answer_is_guarded_by_headers(page: aiohttp.ClientSession, mailbox: Mailbox, path: str) -> None:
    await send(mailbox, letter())
    async with page.get(path) as response:
        headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Server"] == "zero2prod"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


async def test_pages_load_their_style_from_here_and_hold_none_inline(
    page: aiohttp.ClientSession, mailbox: Mailbox
) -> None:
    await send(mailbox, letter(html="<p>Hi</p>"))
    for path in ("/", "/mails/1"):
        shown = await text_of(page, path)
        assert '<meta name="viewport"' in shown
        assert "style=" not in shown
        assert "<script" not in shown
        for name in ("pico.min.css", "style.css", "favicon.svg"):
            assert f'href="{asset(name)}"' in shown


@pytest.mark.parametrize("name", ["pico.min.css", "style.css", "favicon.svg"])
async def test_the_files_of_the_pages_are_the_site_s(page: aiohttp.ClientSession, name: str) -> None:
    async with page.get(asset(name)) as response:
        assert response.status == 200
        assert await response.read() == (STATIC / name).read_bytes()
        assert "immutable" in response.headers["Cache-Control"]


async def test_each_page_has_a_title_of_its_own(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    assert "<title>No mail yet · Mailbox</title>" in await text_of(page, "/")
    await send(mailbox, letter("First"))
    assert "<title>1 mail · Mailbox</title>" in await text_of(page, "/")
    assert "<title>First · Mailbox</title>" in await text_of(page, "/mails/1")
    async with page.get("/mails/9") as response:
        assert "<title>No such mail · Mailbox</title>" in await response.text()


@pytest.mark.parametrize(
    ("path", "is_opened"),
    [("/", True), ("/mails/1", True), ("/mails/9", False), ("/api/mails", False), ("/state", False)],
)
async def test_the_site_may_ask_whether_anybody_has_looked(
    page: aiohttp.ClientSession, mailbox: Mailbox, path: str, *, is_opened: bool
) -> None:
    await send(mailbox, letter())
    async with page.get(path) as response:
        await response.read()
    assert json.loads(await text_of(page, "/state")) == {"opened": is_opened}


async def test_the_site_s_question_is_understood(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    asking = MailboxClient(mailbox.page_url)
    assert await asking.is_opened() is False
    await text_of(page, "/")
    assert await asking.is_opened() is True


async def test_a_bounce_has_a_null_sender(page: aiohttp.ClientSession, mailbox: Mailbox) -> None:
    async with aiosmtplib.SMTP(hostname=LOOPBACK, port=mailbox.smtp_port) as client:
        await client.sendmail("", ["reader@example.com"], b"Subject: bounce\r\n\r\n")
    (mail,) = await caught(page)
    assert (mail["from"], mail["subject"]) == ("", "bounce")


async def test_a_mail_too_large_is_refused_before_it_is_sent(mailbox: Mailbox) -> None:
    answers = await talk(mailbox, b"HELO me", b"EHLO me")
    assert all(answer.startswith(b"2") for answer in answers)
    async with aiosmtplib.SMTP(hostname=LOOPBACK, port=mailbox.smtp_port) as client:
        await client.ehlo()
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await client.mail("house@example.com", options=[f"SIZE={LARGEST_MAIL + 1}"])
    assert refused.value.code == 552


@pytest.mark.parametrize(
    "line",
    [b"VRFY \xff\xfe", b"MAIL FROM:<", b"MAIL FROM:<a@", b'MAIL FROM:<"', b"\xff\xfe", b"", b"x" * 5_000, b"NONSENSE"],
)
async def test_a_command_that_cannot_be_read_is_refused_and_the_next_one_served(mailbox: Mailbox, line: bytes) -> None:
    _, refused, served = await talk(mailbox, b"HELO me" if line.startswith(b"MAIL") else line, b"NOOP")
    assert served.startswith(b"250")
    assert refused[:1] in {b"2", b"5"}
    if line.startswith(b"MAIL"):
        *_, refused, served = await talk(mailbox, b"HELO me", line, b"NOOP")
        assert (refused[:1], served[:3]) == (b"5", b"250")


@pytest.mark.parametrize("port", ["smtp_port", "page_port"])
async def test_a_port_in_use_is_named_and_nothing_stays_open(port: str) -> None:
    other = "page_port" if port == "smtp_port" else "smtp_port"
    with socket.create_server((LOOPBACK, 0)) as taken:
        used = taken.getsockname()[1]
        ports = {port: used, other: free_port()}
        with pytest.raises(SettingInvalid, match=rf"port {used}: in use .* choose another port") as refused:
            await Mailbox(FixedClock()).start(**ports)
    assert port.split("_", maxsplit=1)[0] in str(refused.value).lower()
    with socket.create_server((LOOPBACK, ports[other])) as reopened:
        assert reopened.getsockname()[1] == ports[other]


async def test_an_impossible_port_is_refused() -> None:
    with pytest.raises(SettingInvalid, match="mailbox SMTP port 70000: not a port"):
        await Mailbox(FixedClock()).start(smtp_port=70_000)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [(PermissionError(13, "Permission denied"), "above 1023"), (OSError(99, "No such network"), "No such network")],
)
async def test_a_port_that_may_not_be_opened_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, error: OSError, remedy: str
) -> None:
    async def create_server(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "create_server", create_server)
    with pytest.raises(SettingInvalid, match=remedy):
        await Mailbox(FixedClock()).start(smtp_port=25)


async def test_it_stops_with_clients_still_connected_and_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    mailbox = Mailbox(FixedClock())
    await mailbox.start()
    idle_reader, idle_writer = await asyncio.open_connection(LOOPBACK, mailbox.smtp_port)
    assert (await idle_reader.readline()).startswith(b"220")
    async with aiohttp.ClientSession(mailbox.page_url) as kept_alive:
        await text_of(kept_alive, "/")
        await mailbox.stop()
        await mailbox.stop()
    assert await idle_reader.read() == b""
    idle_writer.close()
    await idle_writer.wait_closed()
    assert asyncio.all_tasks() == before
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(LOOPBACK, mailbox.smtp_port)


async def test_a_client_that_hangs_up_in_the_middle_is_no_news(
    page: aiohttp.ClientSession, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, mailbox.smtp_port)
    await reader.readline()
    for line in (b"HELO me", b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.com>", b"DATA"):
        writer.write(line + b"\r\n")
        await reader.readline()
    writer.write(b"Subject: half a ma")
    writer.transport.abort()
    await send(mailbox, letter())
    assert [mail["subject"] for mail in await caught(page)] == ["Confirm your subscription"]
    assert not caplog.records


async def test_no_e_mail_address_is_logged(mailbox: Mailbox, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await send(mailbox, letter())
    assert not [record for record in caplog.records if "example.com" in record.getMessage()]
