"""A subscriber's status, and why mail is kept from an e-mail address, in words: for the staff, and for readers."""

from collections.abc import Mapping
from types import MappingProxyType

from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.domain.suppressions import Reason

STATUSES: Mapping[str, str] = MappingProxyType(
    {
        Status.PENDING: "waits for the confirmation",
        Status.CONFIRMED: "confirmed",
        Status.UNSUBSCRIBED: "unsubscribed",
        Status.BOUNCED: "takes no mail",
        Status.COMPLAINED: "complained",
    }
)

MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        Status.PENDING: "Gets nothing but the mail with the link to confirm.",
        Status.CONFIRMED: "Gets every issue.",
        Status.UNSUBSCRIBED: "Gets nothing; may sign up again.",
        Status.BOUNCED: "Mails came back for good, so no more are sent; may sign up again.",
        Status.COMPLAINED: "Called a mail unwanted. Gets nothing, and a new sign-up changes nothing.",
    }
)


def standing(subscriber: Subscriber) -> str:
    """The status, with the pause that keeps issues away."""
    paused = f", paused until {subscriber.paused_until:%Y-%m-%d}" if _is_paused(subscriber) else ""
    return STATUSES[subscriber.status] + paused


def _is_paused(subscriber: Subscriber) -> bool:
    return subscriber.status is Status.CONFIRMED and subscriber.paused_until is not None


def meaning(subscriber: Subscriber) -> str:
    """What the reader gets, in a sentence or two."""
    if _is_paused(subscriber):
        return f"Gets no issue until {subscriber.paused_until:%Y-%m-%d}, and every one from then on."
    return MEANINGS[subscriber.status]


TOLD_TO_READERS: Mapping[str, str] = MappingProxyType(
    {
        Status.PENDING: "Waits for you to confirm.",
        Status.CONFIRMED: "Subscribed.",
        Status.UNSUBSCRIBED: "Unsubscribed.",
        Status.BOUNCED: "Mails came back, so none are sent any more.",
        Status.COMPLAINED: "Reported as unwanted, so none are sent any more.",
    }
)
"""The subscriber's status as its own reader is told it."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        Reason.BOUNCE: "A mail came back for good. A new sign-up that is confirmed lifts it.",
        Reason.COMPLAINT: "The reader called a mail unwanted. Only you can lift it.",
        Reason.ERASURE: "The reader's data were erased. A new sign-up that is confirmed lifts it.",
        Reason.IMPORT: "It stood in an imported list of whom not to mail. Only you can lift it.",
        Reason.MANUAL: "A member of the staff keeps mail away. Only you can lift it.",
    }
)

CAUSES: Mapping[str, str] = MappingProxyType(
    {
        Reason.BOUNCE: "a mail came back for good",
        Reason.COMPLAINT: "the reader called a mail unwanted",
        Reason.ERASURE: "the reader’s data were erased",
        Reason.IMPORT: "it stood in an imported list",
        Reason.MANUAL: "a member of the staff keeps mail away",
    }
)
"""The same in a history, of what is over by now."""
