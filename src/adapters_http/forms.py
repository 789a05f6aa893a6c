"""Reading forms: ``application/x-www-form-urlencoded`` in UTF-8 (WHATWG URL, section 5.1), and nothing else."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import attrs
from aiohttp import hdrs, web

from adapters_http.content_types import ContentType
from adapters_http.lateness import patient_timeout
from adapters_http.refusals import BodyBroken, BodyTooLarge, BodyTooSlow, BodyTypeRefused
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal

__all__ = ["FORM_TYPE", "Form", "check_type", "form_of", "read_body", "read_form"]

FORM_TYPE: Final = "application/x-www-form-urlencoded"

# Under both names that programs send.
UTF_8: Final = frozenset({"utf-8", "utf8"})

# Our longest form has five. More than this are an attempt to keep us busy.
MOST_FIELDS: Final = 100

ESCAPES: Final = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")

# Below this the parsing takes well under a millisecond, and a thread would cost more than it spares the event loop.
PARSED_INLINE: Final = 64 * 1024


@attrs.frozen
class Form:
    """Fields as they came; one that nobody asks for is never looked at."""

    EMPTY: ClassVar["Form"]

    fields: Mapping[str, Sequence[bytes]]

    @classmethod
    def parse(cls, body: bytes) -> "Form":
        """Raises FieldInvalid where there are more fields than any form of ours has."""
        if body.count(b"&") >= MOST_FIELDS:
            raise FieldInvalid("body", f"must have at most {MOST_FIELDS} fields")
        fields: dict[str, list[bytes]] = {}
        for pair in filter(None, body.split(b"&")):
            name, _, value = pair.partition(b"=")
            fields.setdefault(_unescaped(name).decode(errors="replace"), []).append(_unescaped(value))
        return cls(fields)

    def text(self, field: str) -> str:
        """The field's text, empty where it is absent.

        Raises:
            FieldInvalid: it is there twice, is not UTF-8, or holds NUL, which no store and no mail can carry.
        """
        values = self.fields.get(field, [b""])
        if len(values) > 1:
            raise FieldInvalid(field, "must be given once")
        try:
            text = values[0].decode()
        except UnicodeDecodeError:
            raise FieldInvalid(field, "must be UTF-8") from None
        if "\0" in text:
            raise FieldInvalid(field, "must not contain NUL")
        return text

    def texts(self, field: str) -> Sequence[str]:
        """Every value of a field that may be given more than once, in order.

        Raises:
            FieldMissing: there is none.
        """
        values = self.fields.get(field)
        if not values:
            raise FieldMissing(field)
        return [value.decode(errors="replace") for value in values]

    def every(self, field: str) -> Sequence[str]:
        """Every value of a field that may be absent, as near to what was sent as can be shown."""
        return [_shown(value) for value in self.fields.get(field, ())]

    def required(self, field: str) -> str:
        """As `text`; an absent or empty field is missing.

        Raises:
            FieldMissing, FieldInvalid
        """
        text = self.text(field)
        if not text:
            raise FieldMissing(field)
        return text

    def kept(self) -> Sequence[tuple[str, str]]:
        """Every field with every value, as `typed` gives them: for hidden fields that send the same once more."""
        return [(name, _shown(value)) for name, values in self.fields.items() for value in values]

    def typed(self, field: str) -> str:
        """What to show again in a form that was refused: as near to what was sent as can be shown."""
        (value, *_) = self.fields.get(field, [b""])
        return _shown(value)


Form.EMPTY = Form({})

READ: Final = web.RequestKey("form", Form)


def _shown(value: bytes) -> str:
    return value.decode(errors="replace").replace("\0", "\ufffd")


def _unescaped(text: bytes) -> bytes:
    """A run of escapes at a time, which for non-Latin text is ten times as fast as one by one."""
    return ESCAPES.sub(lambda run: bytes.fromhex(run[0].replace(b"%", b"").decode()), text.replace(b"+", b" "))


async def read_form(request: web.Request, most: int, seconds: float) -> Form:
    """The request's form, of at most ``most`` bytes, sent within ``seconds``.

    Raises:
        BodyTypeRefused, BodyTooLarge, BodyTooSlow, BodyBroken: it cannot be read.
        FieldInvalid: it has too many fields.
    """
    if not request.body_exists:
        return Form.EMPTY
    check_type(request, FORM_TYPE)
    body = await read_body(request, most, seconds)
    form = Form.parse(body) if len(body) <= PARSED_INLINE else await asyncio.to_thread(Form.parse, body)
    request[READ] = form
    return form


async def form_of(request: web.Request, most: int, seconds: float) -> Form:
    """The form as `read_form` gave it, to be shown again; empty where it cannot be read."""
    if READ in request:
        return request[READ]
    try:
        return await read_form(request, most, seconds)
    except Refusal:
        return Form.EMPTY


async def read_body(request: web.Request, most: int, seconds: float) -> bytes:
    """The body as it came, whatever its type; limits and errors as for `read_form`.

    Raises:
        BodyTooLarge, BodyTooSlow, BodyBroken
    """
    if (request.content_length or 0) > most:
        raise BodyTooLarge(most)
    body = bytearray()
    try:
        async with patient_timeout(seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most:
                    raise BodyTooLarge(most)
    except TimeoutError:
        raise BodyTooSlow(seconds) from None
    except (web.RequestPayloadError, ConnectionError):
        raise BodyBroken from None
    return bytes(body)


def check_type(request: web.Request, wanted: str) -> None:
    """Raises BodyTypeRefused: it is of another type, not in UTF-8, or compressed."""
    given = ContentType.of(request)
    if given.media_type != wanted:
        raise BodyTypeRefused(hdrs.CONTENT_TYPE, f"must be {wanted}")
    if not UTF_8.issuperset(given.charsets):
        raise BodyTypeRefused(hdrs.CONTENT_TYPE, "must have the charset utf-8")
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise BodyTypeRefused(hdrs.CONTENT_ENCODING, "must be absent: the body is sent uncompressed")
