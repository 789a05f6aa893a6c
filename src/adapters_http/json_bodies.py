"""Reading JSON (RFC 8259) in UTF-8: an object, of fields that we know, with every mistake told at once."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from aiohttp import web
from cattrs import AttributeValidationNote, ClassValidationError, Converter
from cattrs.errors import ForbiddenExtraKeysError

from adapters_http.forms import check_type, read_body
from adapters_http.refusals import FieldsRefused
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import Slug
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal

__all__ = ["JSON_TYPE", "Tags", "Texts", "read_json", "structured"]

Shape = TypeVar("Shape")

JSON_TYPE: Final = "application/json"

# The newsletter's own fields by name, and the names of its tags.
Texts = dict[str, str]
Tags = tuple[str, ...]

# Of a name that is not ours: enough to find it again.
SHOWN: Final = 100


async def read_json(request: web.Request, most: int, seconds: float) -> object:
    """The value in the request's body, of at most ``most`` bytes, sent within ``seconds``.

    Raises:
        BodyTypeRefused, BodyTooLarge, BodyTooSlow, BodyBroken: it cannot be read.
        FieldsRefused: it is no JSON, or has a member twice.
    """
    check_type(request, JSON_TYPE)
    return _parsed(await read_body(request, most, seconds))


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body.decode(), object_pairs_hook=_members)
    except (ValueError, RecursionError):  # the second by brackets within brackets
        raise FieldsRefused([FieldInvalid("body", "must be JSON in UTF-8")]) from None


def _members(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = [name for name in members if times[name] > 1]
        raise FieldsRefused([FieldInvalid(_shown(name), "must be given once") for name in twice])
    return members


def _shown(name: str) -> str:
    """The beginning of a name that is not ours. Half a surrogate pair, which JSON can escape, fits into no answer."""
    return name[:SHOWN].encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def structured(value: object, shape: type[Shape]) -> Shape:
    """The value as an object of this attrs class, whose attributes are its fields.

    Raises:
        FieldsRefused: with all that is wrong, in the order of the class.
    """
    if not isinstance(value, dict):
        raise FieldsRefused([FieldInvalid("body", "must be a JSON object", 'Write it as {"name": …}')])
    try:
        return CONVERTER.structure(value, shape)
    except ClassValidationError as error:
        raise FieldsRefused(list(_refusals(error))) from None


def _refusals(error: BaseException) -> Iterator[Refusal]:
    """What cattrs has gathered, as refusals."""
    if isinstance(error, ClassValidationError):
        for each in error.exceptions:
            yield from _refusals(each)
    elif isinstance(error, NoText):
        yield FieldInvalid(_name_of_the_field(error), "must be a text", "Write it in quotation marks")
    elif isinstance(error, FieldsRefused):
        yield from error.refusals
    elif isinstance(error, ForbiddenExtraKeysError):
        for name in sorted(error.extra_fields):
            yield FieldInvalid(_shown(name), "is no field of a sign-up", "Leave it out")
    elif isinstance(error, KeyError):
        yield FieldMissing(str(error.args[0]))
    elif isinstance(error, Refusal):
        yield error
    else:
        raise error


def _name_of_the_field(error: BaseException) -> str:
    """cattrs notes it on what a field's hook raised."""
    notes: Sequence[object] = getattr(error, "__notes__", ())
    return next((note.name for note in notes if isinstance(note, AttributeValidationNote)), "body")


class NoText(Exception):
    """A value is of another type; whoever catches it knows the field."""


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise NoText
    return value


def _texts(value: object) -> Texts:
    if not isinstance(value, dict):
        raise FieldInvalid("fields", "must be a JSON object of texts", 'Write it as {"city": "Ulm"}')
    wrong = [name for name, text in value.items() if not isinstance(text, str)]
    if wrong:
        raise FieldsRefused([FieldInvalid(f"fields.{_shown(name)}", "must be a text") for name in wrong])
    return value


def _tags(value: object) -> Tags:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise FieldInvalid("tags", "must be a JSON array of texts", 'Write it as ["music"]')
    return tuple(value)


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook(str, lambda value, _: _text(value))
    converter.register_structure_hook(SubscriberName, lambda value, _: SubscriberName.parse(_text(value)))
    converter.register_structure_hook(EmailAddress, lambda value, _: EmailAddress.parse(_text(value)))
    converter.register_structure_hook(Slug, lambda value, _: Slug.parse(_text(value)))
    converter.register_structure_hook_func(lambda type_: type_ == Texts, lambda value, _: _texts(value))
    converter.register_structure_hook_func(lambda type_: type_ == Tags, lambda value, _: _tags(value))
    return converter


CONVERTER: Final = _converter()
