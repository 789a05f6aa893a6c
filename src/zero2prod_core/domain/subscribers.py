"""The subscriber's life: states, the events that move them, and what a sign-up does in each.

A subscriber is one (newsletter, e-mail address). A sign-up opens a *round*; only the confirmation of a round changes
what a subscriber agreed to, so a stranger who types somebody's e-mail address gives them nothing and takes nothing from
them.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

import attrs

from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.fields import fitting_tags, fitting_values, parse_answers, tags_named
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.suppressions import Digest
from zero2prod_core.errors import TransitionRefused


class Status(StrEnum):
    PENDING = "pending_confirmation"
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class Event(StrEnum):
    SIGN_UP = "sign up"
    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    BOUNCE = "bounce"
    COMPLAIN = "complain"
    LIFT = "lift"


TRANSITIONS: Mapping[tuple[Status, Event], Status] = MappingProxyType(
    {
        (Status.PENDING, Event.SIGN_UP): Status.PENDING,
        (Status.PENDING, Event.CONFIRM): Status.CONFIRMED,
        (Status.PENDING, Event.UNSUBSCRIBE): Status.UNSUBSCRIBED,
        (Status.PENDING, Event.BOUNCE): Status.BOUNCED,
        (Status.PENDING, Event.COMPLAIN): Status.COMPLAINED,
        (Status.CONFIRMED, Event.UNSUBSCRIBE): Status.UNSUBSCRIBED,
        (Status.CONFIRMED, Event.BOUNCE): Status.BOUNCED,
        (Status.CONFIRMED, Event.COMPLAIN): Status.COMPLAINED,
        (Status.UNSUBSCRIBED, Event.SIGN_UP): Status.PENDING,
        (Status.UNSUBSCRIBED, Event.COMPLAIN): Status.COMPLAINED,
        (Status.BOUNCED, Event.SIGN_UP): Status.PENDING,
        (Status.BOUNCED, Event.UNSUBSCRIBE): Status.UNSUBSCRIBED,
        (Status.BOUNCED, Event.COMPLAIN): Status.COMPLAINED,
        (Status.COMPLAINED, Event.LIFT): Status.UNSUBSCRIBED,
    }
)
"""What is not listed is refused. A confirmed subscriber's sign-up and a complainant's change nothing; see
`opens_round`.
"""


@attrs.frozen
class Subscriber:
    """One e-mail address of one newsletter.

    ``earlier_status`` is what a pending subscriber was before, and returns to if nobody confirms; None for a new one.
    ``fields`` and ``tags`` are the newsletter's own; ``paused_until`` keeps issues away for a while.
    """

    id: UUID
    newsletter: UUID
    email: EmailAddress
    digest: Digest
    name: SubscriberName
    status: Status
    subscribed_at: Instant
    earlier_status: Status | None = None
    confirmed_at: Instant | None = None
    paused_until: Instant | None = None
    fields: Mapping[str, str] = attrs.field(factory=dict)
    tags: tuple[str, ...] = ()

    def on(self, event: Event) -> "Subscriber":
        """The subscriber after ``event``.

        Raises:
            TransitionRefused: the table has no such arrow.
        """
        status = TRANSITIONS.get((self.status, event))
        if status is None:
            raise TransitionRefused("subscriber", self.status, event)
        earlier = None if status is not Status.PENDING else self.earlier_status
        if status is Status.PENDING and self.status is not Status.PENDING:
            earlier = self.status
        return attrs.evolve(self, status=status, earlier_status=earlier)

    def confirmed(self, opened: "Round", at: Instant) -> "Subscriber":
        """Confirmed under the name that this round's sign-up gave, with its answers; what it left out stays.

        A pause from an earlier time ends: who signs up wants the next issue.
        """
        fields, tags = {**self.fields, **opened.fields}, tuple(dict.fromkeys((*self.tags, *opened.tags)))
        before = attrs.evolve(self, paused_until=None)
        return attrs.evolve(before.on(Event.CONFIRM), name=opened.name, confirmed_at=at, fields=fields, tags=tags)

    def as_of(self, now: Instant) -> "Subscriber":
        """Without a pause that is over."""
        is_over = self.paused_until is not None and self.paused_until <= now
        return attrs.evolve(self, paused_until=None) if is_over else self

    def answering(self, newsletter: Newsletter, typed: Mapping[str, str], chosen: Iterable[str]) -> "Subscriber":
        """With these as the answers to all that the newsletter asks for now; what it asks for no more stays.

        Raises:
            FieldMissing, FieldInvalid: see `parse_answers`.
        """
        values, tags = parse_answers(newsletter.fields, newsletter.tags, typed, chosen)
        asked, declared = {field.name for field in newsletter.fields}, tags_named(newsletter.tags)
        kept = {name: value for name, value in self.fields.items() if name not in asked}
        # In the order in which they were, so that who sends a form back as it was has changed nothing.
        stay = [tag for tag in self.tags if tag not in declared or tag in tags]
        return attrs.evolve(self, fields={**kept, **values}, tags=tuple(dict.fromkeys((*stay, *tags))))


def opens_round(status: Status) -> bool:
    """Whether a sign-up is followed by a confirmation mail."""
    return (status, Event.SIGN_UP) in TRANSITIONS


def comes_back(status: Status) -> bool:
    """Whether a sign-up is that of somebody who had left."""
    return opens_round(status) and status is not Status.PENDING


class RoundState(StrEnum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    ENDED = "ended"


@attrs.frozen
class Round:
    """One sign-up waiting for its confirmation: what was typed, until the mailbox's owner says that it holds."""

    id: UUID
    subscriber: UUID
    name: SubscriberName
    source: str
    opened_at: Instant
    state: RoundState = RoundState.OPEN
    fields: Mapping[str, str] = attrs.field(factory=dict)
    tags: tuple[str, ...] = ()


@attrs.frozen
class SignUp:
    """A wish to subscribe, with the evidence that it was uttered.

    ``repeats`` is the round that it opens once more: what it gives was checked when it was first typed, and what the
    newsletter asks for no more is left out.
    """

    newsletter: Slug
    email: EmailAddress
    name: SubscriberName
    evidence: Evidence
    fields: Mapping[str, str] = attrs.field(factory=dict)
    tags: tuple[str, ...] = ()
    repeats: Round | None = None

    def checked(self, newsletter: Newsletter) -> "SignUp":
        """With fields and tags as the newsletter declares them. Raises FieldMissing, FieldInvalid: the first mistake,
        which knows the others.
        """
        if self.repeats:
            fields, tags = fitting_values(newsletter.fields, self.fields), fitting_tags(newsletter.tags, self.tags)
        else:
            fields, tags = parse_answers(newsletter.fields, newsletter.tags, self.fields, self.tags)
        return attrs.evolve(self, fields=fields, tags=tags)
