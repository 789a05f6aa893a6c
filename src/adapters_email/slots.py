"""Texts with slots: ``{{ newsletter.name }}`` stands where a value goes. The grammar is in the core's `slots`."""

from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from urllib.parse import quote

import attrs

from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.slots import Pieces, Slot, parse_slots
from zero2prod_core.errors import Defect

__all__ = ["FOOTER", "PACKAGED", "WORDS", "Place", "Text", "packaged", "packaged_source"]

WORDS = "issue.words"
FOOTER = "issue.footer"
"""Where a layout has the author's words, and what stands below them."""

PACKAGED = frozenset({
    "confirmation.lasts", "confirmation.link", FOOTER, "issue.title", WORDS, "newsletter.name",
    "newsletter.postal_address", "preferences.lasts", "preferences.link", "preferences.page",
    "unsubscribe.link",
})  # fmt: skip
"""What the packaged templates may have slots for."""


@attrs.frozen
class Place:
    """Where a slot stands: in words, or within a link, whose grammar a value must not change (RFC 3986 §2.1)."""

    slot: Slot
    in_link: bool = False

    def filled(self, values: Mapping[str, str], encode: Callable[[str], str]) -> str:
        """``encode(value)``, or percent-encoded within a link.

        Raises:
            Defect: there is no value.
        """
        try:
            value = self.slot.filled(values)
        except KeyError as missing:
            raise Defect(f"a mail has a slot {missing.args[0]!r}, and nothing to put into it") from missing
        return quote(value, safe="@") if self.in_link else encode(value)


@attrs.frozen
class Text:
    """``literals`` with a place between each two of them."""

    literals: tuple[str, ...]
    places: tuple[Place, ...] = ()

    @classmethod
    def literal(cls, words: str) -> "Text":
        """Words that are sent as they stand, whatever braces they hold."""
        return cls((words,))

    @classmethod
    def of(cls, pieces: Pieces) -> "Text":
        literals = tuple(piece for piece in pieces if isinstance(piece, str))
        return cls(literals, tuple(Place(piece) for piece in pieces if isinstance(piece, Slot)))

    @property
    def is_literal(self) -> bool:
        return not self.places

    def followed_by(self, other: "Text") -> "Text":
        joined = self.literals[-1] + other.literals[0]
        return Text((*self.literals[:-1], joined, *other.literals[1:]), (*self.places, *other.places))

    def given(self, values: Mapping[str, str], encode: Callable[[str], str] = str) -> "Text":
        """The text with ``encode(value)`` in the places that have a value here; the others stay."""
        literals: list[list[str]] = [[self.literals[0]]]
        places = []
        for place, literal in zip(self.places, self.literals[1:], strict=True):
            if place.slot.path in values:
                literals[-1] += (place.filled(values, encode), literal)
            else:
                places.append(place)
                literals.append([literal])
        return Text(tuple(map("".join, literals)), tuple(places))

    def stripped(self) -> "Text":
        """Without white space at its ends: a file ends with a line break, and a subject must not."""
        if self.is_literal:
            return Text.literal(self.literals[0].strip())
        first, *middle, last = self.literals
        return attrs.evolve(self, literals=(first.lstrip(), *middle, last.rstrip()))

    def filled(self, values: Mapping[str, str], encode: Callable[[str], str] = str) -> Iterator[str]:
        """What stands in each place, in turn.

        Raises:
            Defect: a place has no value.
        """
        return (place.filled(values, encode) for place in self.places)

    def fill(self, values: Mapping[str, str], encode: Callable[[str], str] = str) -> str:
        """The whole text.

        Raises:
            Defect: a place has no value.
        """
        return self.literals[0] + "".join(
            map("".join, zip(self.filled(values, encode), self.literals[1:], strict=True))
        )


def packaged(kind: LetterKind, part: str) -> Text:
    """The text ``part`` (``subject.txt``, ``body.txt``, ``body.html``) of a template letter, or what is around the
    words of an issue: ``layout.html``, ``frame.html``, ``footer.txt`` and ``footer.html``.

    Raises:
        Defect: letters of this kind have no template.
    """
    return Text.of(parse_slots(packaged_source(kind, part), part, PACKAGED))


def packaged_source(kind: LetterKind, part: str) -> str:
    """The file ``part`` as it stands. Raises Defect where there is none."""
    try:
        return files("adapters_email").joinpath("templates", kind.value, part).read_text("utf-8")
    except FileNotFoundError as error:
        raise Defect(f"letters of the kind {kind.value!r} have no packaged {part}") from error
