"""What arrives: mails as Postmark's API is asked to send them."""

import asyncio
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import attrs

from tests.support.postmark_server import Answer, PostmarkServer, Received

TOKEN = "5e0f7c1a-9b1d-4c52-8a57-0d2c6f1f3b90"

# HTTP statuses of Postmark's.
OK = 200
TOO_MANY = 429
AWAY = 503

# Postmark's error code for a recipient that it does not mail any more.
INACTIVE = 406

LINK = re.compile(r"https?://[^\s\"'<>]+")


@attrs.frozen
class Mail:
    """One message, as Postmark's API names its parts; ``headers`` in the order in which they were given."""

    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    headers: Sequence[tuple[str, str]]
    reply_to: str = ""

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> "Mail":
        headers = [(header["Name"], header["Value"]) for header in message.get("Headers") or []]
        return cls(
            message["From"],
            message["To"],
            message["Subject"],
            message.get("TextBody") or "",
            message.get("HtmlBody") or "",
            headers,
            message.get("ReplyTo") or "",
        )

    def header(self, name: str) -> str:
        """The only header of this name."""
        (value,) = [value for each, value in self.headers if each.lower() == name.lower()]
        return value

    @property
    def links(self) -> tuple[set[str], set[str]]:
        """Of the text, and of the HTML."""
        return set(LINK.findall(self.text)), set(LINK.findall(self.html.replace("&amp;", "&")))

    @property
    def confirmation_path(self) -> str:
        """Path and query of the one link, which is the same in text and HTML."""
        text, html = self.links
        assert text == html
        (link,) = text
        return path_of(link)

    @property
    def unsubscribe_path(self) -> str:
        """What a mail program posts to when its reader unsubscribes with one click (RFC 8058)."""
        (link,) = LINK.findall(self.header("List-Unsubscribe"))
        return path_of(link)


def path_of(link: str) -> str:
    """Path and query."""
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


@attrs.frozen
class Request:
    """One request to Postmark. ``status`` is what it was answered."""

    path: str
    token: str
    messages: Sequence[Mapping[str, Any]]
    status: int


class Post:
    """Keeps every request. ``answers`` are the HTTP statuses that the next ones get instead of 200.

    ``server`` is the Postmark that runs; its ``codes`` are the error codes of recipients that it does not mail.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: deque[int] = deque()
        self.server = PostmarkServer()
        self.server.at_request = self._take

    @property
    def mails(self) -> list[Mail]:
        """Those that were taken."""
        taken = [message for request in self.requests if request.status == OK for message in request.messages]
        return [Mail.of(message) for message in taken if message["To"] not in self.server.codes]

    def to(self, recipient: str) -> list[Mail]:
        return [mail for mail in self.mails if mail.recipient == recipient]

    def forget(self) -> None:
        """Begin anew."""
        self.requests.clear()
        self.answers.clear()
        self.server.codes.clear()

    def _take(self, request: Received) -> None:
        status = self.answers.popleft() if self.answers else OK
        messages = [message.parts for message in request.messages]
        self.requests.append(Request(request.path, request.token, messages, status))
        refusal = {"ErrorCode": 0, "Message": "Not now."}
        self.server.script.append(None if status == OK else Answer.of(refusal, status))


@contextmanager
def receiving() -> Iterator[Post]:
    """A Postmark on loopback, in a thread of its own, so that tests may block."""
    post = Post()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        thread = Thread(target=loop.run_forever)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(post.server.__aenter__(), loop).result()
            yield post
            asyncio.run_coroutine_threadsafe(post.server.__aexit__(None, None, None), loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
