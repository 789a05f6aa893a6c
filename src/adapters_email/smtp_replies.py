"""Reading a mail server's replies, however they are cut; nothing here knows of sockets.

A reply is lines of ``<code>-text`` and a last one of ``<code> text`` (RFC 5321 §4.2.1).
"""

from collections.abc import Callable, Mapping

import attrs

__all__ = ["Answer", "Garbage", "Replies"]

CODES: Mapping[bytes, int] = {b"%d" % code: code for code in range(200, 600)}
MORE = b"-"
SEPARATORS = frozenset({MORE, b" ", b""})
"""What stands behind the code of a line: some servers leave out the text, and the space with it."""

LONGEST_REPLY = 65_536
"""Bytes. RFC 5321 allows 512 in a line, and an EHLO has some twenty: a server that says more says nothing we read."""

ENDLESS = "the server's reply has no end"


class Garbage(Exception):
    """What came is no SMTP; ``str()`` says how."""


@attrs.define
class Answer:
    """``words`` has the lines of the reply without their codes, joined by line feeds."""

    code: int
    words: bytes

    @property
    def text(self) -> str:
        return self.words.decode("utf-8", "replace")


@attrs.define
class Replies:
    """Bytes in, replies out."""

    _open_line: bytes = b""
    _lines: list[bytes] = attrs.field(factory=list)
    _code: int | None = None
    _size: int = 0

    @property
    def are_complete(self) -> bool:
        return not (self._open_line or self._lines)

    def feed(self, data: bytes, hear: Callable[[Answer], None]) -> None:
        """Have each reply heard that ``data`` completes.

        Raises:
            Garbage: the bytes are no reply, or have no end. What was complete before them was heard.
        """
        *lines, self._open_line = (self._open_line + data).split(b"\n")
        for line in lines:
            if answer := self._read(line):
                hear(answer)
        if self._size + len(self._open_line) > LONGEST_REPLY:
            raise Garbage(ENDLESS)

    def _read(self, line: bytes) -> Answer | None:
        self._size += len(line) + 1
        if self._size > LONGEST_REPLY:
            raise Garbage(ENDLESS)
        line = line.removesuffix(b"\r")
        code, separator, words = CODES.get(line[:3]), line[3:4], line[4:]
        if code is None or separator not in SEPARATORS or (self._lines and code != self._code):
            raise Garbage(f"the server sent what is no reply: {line[:80].decode('utf-8', 'replace')}")
        if separator == MORE:
            self._code = code
            self._lines.append(words)
            return None
        if self._lines:
            words = b"\n".join((*self._lines, words))
            self._lines = []
        self._size = 0
        return Answer(code, words)
