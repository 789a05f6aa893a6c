"""One HTTP question to a server that may be anything."""

from collections.abc import Mapping

import aiohttp
import attrs

__all__ = ["NoAnswer", "Reply", "ask"]

ANSWERS_WITHIN = 5.0
"""Seconds for connecting, TLS and the answer; a person waits for it."""

LONGEST_BODY = 4096
"""Octets of the answer that are looked at."""

NONE_BESIDES: Mapping[str, str] = {}


class NoAnswer(Exception):
    """``str()`` says why there is none."""


@attrs.frozen
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask(url: str, headers: Mapping[str, str] = NONE_BESIDES) -> Reply:
    """GET, following no redirect.

    Raises:
        NoAnswer: the name is unknown, the port closed, the certificate wrong, the server silent or no HTTP server.
    """
    limit = aiohttp.ClientTimeout(total=ANSWERS_WITHIN)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            return Reply(response.status, response.headers, await response.content.read(LONGEST_BODY))
    except TimeoutError:
        raise NoAnswer(f"no answer within {ANSWERS_WITHIN:g} s") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NoAnswer(" ".join(str(error).split()) or type(error).__name__) from None
