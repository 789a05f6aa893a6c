"""Ids as they are typed."""

from uuid import UUID

from zero2prod_core.errors import FieldInvalid, IssueUnknown


def issue_id(text: str) -> UUID:
    """Raises IssueUnknown: what is no id at all is none of an issue."""
    try:
        return UUID(text)
    except ValueError:
        raise IssueUnknown(text) from None


def recipient_id(text: str, option: str, listed: str = "uncertain") -> UUID:
    """One of the recipients that the command ``listed`` lists. Raises FieldInvalid."""
    try:
        return UUID(text)
    except ValueError:
        raise FieldInvalid(option, f"must be an id as `issues {listed}` lists it", "Copy one from there") from None
