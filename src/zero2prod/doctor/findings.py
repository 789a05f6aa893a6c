"""What the doctor says: one line for each check."""

from enum import StrEnum

import attrs

from zero2prod_core.domain.visibility import printable

__all__ = ["Finding", "Level", "Verdict", "error", "fine", "tls_remedy", "unchecked", "warning"]


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
    """A verdict and what it is about. What a driver or another server said in it does nothing to a terminal."""

    subject: str
    level: Level
    says: str = attrs.field(converter=printable)
    remedy: str = attrs.field(converter=printable)

    @property
    def line(self) -> str:
        """For a person."""
        return f"{self.level:<8} {self.subject}: {self.says}." + (f" {self.remedy}." if self.remedy else "")


def fine(says: str) -> Verdict:
    return Verdict(Level.OK, says)


def warning(says: str, remedy: str) -> Verdict:
    return Verdict(Level.WARNING, says, remedy)


def error(says: str, remedy: str) -> Verdict:
    return Verdict(Level.ERROR, says, remedy)


def tls_remedy(setting: str) -> str:
    """For a host, named in ``setting``, whose certificate is not believed here."""
    return f"Name the host as its certificate does in {setting}, or have this machine trust who signed it"


def unchecked(reason: str) -> Verdict:
    return Verdict(Level.UNKNOWN, f"not checked, because {reason}", "Mend that first")
