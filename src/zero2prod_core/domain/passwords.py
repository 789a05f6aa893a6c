"""New passwords of staff. What is typed at login is never judged by these rules, only compared."""

import unicodedata
from collections.abc import Container

import attrs

from zero2prod_core.errors import FieldInvalid, FieldMissing

SHORTEST = 12
LONGEST = 128
"""Code points (NIST SP 800-63B-4 §3.1.1.2; ASVS 6.2.1, 6.2.9). The upper one bounds the work of hashing."""


@attrs.frozen
class Password:
    """A new password that may be hashed; its text shows in no ``repr``."""

    text: str = attrs.field(repr=False)

    @classmethod
    def parse(cls, raw: str, common: Container[str], field: str = "new_password") -> "Password":
        """Check a new password. Any composition will do, spaces are kept, nothing is cut off.

        Args:
            common: passwords that too many people use, case-folded.

        Raises:
            FieldMissing: it is empty.
            FieldInvalid: the rule that is broken.
        """
        if not raw:
            raise FieldMissing(field)
        text = normalised(raw)
        if not all(map(_is_printable, text)):
            raise FieldInvalid(field, "must have no control, line-breaking or unassigned characters")
        if not SHORTEST <= len(text) <= LONGEST:
            raise FieldInvalid(field, f"must have {SHORTEST} to {LONGEST} characters", "A sentence of yours will do")
        if text.casefold() in common:
            raise FieldInvalid(field, "must not be one of the common passwords", "Choose one nobody else thinks of")
        return cls(text)


def normalised(raw: str) -> str:
    """The form that is hashed, when a password is set and when one is typed at login.

    NFC, as RFC 8265 §4.2 has it for passwords: two keyboards' ways of writing one é agree. NFKC would also make ² a 2,
    and so take strength away.
    """
    return unicodedata.normalize("NFC", raw)


def _is_printable(character: str) -> bool:
    """Spaces and joiners may stand; what is unassigned today may have another normal form tomorrow."""
    category = unicodedata.category(character)
    return category in {"Zs", "Cf"} or category[0] not in "CZ"
