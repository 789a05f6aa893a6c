"""What the site asks the mailbox, which is another process of the same machine: whether anybody has opened its page."""

import asyncio
from types import MappingProxyType
from typing import Final

import aiohttp
import orjson

from adapters_http.mailbox import Mailbox

__all__ = ["MailboxClient"]

# Seconds. It is on the same machine, and the page that asks is about something else: silence is an answer too.
TIME_LIMIT: Final = 0.5

# Bytes. What it says has about twenty.
LONGEST: Final = 1024

UNPACKED: Final = MappingProxyType({"Accept-Encoding": "identity"})


class MailboxClient(Mailbox):
    """Remembers a yes, which does not change.

    Args:
        url: the mailbox's page, ending in a slash.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._opened = False

    @property
    def url(self) -> str:
        return self._url

    async def is_opened(self) -> bool:
        if not self._opened:
            self._opened = await self._asked()
        return self._opened

    async def _asked(self) -> bool:
        try:
            state = await self._state()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False
        return isinstance(state, dict) and state.get("opened") is True

    async def _state(self) -> object:
        async with (
            asyncio.timeout(TIME_LIMIT),
            aiohttp.ClientSession(auto_decompress=False) as client,
            client.get(f"{self._url}state", headers=UNPACKED, allow_redirects=False) as response,
        ):
            state: object = orjson.loads(await _bounded(response.content))
            return state


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    body = b""
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > LONGEST:
            raise ValueError("longer than anything that a mailbox says")
    return body
