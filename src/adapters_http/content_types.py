"""``Content-Type`` (RFC 9110 §8.3.1) by a rule whose work grows with the header's length and with nothing else.

aiohttp reads the header with Python's parser of mails: on 8 KiB that are made for it, that takes seconds, or fails.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs
from aiohttp import hdrs, web

__all__ = ["ContentType"]

# Characters. Browsers send under a hundred, and the longest registered media types are no longer.
LONGEST: Final = 256


@attrs.frozen
class ContentType:
    """In lower case. ``media_type`` is empty where none is given, or the header is too long to be one.

    ``charsets``: each that is named, which should be one at most.
    """

    media_type: str = ""
    charsets: Sequence[str] = ()

    @classmethod
    def of(cls, request: web.Request) -> "ContentType":
        return cls.parse(request.headers.get(hdrs.CONTENT_TYPE, ""))

    @classmethod
    def parse(cls, header: str) -> "ContentType":
        """Whatever the header is, it is read as something."""
        if len(header) > LONGEST:
            return cls()
        media_type, *parameters = header.lower().split(";")
        return cls(media_type.strip(), tuple(_charsets(parameters)))


def _charsets(parameters: Iterable[str]) -> Iterator[str]:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            yield value.strip().strip('"')
