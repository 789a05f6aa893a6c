"""Letters: what is said. A delivery is one letter to one recipient; the ledger knows nothing else."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID, uuid5

import attrs

from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.errors import FieldInvalid, TransitionRefused


class LetterKind(StrEnum):
    """An issue's letter carries its own words; the others are long-lived and take theirs from a packaged template."""

    ISSUE = "issue"
    CONFIRMATION = "confirmation"
    NOTICE = "notice"
    PREFERENCES = "preferences"
    RESET = "reset"
    INVITATION = "invitation"


class LetterState(StrEnum):
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class LetterEvent(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"
    REOPEN = "reopen"


TRANSITIONS: Mapping[tuple[LetterState, LetterEvent], LetterState] = MappingProxyType(
    {
        (LetterState.OPEN, LetterEvent.PAUSE): LetterState.PAUSED,
        (LetterState.OPEN, LetterEvent.CLOSE): LetterState.CLOSED,
        (LetterState.PAUSED, LetterEvent.RESUME): LetterState.OPEN,
        (LetterState.PAUSED, LetterEvent.CLOSE): LetterState.CLOSED,
        (LetterState.CLOSED, LetterEvent.REOPEN): LetterState.OPEN,
    }
)
"""Only an open letter is sent; a closed one costs a claim nothing, however many there are."""


class UncertainPolicy(StrEnum):
    """What happens to a mail whose answer was lost: sent once more, or shown to a person."""

    RESEND = "resend"
    HOLD = "hold"

    @classmethod
    def parse(cls, raw: str, field: str = "uncertain") -> "UncertainPolicy | None":
        """The policy of this name; None for an empty one. Raises FieldInvalid."""
        if not raw:
            return None
        if raw not in list(cls):
            raise FieldInvalid(field, "must be resend or hold", "Choose one of them")
        return cls(raw)


URGENT = 0
BULK = 10
PRIORITIES: Mapping[LetterKind, int] = MappingProxyType(
    {
        LetterKind.CONFIRMATION: URGENT,
        LetterKind.NOTICE: URGENT,
        LetterKind.PREFERENCES: URGENT,
        LetterKind.RESET: URGENT,
        LetterKind.INVITATION: URGENT,
        LetterKind.ISSUE: BULK,
    }
)
"""Lower goes first: somebody waits for each of the urgent ones. The gap leaves room for a sender's own grades."""


@attrs.frozen
class Imprint:
    """In whose name a letter goes out. An issue keeps it from publishing on, whatever becomes of its newsletter.

    ``mail_domain`` is the right-hand side of Message-ID and List-Id.
    """

    name: str
    sender: EmailAddress
    reply_to: EmailAddress | None
    postal_address: str | None
    mail_domain: str

    @classmethod
    def of(cls, newsletter: Newsletter, default: EmailAddress) -> "Imprint":
        """The newsletter's, as it is now; ``default`` is the service's own sender, whose domain is the mails'."""
        sender = newsletter.sender or default
        return cls(newsletter.name, sender, newsletter.reply_to, newsletter.postal_address, default.domain)

    def on(self, newsletter: Newsletter) -> Newsletter:
        """The newsletter as this tells of it."""
        return attrs.evolve(
            newsletter, name=self.name, sender=self.sender, reply_to=self.reply_to, postal_address=self.postal_address
        )


@attrs.frozen
class Letter:
    """``subject``, ``text``, ``html`` and ``markdown`` are None where the packaged template of ``kind`` supplies the
    words, or the author gave none.

    ``dated_at`` and ``imprint`` are fixed for an issue's letter, so that a mail sent twice has the same bytes; None
    means each delivery's own, and the newsletter's as it is.
    """

    id: UUID
    newsletter: UUID
    kind: LetterKind
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    state: LetterState = LetterState.OPEN
    uncertain: UncertainPolicy = UncertainPolicy.RESEND
    issue: UUID | None = None
    dated_at: Instant | None = None
    pause_reason: str | None = None
    markdown: str | None = None
    imprint: Imprint | None = None

    @property
    def priority(self) -> int:
        return PRIORITIES[self.kind]

    def on(self, event: LetterEvent) -> "Letter":
        """The letter after ``event``. Raises TransitionRefused where the table has no such arrow."""
        state = TRANSITIONS.get((self.state, event))
        if state is None:
            raise TransitionRefused("letter", self.state, event)
        return attrs.evolve(self, state=state)


def template_letter(newsletter: UUID, kind: LetterKind) -> Letter:
    """The newsletter's one long-lived letter of a kind; its id follows from both (UUID version 5, RFC 9562 §5.5)."""
    return Letter(uuid5(newsletter, kind), newsletter, kind)
