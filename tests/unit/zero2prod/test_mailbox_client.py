"""Asking the mailbox whether anybody has looked into it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.support.ports import free_port
from tests.support.sites import answering
from zero2prod.mailbox_client import MailboxClient


@asynccontextmanager
async def saying(*bodies: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A mailbox that says these, one after the other, and its list of what was asked for."""
    asked: list[str] = []

    async def say(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(text=bodies[len(asked) - 1], content_type="application/json")

    async with answering(say) as url:
        yield f"{url}/", asked


@pytest.mark.parametrize(
    ("body", "is_opened"),
    [
        ('{"opened": true}', True),
        ('{"opened": false}', False),
        ('{"opened": "yes"}', False),
        ("{}", False),
        ("[true]", False),
        ("<!doctype html>", False),
        ('{"opened": true, "more": "' + "x" * 2000 + '"}', False),
        ("", False),
        ("[" * 1024, False),
        ('{"opened":' * 100, False),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), False),
        ('{"opened": true}' + " " * 10_000, False),
    ],
)
async def test_only_a_clear_yes_is_one(body: str, *, is_opened: bool) -> None:
    async with saying(body) as (url, asked):
        assert await MailboxClient(url).is_opened() is is_opened
    assert asked == ["/state"]


async def test_a_no_is_asked_again_and_a_yes_is_remembered() -> None:
    async with saying('{"opened": false}', '{"opened": true}') as (url, asked):
        mailbox = MailboxClient(url)
        assert [await mailbox.is_opened() for _ in range(4)] == [False, True, True, True]
    assert len(asked) == 2


async def test_one_that_is_gone_was_not_opened() -> None:
    assert await MailboxClient(f"http://127.0.0.1:{free_port()}/").is_opened() is False


async def test_one_that_is_silent_was_not_opened() -> None:
    hung_up = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await MailboxClient(f"http://127.0.0.1:{port}/").is_opened() is False
        await hung_up.wait()
