r"""Slots: the places in an author's words where a recipient's or the newsletter's own value goes.

``{{ path | filter: "argument" | filter }}`` is a slot: ``{{ subscriber.name | first_word | default: "there" }}``.
``{{`` always begins one, and ``\{{`` is written for two braces that begin none.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NoReturn, TypeAlias

import attrs

from zero2prod_core.errors import FieldInvalid

__all__ = [
    "ANY_FIELD",
    "FIELD_PREFIX",
    "FILTERS",
    "IN_TITLE",
    "IN_WORDS",
    "ISSUE_TITLE",
    "LINKS",
    "NEWSLETTER_NAME",
    "PREFERENCES_LINK",
    "SUBSCRIBER_EMAIL",
    "SUBSCRIBER_NAME",
    "SUBSCRIBER_TAGS",
    "UNSUBSCRIBE_LINK",
    "Pieces",
    "Slot",
    "compiled",
    "declared",
    "for_nobody",
    "parse_slots",
]

SUBSCRIBER_NAME = "subscriber.name"
SUBSCRIBER_EMAIL = "subscriber.email"
NEWSLETTER_NAME = "newsletter.name"
ISSUE_TITLE = "issue.title"
UNSUBSCRIBE_LINK = "unsubscribe.link"
PREFERENCES_LINK = "preferences.link"

LINKS = frozenset({UNSUBSCRIBE_LINK, PREFERENCES_LINK})
"""The reader's own, which only a mail of a newsletter has."""

SUBSCRIBER_TAGS = "subscriber.tags"

FIELD_PREFIX = "subscriber.fields."
ANY_FIELD = f"{FIELD_PREFIX}*"
"""Stands for the path of any field; which there are is the newsletter's to say."""

IN_TITLE = frozenset({SUBSCRIBER_NAME, NEWSLETTER_NAME, ANY_FIELD})
"""A subject shows no links, and an e-mail address in it makes a mail look like a swindler's."""

IN_WORDS = IN_TITLE | {SUBSCRIBER_EMAIL, SUBSCRIBER_TAGS, ISSUE_TITLE} | LINKS
"""The same in text, HTML and Markdown."""

LONGEST_TRUNCATED = 1000
"""Characters: more than any value has."""


@attrs.frozen
class Filter:
    """What a slot's value goes through. ``argument`` matches what it takes, and is None where it takes nothing."""

    apply: Callable[[str, str], str]
    argument: str | None = None
    usage: str = ""


def _capitalized(value: str, _argument: str) -> str:
    return value[:1].upper() + value[1:]


def _first_word(value: str, _argument: str) -> str:
    return value.split(maxsplit=1)[0] if value.strip() else ""


def _truncated(value: str, argument: str) -> str:
    most = int(argument)
    return value if len(value) <= most else f"{value[: most - 1].rstrip()}…"


FILTERS: Mapping[str, Filter] = MappingProxyType(
    {
        "capitalize": Filter(_capitalized),
        "default": Filter(lambda value, argument: value if value.strip() else argument, r'"[^"]*"', 'default: "there"'),
        "first_word": Filter(_first_word),
        "lower": Filter(lambda value, _: value.lower()),
        "truncate": Filter(_truncated, r"[0-9]{1,4}", "truncate: 20"),
        "upper": Filter(lambda value, _: value.upper()),
    }
)
"""``default`` puts its words where there is no value, ``truncate`` keeps so many characters, the last of them ``…``."""

MARK = re.compile(r'\\\{\{|\{\{(?:((?:"[^"]{0,200}"|[^"{}]){0,500})\}\})?')
"""Braces that begin no slot; a slot; or, with no group, the beginning of one that does not end.

500 characters are a path, every filter and a sentence: what is longer was never closed, and looking on for the end of
each would cost the square of the text.
"""

PATH = re.compile(r"\s*([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\s*")
FIELD_PATH = re.compile(rf"{re.escape(FIELD_PREFIX)}[a-z][a-z0-9_]{{0,31}}")
NEXT_FILTER = re.compile(r'\|\s*([a-z_]+)\s*(?::\s*("[^"]*"|[^\s|"]*))?\s*')


@attrs.frozen
class Slot:
    """A path, and the filters that its value goes through in turn, each with its argument or ''."""

    path: str
    filters: tuple[tuple[str, str], ...] = ()

    def filled(self, values: Mapping[str, str]) -> str:
        """What stands in its place.

        Raises:
            KeyError: ``values`` has none for the path.
        """
        value = values[self.path]
        for name, argument in self.filters:
            value = FILTERS[name].apply(value, argument)
        return value


Pieces: TypeAlias = tuple[str | Slot, ...]
"""Literals and slots in turn, beginning and ending with a literal."""


