"""What the doctor says: one line for each check."""

from enum import StrEnum

import attrs

__all__ = ["Finding", "Level", "Verdict", "error", "fine", "unchecked", "warning"]


class Level(StrEnum):
    """In rising order.

    What is unknown could not be looked at while something else is broken, which has an error of its own. A warning is
    for a person to weigh. An error keeps the service from doing its work, or soon will.
    """

    OK = "ok"
    UNKNOWN = "unknown"
    WARNING = "warning"
    ERROR = "error"


@attrs.frozen
class Verdict:
    """``says`` and ``remedy`` are sentences without their full stop; what is well needs no remedy."""

    level: Level
    says: str
    remedy: str = ""


@attrs.frozen
class Finding:
    """A verdict and what it is about."""

    subject: str
    level: Level
    says: str
    remedy: str

    @property
    def line(self) -> str:
        """For a person: what the driver or another server said may have had line breaks."""
        words = f"{self.level:<8} {self.subject}: {self.says}." + (f" {self.remedy}." if self.remedy else "")
        return " ".join(words.split("\n"))


def fine(says: str) -> Verdict:
    return Verdict(Level.OK, says)


def warning(says: str, remedy: str) -> Verdict:
    return Verdict(Level.WARNING, says, remedy)


def error(says: str, remedy: str) -> Verdict:
    return Verdict(Level.ERROR, says, remedy)


def unchecked(reason: str) -> Verdict:
    return Verdict(Level.UNKNOWN, f"not checked, because {reason}", "Mend that first")
