"""Words that stand for slots while Markdown and HTML around them are read and written anew.

So a slot's value is never read as Markdown or as HTML, and a slot stands in the result where its author put it, encoded
for the place that it came to.
"""

import hashlib
import re

import attrs

from adapters_email.slots import Place, Text
from zero2prod_core.domain.slots import LINKS

__all__ = ["Placeholders"]


@attrs.define
class Placeholders:
    """The places of one letter. A placeholder is a word of lower-case letters and digits, or for a link a URL, so that
    it may stand wherever a link may.
    """

    _mark: str
    _places: list[Place] = attrs.field(factory=list)

    @classmethod
    def unlike(cls, *sources: str) -> "Placeholders":
        """Such as are in none of the sources, and the same each time: no text holds a part of its own hash."""
        digest = hashlib.sha256("\0".join(sources).encode()).hexdigest()
        return cls(f"z{digest[:24]}")

    def put(self, text: Text) -> str:
        """The text with a placeholder in each place."""
        words = [text.literals[0]]
        for place, literal in zip(text.places, text.literals[1:], strict=True):
            words += (self._placeholder(place), literal)
        return "".join(words)

    def within_link(self, url: str) -> str:
        """The value of an attribute that holds a URL, whose places are then places within a link.

        A link of our own at its very beginning stays what it is.
        """
        ours = self._any.match(url)
        end = ours.end() if ours and ours[2] else 0
        return url[:end] + self._any.sub(self._moved, url[end:])

    def holds(self, rendered: str) -> bool:
        """Whether there is a placeholder in it."""
        return self._mark in rendered

    def found_in(self, rendered: str) -> Text:
        """The text, with a place for each placeholder."""
        pieces = self._any.split(rendered)
        places = tuple(self._place(*numbers) for numbers in zip(pieces[1::3], pieces[2::3], strict=True))
        return Text(tuple(pieces[::3]), places)

    @property
    def _any(self) -> "re.Pattern[str]":
        """A word, or the URL that stands for a link: its place's number is in the first or in the second group."""
        return re.compile(rf"{self._mark}q([0-9]+)x|https://{self._mark}u([0-9]+)x\.invalid/")

    def _place(self, *numbers: str | None) -> Place:
        return self._places[next(int(number) for number in numbers if number)]

    def _placeholder(self, place: Place) -> str:
        self._places.append(place)
        number = len(self._places) - 1
        if place.slot.path in LINKS and not place.in_link:
            return f"https://{self._mark}u{number}x.invalid/"
        return f"{self._mark}q{number}x"

    def _moved(self, found: "re.Match[str]") -> str:
        return self._placeholder(attrs.evolve(self._place(*found.groups()), in_link=True))
