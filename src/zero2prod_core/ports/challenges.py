"""Challenges: what tells a visitor with a browser and some patience from a program that signs up thousands."""

from abc import abstractmethod
from typing import Protocol

from zero2prod_core.domain.challenges import Answer, Challenge, Subject


class Challenges(Protocol):
    """Nothing is remembered between the two calls, and they may reach different processes that have the same keys.

    An answer may be sent again while it lasts: it serves one subject alone, whose mails are limited elsewhere.
    """

    @abstractmethod
    def make(self, subject: Subject) -> Challenge:
        """A new challenge, which counts for this subject alone."""

    @abstractmethod
    def check(self, subject: Subject, answer: Answer) -> Challenge | None:
        """None where the answer holds. Otherwise what is still asked for: the same challenge with what is left of its
        wait and time, or a new one where it was not ours, not for this subject, or is too old.
        """
