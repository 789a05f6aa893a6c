"""Fields and tags as a person writes them down, one in a line.

``city: text "Your city"`` and ``size: choice required "Your size" "Small" "Large"`` declare fields, ``music: "Music
news"`` a tag. Commas between the words are welcome, and so are the quotation marks of word processors.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from zero2prod_core.domain.fields import Field, FieldType, Tag
from zero2prod_core.errors import FieldInvalid, FieldMissing

REQUIRED = "required"

BEGINNING = re.compile(r"\s*([^\s:]+)\s*:\s*")
WORDS = re.compile(r'[\s,]*(?:"([^"]*)"|\u201c([^"\u201d]*)\u201d|([^\s,"\u201c]+))[\s,]*')

LIKE_A_FIELD = 'Write it like city: text "Your city", or size: choice required "Your size" "Small" "Large"'
LIKE_A_TAG = 'Write it like music: "Music news"'

SINGLE = "has words in single quotation marks, which must be double ones"

Declared = TypeVar("Declared", Field, Tag)


def parse_fields(typed: str) -> tuple[Field, ...]:
    """The fields that the lines of a text declare. Raises FieldInvalid, naming the line."""
    return _by_line(typed, "fields", _field)


def parse_tag_lines(typed: str) -> tuple[Tag, ...]:
    """The tags that the lines of a text declare. Raises FieldInvalid, naming the line."""
    return _by_line(typed, "tags", _tag)


def field_line(field: Field) -> str:
    """The line that declares it."""
    required = f" {REQUIRED}" if field.required else ""
    quoted = " ".join(f'"{words}"' for words in (field.label, *field.choices))
    return f"{field.name}: {field.type}{required} {quoted}"


def tag_line(tag: Tag) -> str:
    """The line that declares it."""
    return f'{tag.name}: "{tag.label}"'


def _by_line(typed: str, where: str, read: Callable[[str], Declared]) -> tuple[Declared, ...]:
    declared = []
    for number, line in enumerate(typed.splitlines(), 1):
        if line.strip():
            try:
                declared.append(read(line))
            except FieldInvalid as refused:
                rule, remedy = refused.fields["rule"], refused.fields["remedy"]
                raise FieldInvalid(where, f"line {number}: {rule}", remedy) from None
            except FieldMissing:
                raise FieldInvalid(where, f"line {number}: has empty words", "Fill them in") from None
    return tuple(declared)


def _field(line: str) -> Field:
    name, rest = _beginning(line, "fields", LIKE_A_FIELD)
    words, texts = _split(rest, LIKE_A_FIELD)
    if any(word.startswith("'") for word in words):
        raise FieldInvalid("fields", SINGLE, LIKE_A_FIELD)
    if not texts or not words or words[1:] not in ([], [REQUIRED]):
        raise FieldInvalid("fields", "cannot be read", LIKE_A_FIELD)
    return Field.parse(name, texts[0], _type(words[0]), len(words) > 1, texts[1:])


def _type(word: str) -> str:
    """As a person may write it: yes/no."""
    return FieldType.YES_NO if word in {"yes/no", "yes-no"} else word


def _tag(line: str) -> Tag:
    name, rest = _beginning(line, "tags", LIKE_A_TAG)
    if rest.startswith("'") and rest.rstrip().endswith("'"):
        raise FieldInvalid("tags", SINGLE, LIKE_A_TAG)
    return Tag.parse(name, rest.strip().strip('"\u201c\u201d'))


def _beginning(line: str, where: str, remedy: str) -> tuple[str, str]:
    found = BEGINNING.match(line)
    if found is None:
        raise FieldInvalid(where, "has no name with a colon behind it", remedy)
    return found[1], line[found.end() :]


def _split(rest: str, remedy: str) -> tuple[Sequence[str], Sequence[str]]:
    """Bare words and quoted texts, each in their order."""
    words, texts, end = [], [], 0
    while end < len(rest):
        found = WORDS.match(rest, end)
        if found is None:
            raise FieldInvalid("fields", "has a quotation mark that does not close", remedy)
        if found[3] is not None:
            words.append(found[3])
        else:
            texts.append(found[1] if found[1] is not None else found[2])
        end = found.end()
    return words, texts
