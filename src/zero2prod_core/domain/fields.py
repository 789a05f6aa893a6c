"""What a newsletter asks its readers for besides name and e-mail address: fields of declared types, and tags to choose.

A value is kept as text in one form for each type, so that equal values are equal texts: numbers without needless zeros,
dates as ``2026-05-01`` (ISO 8601), ``yes`` and ``no``. A value whose field is declared no more stays with its
subscriber, and is shown nowhere.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import StrEnum
from types import MappingProxyType

import attrs

from zero2prod_core.domain.lines import parse_line
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal

MOST_FIELDS = 20
"""More questions than anybody answers."""

MOST_TAGS = 50
"""As many boxes as a page shows without losing the reader."""

MOST_CHOICES = 50
"""A longer list is searched rather than read."""

LONGEST_LABEL = 100
"""Characters: a question in one line."""

LONGEST_TEXT = 500
"""Characters of a value: a short answer, which may stand in a subject."""

LONGEST_NUMBER = 30
"""Characters: more digits than any count or measure has."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
NUMBER = re.compile(r"([+-]?)0*([0-9]+)(?:\.([0-9]*?)0*)?", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

YES_NO: Mapping[str, str] = MappingProxyType(
    {"yes": "yes", "true": "yes", "on": "yes", "no": "no", "false": "no", "off": "no"}
)
"""A person's words, a program's, and what a box sends that is ticked."""


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"


@attrs.frozen
class Field:
    """One question. ``name`` stands in slots, ``label`` on the form; only a CHOICE has ``choices``."""

    name: str
    label: str
    type: FieldType = FieldType.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()

    @classmethod
    def parse(
        cls,
        name: str,
        label: str,
        kind: str = FieldType.TEXT,
        required: bool = False,
        choices: Sequence[str] = (),
        field: str = "fields",
    ) -> "Field":
        """A declaration from what was typed; ``field`` is where, for errors.

        Raises:
            FieldMissing, FieldInvalid: the rule that is broken.
        """
        parsed = _parse_type(kind, field)
        chosen_from = _choices(parsed, choices, field)
        return cls(_parse_name(name, field), _parse_label(label, field), parsed, required, chosen_from)

    @property
    def path(self) -> str:
        """How errors, forms and programs name its value."""
        return f"fields.{self.name}"

    def parse_value(self, raw: str) -> str:
        """The value in the form in which it is kept; an empty text where none was given.

        Raises:
            FieldMissing, FieldInvalid: it is required; it is none of this type.
        """
        try:
            if not raw.strip() and not self.required:
                return ""
            return READERS[self.type](self, parse_line(raw, self.path, LONGEST_TEXT))
        except (FieldMissing, FieldInvalid) as refused:
            raise refused.about(self.label) from None


@attrs.frozen
class Tag:
    """A topic that a reader may choose. ``name`` is what is kept, ``label`` what is shown."""

    name: str
    label: str

    @classmethod
    def parse(cls, name: str, label: str, field: str = "tags") -> "Tag":
        """Raises FieldMissing, FieldInvalid."""
        return cls(_parse_name(name, field), _parse_label(label, field))


def parse_values(fields: Sequence[Field], typed: Mapping[str, str]) -> Mapping[str, str]:
    """What was typed, by name, in the form in which it is kept; fields that were left empty are not among it.

    Raises:
        FieldMissing, FieldInvalid: a required one is missing, one breaks a rule, or there is no field of a name; the
            error's field is ``fields.<name>``, and it knows all others.
    """
    values, refused = dict[str, str](), list(_unknown(typed, {field.name for field in fields}, "fields."))
    for field in fields:
        try:
            values[field.name] = field.parse_value(typed.get(field.name, ""))
        except (FieldMissing, FieldInvalid) as mistake:
            refused.append(mistake)
    if refused:
        raise _together(refused)
    return {name: value for name, value in values.items() if value}


def parse_answers(
    fields: Sequence[Field], tags: Sequence[Tag], typed: Mapping[str, str], chosen: Iterable[str]
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """See `parse_values` and `parse_tags`; what is raised knows the mistakes of both."""
    values, names, refused = dict[str, str](), tuple[str, ...](), list[Refusal]()
    try:
        values = dict(parse_values(fields, typed))
    except (FieldMissing, FieldInvalid) as mistake:
        refused += [mistake, *mistake.also]
    try:
        names = parse_tags(tags, chosen)
    except FieldInvalid as mistake:
        refused.append(mistake)
    if refused:
        raise _together(refused)
    return values, names


def fitting_values(fields: Sequence[Field], kept: Mapping[str, str]) -> Mapping[str, str]:
    """Of values that were given to earlier declarations, those that today's take."""
    return {field.name: kept[field.name] for field in fields if field.name in kept and _takes(field, kept[field.name])}


def parse_tags(tags: Sequence[Tag], chosen: Iterable[str]) -> tuple[str, ...]:
    """The names of the tags chosen, each once, in the newsletter's order.

    Raises:
        FieldInvalid: the newsletter has no such tag.
    """
    wanted = set(chosen)
    unknown = sorted(wanted - {tag.name for tag in tags})
    if unknown:
        raise FieldInvalid("tags", f"{_quoted(unknown[0])} is no tag of this newsletter", _known(tags_named(tags)))
    return tuple(tag.name for tag in tags if tag.name in wanted)


def fitting_tags(tags: Sequence[Tag], kept: Iterable[str]) -> tuple[str, ...]:
    """Of tags that were chosen earlier, those that are declared today, in that order."""
    chosen = set(kept)
    return tuple(tag.name for tag in tags if tag.name in chosen)


def shown_values(fields: Sequence[Field], kept: Mapping[str, str]) -> Sequence[tuple[Field, str]]:
    """The declared fields that somebody has a value for, in the newsletter's order."""
    return [(field, kept[field.name]) for field in fields if kept.get(field.name)]


def shown_tags(tags: Sequence[Tag], kept: Collection[str]) -> Sequence[str]:
    """The labels of somebody's tags, in the newsletter's order."""
    return [tag.label for tag in tags if tag.name in kept]


def tags_named(tags: Iterable[Tag]) -> list[str]:
    return [tag.name for tag in tags]


def check_declared(fields: Sequence[Field], tags: Sequence[Tag]) -> None:
    """Raises FieldInvalid: there are too many, or two of one name."""
    for where, names, most in (
        ("fields", [field.name for field in fields], MOST_FIELDS),
        ("tags", tags_named(tags), MOST_TAGS),
    ):
        if len(names) > most:
            raise FieldInvalid(where, f"must be at most {most}", "Leave some out")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise FieldInvalid(where, f"has {twice} twice", "Give each a name of its own")


def check_types(before: Sequence[Field], after: Sequence[Field]) -> None:
    """Raises FieldInvalid: a field has another type than before, which what people answered would not fit."""
    types = {field.name: field.type for field in before}
    for field in after:
        if types.get(field.name, field.type) is not field.type:
            raise FieldInvalid(
                "fields",
                f"{field.name} is of the type {types[field.name]}, and readers may have answered it",
                "Declare a field of another name, and remove this one",
            )


def _parse_name(raw: str, field: str) -> str:
    name = raw.strip()
    if not NAME.fullmatch(name):
        rule = "must be a-z, 0-9 and _, begin with a letter, and have at most 32 characters"
        raise FieldInvalid(field, f"the name {_quoted(name)} {rule}", "Write it like city or shoe_size")
    return name


def _parse_label(raw: str, field: str) -> str:
    label = parse_line(raw, field, LONGEST_LABEL)
    if '"' in label:
        raise FieldInvalid(field, f'the words {_quoted(label)} must not have a "', "Write ' instead")
    return label


def _parse_type(raw: str, field: str) -> FieldType:
    try:
        return FieldType(raw)
    except ValueError:
        raise FieldInvalid(field, f"{_quoted(raw)} is no type", _known(FieldType)) from None


def _choices(kind: FieldType, raw: Sequence[str], field: str) -> tuple[str, ...]:
    choices = tuple(_parse_label(each, field) for each in raw)
    if kind is not FieldType.CHOICE and choices:
        raise FieldInvalid(field, f"a field of the type {kind} has no choices", "Make its type choice, or drop them")
    if kind is FieldType.CHOICE and not 1 <= len(choices) <= MOST_CHOICES:
        raise FieldInvalid(field, f"a choice must have 1 to {MOST_CHOICES} choices", "Write them behind its words")
    if len(set(choices)) < len(choices):
        raise FieldInvalid(field, "has a choice twice", "Leave one out")
    return choices


def _text(_field: Field, text: str) -> str:
    return text


def _number(field: Field, text: str) -> str:
    found = NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if found is None:
        raise FieldInvalid(field.path, "must be a number", "Write it like 12 or 3.5")
    sign, whole, decimals = found.groups()
    digits = f"{whole}.{decimals}" if decimals else whole
    return f"-{digits}" if sign == "-" and digits != "0" else digits


def _date(field: Field, text: str) -> str:
    try:
        return date.fromisoformat(text if DATE.fullmatch(text) else "").isoformat()
    except ValueError:
        raise FieldInvalid(field.path, "must be a day of the calendar", "Write it like 2026-05-01") from None


def _choice(field: Field, text: str) -> str:
    if text not in field.choices:
        raise FieldInvalid(field.path, "must be one of its choices", _known(field.choices))
    return text


def _yes_no(field: Field, text: str) -> str:
    value = YES_NO.get(text.lower())
    if value is None:
        raise FieldInvalid(field.path, "must be yes or no", "Choose one of the two")
    return value


READERS: Mapping[FieldType, Callable[[Field, str], str]] = MappingProxyType(
    {
        FieldType.TEXT: _text,
        FieldType.NUMBER: _number,
        FieldType.DATE: _date,
        FieldType.CHOICE: _choice,
        FieldType.YES_NO: _yes_no,
    }
)
"""From one line to the form in which a value of the type is kept."""


def _takes(field: Field, value: str) -> bool:
    try:
        return bool(field.parse_value(value))
    except (FieldInvalid, FieldMissing):
        return False


def _together(refusals: Sequence[Refusal]) -> Refusal:
    """The first of them, which knows the others."""
    first = refusals[0]
    first.also = refusals[1:]
    return first


def _unknown(typed: Iterable[str], known: Collection[str], prefix: str) -> Iterator[Refusal]:
    names = _known(f"{prefix}{name}" for name in sorted(known))
    for name in sorted(set(typed) - set(known)):
        yield FieldInvalid(f"{prefix}{_cut(name)}", "is no field of this newsletter", names)


def _known(names: Iterable[str]) -> str:
    known = ", ".join(names)
    return f"Known are {known}" if known else "It has none"


LONGEST_QUOTED = 40
"""Characters of what was typed, in an error."""


def _cut(typed: str) -> str:
    return "".join(each if each.isprintable() else "\ufffd" for each in typed[:LONGEST_QUOTED])


def _quoted(typed: str) -> str:
    return f"'{_cut(typed)}'"
