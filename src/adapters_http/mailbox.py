"""The mailbox that catches the mail on this machine, where there is one: whether anybody has opened its page."""

import asyncio
import json
from typing import Final

import aiohttp
import attrs

__all__ = ["Mailbox"]

# Seconds. It is on the same machine, and the page that asks is about something else: silence is an answer too.
TIME_LIMIT: Final = 0.5

# Bytes. What it says has about thirty.
LONGEST: Final = 1024


@attrs.frozen
class Mailbox:
    """``url`` is its page's, ending in a slash; None where mail goes elsewhere."""

    url: str | None

    async def is_opened(self) -> bool:
        """False as well where there is none, or none that answers."""
        if self.url is None:
            return False
        try:
            return await self._ask(f"{self.url}state")
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return False

    async def _ask(self, url: str) -> bool:
        async with (
            asyncio.timeout(TIME_LIMIT),
            aiohttp.ClientSession() as client,
            client.get(url, allow_redirects=False) as response,
        ):
            state: object = json.loads(await response.content.read(LONGEST))
        return isinstance(state, dict) and state.get("opened") is True
