"""Ids as they are typed."""

from uuid import UUID

from zero2prod_core.errors import FieldInvalid, IssueUnknown


def issue_id(text: str) -> UUID:
    """Raises IssueUnknown: what is no id at all is none of an issue."""
    try:
        return UUID(text)
    except ValueError:
        raise IssueUnknown(text) from None


def recipient_id(text: str, option: str) -> UUID:
    """Raises FieldInvalid."""
    try:
        return UUID(text)
    except ValueError:
        raise FieldInvalid(option, "must be an id as `issues uncertain` lists it", "Copy one from there") from None
