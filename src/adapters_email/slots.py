"""Texts with slots: ``{{ newsletter.name }}`` stands where a value goes."""

import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from itertools import cycle

import attrs

from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.errors import Defect

__all__ = ["Text", "packaged"]

SLOT = re.compile(r"\{\{ *([a-z_.]+) *\}\}")


@attrs.frozen
class Text:
    """``pieces`` are literals and slot names in turn, beginning and ending with a literal."""

    pieces: tuple[str, ...]

    @classmethod
    def literal(cls, words: str) -> "Text":
        """Words that are sent as they stand, whatever braces they hold."""
        return cls((words,))

    @classmethod
    def parse(cls, source: str) -> "Text":
        return cls(tuple(SLOT.split(source)))

    @property
    def is_literal(self) -> bool:
        return len(self.pieces) == 1

    @property
    def opening(self) -> str:
        """What stands before the first slot: the same for everybody."""
        return self.pieces[0]

    def followed_by(self, other: "Text") -> "Text":
        return Text((*self.pieces[:-1], self.pieces[-1] + other.pieces[0], *other.pieces[1:]))

    def given(self, values: Mapping[str, str], encode: Callable[[str], str] = str) -> "Text":
        """The text with ``encode(value)`` in the slots that have a value here; the others stay."""
        pieces = [self.opening]
        for name, literal in zip(self.pieces[1::2], self.pieces[2::2], strict=True):
            if name in values:
                pieces[-1] += encode(values[name]) + literal
            else:
                pieces += (name, literal)
        return Text(tuple(pieces))

    def stripped(self) -> "Text":
        """Without white space at its ends: a file ends with a line break, and a subject must not."""
        first, last = self.pieces[0].lstrip(), self.pieces[-1].rstrip()
        return Text((self.pieces[0].strip(),) if self.is_literal else (first, *self.pieces[1:-1], last))

    def fill(self, values: Mapping[str, str], encode: Callable[[str], str] = str) -> str:
        """The text with ``encode(value)`` in each slot.

        Raises:
            Defect: a slot has no value.
        """
        return self.opening + self.fill_after_opening(values, encode)

    def fill_after_opening(self, values: Mapping[str, str], encode: Callable[[str], str] = str) -> str:
        """As `fill`, without the opening.

        Raises:
            Defect: a slot has no value.
        """
        try:
            return "".join(
                encode(values[piece]) if is_slot else piece
                for piece, is_slot in zip(self.pieces[1:], cycle((True, False)))
            )
        except KeyError as missing:
            raise Defect(f"a mail has a slot {missing.args[0]!r}, and nothing to put into it") from missing


def packaged(kind: LetterKind, part: str) -> Text:
    """The text ``part`` (``subject.txt``, ``body.txt``, ``body.html``) of a template letter, or ``footer.txt`` and
    ``footer.html`` of an issue.

    Raises:
        Defect: letters of this kind have no template.
    """
    source = files("adapters_email").joinpath("templates", kind.value, part)
    try:
        return Text.parse(source.read_text("utf-8"))
    except FileNotFoundError as error:
        raise Defect(f"letters of the kind {kind.value!r} have no packaged {part}") from error
