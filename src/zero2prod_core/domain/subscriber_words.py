"""A subscriber's status, and why mail is kept from an e-mail address, in words: on staff pages and in a terminal."""

from collections.abc import Mapping
from types import MappingProxyType

from zero2prod_core.domain.subscribers import Status
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

REASONS: Mapping[str, str] = MappingProxyType(
    {
        Reason.BOUNCE: "A mail came back for good. A new sign-up that is confirmed lifts it.",
        Reason.COMPLAINT: "The reader called a mail unwanted. Only you can lift it.",
        Reason.ERASURE: "The reader's data were erased. A new sign-up that is confirmed lifts it.",
        Reason.IMPORT: "It stood in an imported list of whom not to mail. Only you can lift it.",
        Reason.MANUAL: "A member of the staff keeps mail away. Only you can lift it.",
    }
)
