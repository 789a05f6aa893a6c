"""Asking the mailbox whether anybody has looked into it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from adapters_http.mailbox import Mailbox
from tests.support.services import free_port


@asynccontextmanager
async def answering(body: str, status: int = 200) -> AsyncIterator[str]:
    """A mailbox that says this when it is asked."""

    async def state(_: web.Request) -> web.Response:
        return web.Response(text=body, status=status, content_type="application/json")

    app = web.Application()
    app.router.add_get("/state", state)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("body", "is_opened"),
    [
        ('{"opened": true, "mails": 1}', True),
        ('{"opened": false, "mails": 1}', False),
        ('{"opened": "yes"}', False),
        ("{}", False),
        ("[true]", False),
        ("<!doctype html>", False),
        ('{"opened": true, "more": "' + "x" * 2000 + '"}', False),
        ("", False),
    ],
)
async def test_only_a_clear_yes_is_one(body: str, *, is_opened: bool) -> None:
    async with answering(body) as url:
        assert await Mailbox(url).is_opened() is is_opened


async def test_where_there_is_none_nobody_is_asked() -> None:
    assert await Mailbox(None).is_opened() is False


async def test_one_that_is_gone_was_not_opened() -> None:
    assert await Mailbox(f"http://127.0.0.1:{free_port()}/").is_opened() is False


async def test_one_that_is_silent_was_not_opened() -> None:
    hung_up = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await Mailbox(f"http://127.0.0.1:{port}/").is_opened() is False
        await hung_up.wait()