def parse_slots(source: str, field: str, paths: Collection[str], read: Callable[[str], str] = str) -> Pieces:
    """Take a text apart once, so that filling it costs no search.

    Args:
        field: the field's name as the author knows it.
        paths: those that may stand here.
        read: what a slot's inside goes through before it is read; in HTML a quotation mark may be written ``&quot;``.

    Raises:
        FieldInvalid: a slot does not end, or has a path or a filter that is not known here.
    """
    pieces: list[str | Slot] = []
    literal: list[str] = []
    for words, slot in _marks(source, field):
        literal.append(words)
        if slot is not None:
            pieces += ("".join(literal), _slot(read(slot), field, paths))
            literal.clear()
    return (*pieces, "".join(literal))


def compiled(source: str, paths: Collection[str], read: Callable[[str], str] = str) -> Pieces:
    """As `parse_slots`, for what was published already: a text that it refuses is one literal, braces and all."""
    try:
        return parse_slots(source, "letter", paths, read)
    except FieldInvalid:
        return (source,)


def for_nobody(title: str, newsletter: str) -> str:
    """A title as one line for whoever it was not mailed to: what is a reader's own is what its filters make of
    nothing.
    """
    pieces = compiled(title, IN_TITLE)
    filled = (each if isinstance(each, str) else each.filled(_of_nobody(each, newsletter)) for each in pieces)
    return " ".join("".join(filled).split())


def _of_nobody(slot: Slot, newsletter: str) -> Mapping[str, str]:
    return {slot.path: newsletter if slot.path == NEWSLETTER_NAME else ""}


def _marks(source: str, field: str) -> Iterator[tuple[str, str | None]]:
    """Literals, each with the inside of the slot behind it, None where there is none."""
    end = 0
    for mark in MARK.finditer(source):
        literal, end = source[end : mark.start()], mark.end()
        if mark[0].startswith("\\"):
            yield literal + "{{", None
        elif mark[1] is None:
            _refuse(field, source[mark.start() :], "is a slot that does not end", "Close it with }}")
        else:
            yield literal, mark[1]
    yield source[end:], None


def declared(paths: Collection[str], fields: Collection[str]) -> Collection[str]:
    """The paths, with those of the fields of these names in the place of any."""
    if ANY_FIELD not in paths:
        return paths
    return {path for path in paths if path != ANY_FIELD} | {f"{FIELD_PREFIX}{name}" for name in fields}


def _is_known(path: str, paths: Collection[str]) -> bool:
    return path in paths or (ANY_FIELD in paths and FIELD_PATH.fullmatch(path) is not None)


def _slot(inside: str, field: str, paths: Collection[str]) -> Slot:
    shown = f"{{{{{inside}}}}}"
    path = PATH.match(inside)
    if path is None or not _is_known(path[1], paths):
        _refuse(field, shown, "is no slot that can be filled here", f"Known are {', '.join(sorted(paths))}")
    filters, end = [], path.end()
    while end < len(inside):
        found = NEXT_FILTER.match(inside, end)
        if found is None:
            _refuse(
                field, shown, "is a slot that cannot be read", 'Write it like {{ subscriber.name | default: "you" }}'
            )
        filters.append(_filter(found[1], found[2] or "", field, shown))
        end = found.end()
    return Slot(path[1], tuple(filters))


def _filter(name: str, argument: str, field: str, shown: str) -> tuple[str, str]:
    known = FILTERS.get(name)
    if known is None:
        _refuse(field, shown, f"has an unknown filter {name!r}", f"Known are {', '.join(FILTERS)}")
    if known.argument is None:
        if argument:
            _refuse(field, shown, f"gives {name} an argument", f"Write it without: | {name}")
    elif not re.fullmatch(known.argument, argument):
        _refuse(field, shown, f"gives {name} no argument that it takes", f"Write it like | {known.usage}")
    if name == "truncate" and not 1 <= int(argument) <= LONGEST_TRUNCATED:
        _refuse(field, shown, f"truncates to {argument} characters", f"Choose from 1 to {LONGEST_TRUNCATED}")
    return name, argument.strip('"')


LONGEST_SHOWN = 60
"""Characters of a wrong slot in an error, enough to find it in the text."""


def _refuse(field: str, slot: str, rule: str, remedy: str) -> NoReturn:
    line = " ".join(slot[: LONGEST_SHOWN + 1].split())
    shown = f"{line[:LONGEST_SHOWN]}…" if len(line) > LONGEST_SHOWN else line
    raise FieldInvalid(
        field, f"has {shown}, which {rule}", rf"{remedy}; two braces that begin no slot are written \{{{{"
    )
