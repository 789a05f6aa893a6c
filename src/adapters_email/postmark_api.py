"""Postmark's e-mail API as a client speaks it: one request, and what became of each of its messages.

The API is judged by what it says and by nothing it promises: an answer that cannot be read leaves the messages
uncertain, whatever it was meant to be.
"""

import ssl
from collections.abc import Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import Self

import aiohttp
import attrs
import orjson

from adapters_email.postmark_account import PostmarkAccount
from zero2prod_core.domain.deliveries import Deferred, Outcome, Rejected, Scope, Sent, Throttled, Uncertain
from zero2prod_core.domain.replies import GREATEST_CODE, OK, TOO_LARGE, Phase, postmark_outcome_of

__all__ = ["PostmarkApi", "PostmarkRequest"]

CONNECT = 30.0
"""Seconds: an API that takes longer to accept a connection is down."""

LONGEST_ANSWER = 1_048_576
"""Bytes: 500 results, the most that one request asks for, take about 100 kB."""


@attrs.define
class PostmarkRequest:
    """A request for messages, and how far it is. ``status`` is the answer's.

    ``phase`` is SETUP until it has a connection, and END once its bytes may have left us: whoever interrupts it learns
    what that means for its messages.
    """

    messages: Sequence[bytes]
    phase: Phase = Phase.SETUP
    status: int | None = None

    @property
    def was_too_large(self) -> bool:
        """Whether fewer messages might have been taken."""
        return self.status in TOO_LARGE and len(self.messages) > 1

    @property
    def was_taken(self) -> bool:
        """Whether the request as such was in order, whatever came of its messages."""
        return self.status in OK

    @property
    def path(self) -> str:
        return "/email/batch" if len(self.messages) > 1 else "/email"

    @property
    def body(self) -> bytes:
        return b"[" + b",".join(self.messages) + b"]" if len(self.messages) > 1 else self.messages[0]

    def unanswered(self, reason: str) -> Sequence[Outcome]:
        """What becomes of each message where no answer comes."""
        return [postmark_outcome_of(self.phase, None, None, reason)] * len(self.messages)

    def answered(self, status: int, content: bytes) -> Sequence[Outcome]:
        """What the answer says of each message, in their order."""
        self.status, answer = status, _parsed(content)
        if len(self.messages) == 1:
            return [_outcome(status, answer)]
        if not isinstance(answer, list):
            return [self._of_all(_outcome(status, answer))] * len(self.messages)
        if len(answer) != len(self.messages):
            return self.unanswered(f"{len(answer)} results came for {len(self.messages)} messages")
        return [_outcome(status, each) for each in answer]

    def _of_all(self, outcome: Outcome) -> Outcome:
        """One verdict for a whole batch blames nobody: who is meant cannot be told, and none was taken by itself."""
        match outcome:
            case Rejected() if self.was_too_large:
                return Throttled(outcome.reply, Scope.RELAY)
            case Rejected():
                return Deferred(outcome.reply)
            case Sent():
                return Uncertain(outcome.reply)
            case _:
                return outcome


class PostmarkApi:
    """An HTTP client for one account; to be entered before use. It follows no redirect and repeats no request.

    Args:
        account: where and as whom.
        connections: the most that are open at a time.
        time_limit: seconds for one request with its answer.
        context: which certificates to believe.
    """

    def __init__(
        self, account: PostmarkAccount, *, connections: int, time_limit: float, context: ssl.SSLContext
    ) -> None:
        self._url = account.url
        self._time_limit = time_limit
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=context),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_headers(account),
            timeout=aiohttp.ClientTimeout(total=time_limit, connect=min(CONNECT, time_limit)),
            auto_decompress=False,
            trace_configs=[_tracing()],
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, request: PostmarkRequest) -> Sequence[Outcome]:
        """What became of each message; never an exception for anything that the API does."""
        try:
            async with self._session.post(
                self._url + request.path, data=request.body, allow_redirects=False, trace_request_ctx=request
            ) as response:
                return request.answered(response.status, await _content(response))
        except TimeoutError:
            return request.unanswered(f"no answer from {self._url} within {self._time_limit:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return request.unanswered(f"{type(error).__name__} at {self._url}: {error}")


def _headers(account: PostmarkAccount) -> Mapping[str, str]:
    return MappingProxyType(
        {
            "X-Postmark-Server-Token": account.token,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
        }
    )


def _tracing() -> aiohttp.TraceConfig:
    """Tells each request when it has a connection."""

    async def note(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: object) -> None:
        context.trace_request_ctx.phase = Phase.END

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_create_end.append(note)
    tracing.on_connection_reuseconn.append(note)
    return tracing


async def _content(response: aiohttp.ClientResponse) -> bytes:
    """The answer's body, or nothing where it has no end."""
    content = b""
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > LONGEST_ANSWER:
            return b""
    return content


def _parsed(content: bytes) -> object:
    try:
        parsed: object = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return parsed


def _outcome(status: int, result: object) -> Outcome:
    """Of one message; ``result`` should be an object with ErrorCode and Message."""
    fields = result if isinstance(result, dict) else {}
    code, message = fields.get("ErrorCode"), fields.get("Message")
    known = isinstance(code, int) and not isinstance(code, bool) and 0 <= code <= GREATEST_CODE
    text = message if isinstance(message, str) else f"HTTP {status}"
    return postmark_outcome_of(Phase.END, status, code if known else None, text)
