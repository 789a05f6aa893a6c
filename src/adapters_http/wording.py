"""Refusals in the words of the page: programs know a field by its name, people by its label."""

from collections.abc import Mapping
from typing import Final

from zero2prod_core.errors import Zero2ProdError

__all__ = ["LABELS", "LIMITED", "PLAIN", "SENTENCES", "in_words"]

# The labels of our forms; the rest are parts of a request that no label stands for.
LABELS: Final[Mapping[str, str]] = {
    "name": "Name",
    "email": "E-mail address",
    "newsletter": "Newsletter",
    "until": "The day until which no issues come",
    "username": "Username",
    "password": "Password",
    "current_password": "Current password",
    "new_password": "New password",
    "new_password_check": "The same once more",
    "title": "Title",
    "text_content": "Text",
    "html_content": "HTML",
    "markdown_content": "Markdown",
    "uncertain": "When a relay’s answer is lost",
    "sender": "Sender",
    "reply_to": "Replies go to",
    "postal_address": "Postal address",
    "fields": "Further questions",
    "tags": "Topics",
    "step": "The item to dismiss",
    "issue": "This issue",
    "idempotency_key": "The key of this form",
    "search": "Search",
    "status": "Status",
    "tag": "Tag",
    "reason": "Reason",
    "note": "Note",
    "subscriber": "This subscriber",
    "before": "The place in this link",
    "resolution": "What is to become of them",
    "recipient": "The recipient",
    "after": "The recipient in this link",
    "body": "The form",
    "subscription_token": "The code in this link",
    "token": "The code in this link",
}

# Nobody fills these in.
IN_LINKS: Final = frozenset({"subscription_token", "token"})

MISSING_IN_LINK: Final = "{label} is missing. Open the link exactly as it was given."

# By the code of an error about a field, of whose other fields it is made.
SENTENCES: Final[Mapping[str, str]] = {
    "field_missing": "{label} is missing. Fill it in and try again.",
    "field_invalid": "{label} {rule}. {remedy}.",
    "token_malformed": "{label} is not complete. Open the link exactly as it was given.",
    "newsletter_unknown": "{label} must be one that exists. Choose another.",
    "subscriber_unknown": "{label} does not exist.",
    "issue_unknown": "{label} does not exist.",
    "idempotency_key_in_use": "{label} is in use by a first request. Send it again in a few seconds.",
    "idempotency_key_reused": "{label} was already used for other content. Open a new form.",
    "body_too_large": "{label} must have {rule}. Shorten the fields and try again.",
    "body_too_slow": "{label} must arrive {rule}. Send it again over a better connection.",
    "body_broken": "{label} cannot be read to its end. Send it again.",
}


# By the rule of a field: for those who have not read RFC 5321.
PLAINLY: Final[Mapping[str, str]] = {
    "must have a local part, one @ and a domain": "{label}: this is no whole e-mail address. {remedy}.",
}


# By the code of an error about no field of a form.
PLAIN: Final[Mapping[str, str]] = {
    # The page has the way to a new one below.
    "token_unknown": "This link is not valid.",
    "token_expired": "This link has expired.",
    "transition_refused": "You cannot {event} an issue that is {state}. Go back to see how it stands now.",
    "nothing_to_resend": "No mail of this issue has failed, so there is none to send again.",
    "nothing_to_confirm": "No sign-up of this reader waits for its confirmation, so there is no mail to send again.",
}

# By the scope of a limit: what has happened, in words that blame none of those who share a network.
LIMITED: Final[Mapping[str, str]] = {
    "request_network": "Many requests have come from your network",
    "request_site": "Many requests have come from your network",
    "unsubscribe_network": "Many requests have come from your network",
    "unsubscribe_site": "Many requests have come from your network",
    "sign_up_network": "Many people have signed up from your network",
    "sign_up_site": "Many people have signed up from your network",
    "sign_up_total": "Many people are signing up just now",
    "login_account": "Too many wrong passwords for this account",
    "login_network": "Too many wrong passwords from your network",
    "login_site": "Too many wrong passwords from your network",
    "login_total": "Too many wrong passwords are being tried just now",
}

# How an error begins that does not say what has happened.
TOO_MANY: Final = "Too many requests"


def in_words(error: Zero2ProdError) -> str:
    """What the error says of its field, by the field's label; its message where it has none.

    A newsletter's own field brings its label along.
    """
    if error.code in PLAIN:
        return PLAIN[error.code].format(**error.fields)
    if error.code == "limit_exceeded":
        return str(error).replace(TOO_MANY, LIMITED.get(error.fields["scope"], TOO_MANY))
    field = error.fields.get("field", "")
    sentence = SENTENCES.get(error.code)
    label = LABELS.get(field) or _quoted(error.fields.get("label"))
    if sentence is None or label is None:
        return str(error)
    if error.code == "field_missing" and field in IN_LINKS:
        sentence = MISSING_IN_LINK
    sentence = PLAINLY.get(error.fields.get("rule", ""), sentence)
    return sentence.format(**{**error.fields, "label": label})


def _quoted(words: str | None) -> str | None:
    return words and f"“{words}”"
