"""Refusals in the words of the page: programs know a field by its name, people by its label."""

from collections.abc import Mapping
from typing import Final

from zero2prod_core.errors import FieldMissing, Zero2ProdError

__all__ = ["LABELS", "in_words"]

# The labels of our forms; the rest are parts of a request that no label stands for.
LABELS: Final[Mapping[str, str]] = {
    "name": "Name",
    "email": "E-mail address",
    "newsletter": "Newsletter",
    "username": "Username",
    "password": "Password",
    "current_password": "Current password",
    "new_password": "New password",
    "new_password_check": "The same once more",
    "title": "Title",
    "text_content": "Text",
    "html_content": "HTML",
    "sender": "Sender",
    "reply_to": "Replies go to",
    "postal_address": "Postal address",
    "step": "The item to dismiss",
    "issue": "This issue",
    "idempotency_key": "The key of this form",
    "body": "The form",
    "subscription_token": "The code in this link",
    "token": "The code in this link",
}

# Nobody fills these in.
IN_LINKS: Final = frozenset({"subscription_token", "token"})

# What begins the words after a field's name, and how the sentence goes on after the label.
BEGINNINGS: Final[Mapping[str, str]] = {
    "missing": " is missing",
    "must": " must",
    "cannot": " cannot",
    "not a token": " is not complete",
    "already used": " was already used",
}


def in_words(error: Zero2ProdError) -> str:
    """The error's message with the label of its field in place of the name."""
    message, field = str(error), error.fields.get("field", "")
    label, start = LABELS.get(field), f"{field}: "
    if label is None or not message.startswith(start):
        return message
    if field in IN_LINKS and isinstance(error, FieldMissing):
        return f"{label} is missing. Open the link exactly as it was given."
    rest = message.removeprefix(start)
    for beginning, words in BEGINNINGS.items():
        if rest.startswith(beginning):
            return label + words + rest.removeprefix(beginning)
    return f"{label}: {rest}"
