"""What happened with a person, in words: on the person's page and in a terminal.

What one transaction wrote is one moment: the consent that a form gave, the audit event beside it and the mail that it
caused are told together.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from types import MappingProxyType

import attrs

from zero2prod_core.domain.audit import Action, AuditOutcome
from zero2prod_core.domain.consent import ConsentKind
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.origins import ActorKind
from zero2prod_core.domain.people import Fact, FactKind
from zero2prod_core.domain.subscriber_words import CAUSES, STATUSES

CONSENTS: Mapping[str, str] = MappingProxyType(
    {
        ConsentKind.REQUESTED: "Asked for the newsletter",
        ConsentKind.CONFIRMED: "Confirmed the sign-up",
        ConsentKind.WITHDRAWN: "Withdrew the consent",
    }
)

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "form": "by a form",
        "json": "by a program",
        "mail": "by the link in a mail",
        "one-click": "by a button of the mail program",
        "staff": "by a member of the staff",
        "complaint": "by a complaint",
        "terminal": "in a terminal",
    }
)

EVENTS: Mapping[str, str] = MappingProxyType(
    {
        Action.SUBSCRIBER_SIGNED_UP: "Signed up",
        Action.SUBSCRIBER_CONFIRMED: "Confirmed",
        Action.SUBSCRIBER_UNSUBSCRIBED: "Unsubscribed",
        Action.SUBSCRIBER_BOUNCED: "A mail came back for good",
        Action.SUBSCRIBER_CHANGED: "Changed the preferences",
        Action.SUBSCRIBER_COMPLAINED: "Called a mail unwanted",
        Action.SUBSCRIBER_COMPLAINT_LIFTED: "The complaint was lifted",
        Action.SUBSCRIBER_ERASED: "Erased",
        Action.SUPPRESSION_ADDED: "Mail is kept from this e-mail address",
        Action.SUPPRESSION_LIFTED: "Mail is no longer kept from this e-mail address",
        Action.SENSITIVE_READ: "Somebody looked at these data",
        Action.TOKEN_CREATED: "Asked for a link to the preferences",
    }
)

ECHOES = frozenset({Action.SUBSCRIBER_SIGNED_UP, Action.SUBSCRIBER_CONFIRMED, Action.SUBSCRIBER_UNSUBSCRIBED})
"""Events that say no more than the consent of the same moment."""

LETTERS: Mapping[str, str] = MappingProxyType(
    {
        LetterKind.ISSUE: "Issue",
        LetterKind.CONFIRMATION: "Mail with the link to confirm",
        LetterKind.NOTICE: "Mail that says that nothing is left to do",
        LetterKind.PREFERENCES: "Mail with a link to the preferences",
    }
)

MAILS: Mapping[str, str] = MappingProxyType(
    {
        DeliveryState.PENDING: "waits for its turn",
        DeliveryState.DEFERRED: "put off by the mail server, and tried again by itself",
        DeliveryState.LEASED: "under way",
        DeliveryState.ATTEMPTING: "under way",
        DeliveryState.SENT: "taken by the mail server",
        DeliveryState.FAILED: "refused for good, or tried in vain until its time was over",
        DeliveryState.SUPPRESSED: "not sent, because no mail was to go there any more",
        DeliveryState.UNCERTAIN: "complete, but the answer was lost",
        DeliveryState.CANCELLED: "cancelled",
    }
)

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "actor": "Who",
        "network_address": "Network address",
        "user_agent": "Browser",
        "form_version": "Form",
        "form_hash": "Hash of its words",
        "request_id": "Request",
        "message_id": "Message-ID",
        "reason": "Reason",
        "after_reason": "Reason",
        "after_suppressed": "Reason",
        "before_reasons": "Lifted",
        "after_changed": "What",
        "after_mail": "Mail",
        "words": "Remark",
        "before_status": "Status before",
        "after_status": "Status after",
        "attempts": "Tries",
        "settled_at": "Settled",
        "reply": "The server’s words",
    }
)
"""Of details by their names; one that is not listed is called by its name."""

TOLD = frozenset({"source", "subject", "state", "outcome", "after_round", "after_purpose"})
"""Details that the sentence itself has, and an id that nobody looks up."""

CHANGED: Mapping[str, str] = MappingProxyType(
    {"name": "name", "paused_until": "pause", "fields": "answers", "tags": "topics"}
)
"""What readers change of themselves, by its name in a subscriber."""

NOT_TRIED = ("attempts", "0")

ACTORS: Mapping[str, str] = MappingProxyType(
    {
        ActorKind.VISITOR: "a visitor",
        ActorKind.ACCOUNT: "a member of the staff",
        ActorKind.SYSTEM: "the service by itself",
        ActorKind.TERMINAL: "somebody at a terminal",
    }
)


WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "before_status": STATUSES,
        "after_status": STATUSES,
        "after_reason": CAUSES,
        "after_suppressed": CAUSES,
        "before_reasons": CAUSES,
        "after_changed": CHANGED,
        "after_mail": MappingProxyType({"withheld": "held back by the limits"}),
    }
)
"""What stands for the words in a detail, of which some have several."""


@attrs.frozen
class Moment:
    """What happened at one instant, in sentences without a full stop; ``details`` by their labels."""

    at: Instant
    newsletter: Newsletter | None
    sentences: Sequence[str]
    details: Mapping[str, str]


def moments(history: Sequence[Fact], names: Mapping[str, str] = MappingProxyType({})) -> Sequence[Moment]:
    """The history, moment by moment in its order.

    Args:
        names: usernames by the ids of accounts.
    """
    found = [
        _Found(at, newsletter, facts)
        for at, together in groupby(history, key=lambda fact: fact.at)
        for newsletter, facts in _by_newsletter(list(together))
    ]
    runs = groupby(found, key=lambda each: each.is_look)
    return [moment for is_look, run in runs for moment in _told(list(run), names, are_looks=is_look)]


@attrs.frozen
class _Found:
    """The facts of one instant, of one newsletter."""

    at: Instant
    newsletter: Newsletter | None
    facts: Sequence[Fact]

    @property
    def is_look(self) -> bool:
        """Whether all that happened is that the staff looked."""
        return all(
            fact.what == Action.SENSITIVE_READ and not fact.details["actor"].startswith(ActorKind.VISITOR)
            for fact in self.facts
        )


def _told(found: Sequence[_Found], names: Mapping[str, str], *, are_looks: bool) -> Sequence[Moment]:
    """Looks that follow one another are told together, or they would bury what the person did."""
    if are_looks:
        return [_looks(found, names)]
    return [_moment(each.at, each.newsletter, each.facts, names) for each in found]


def _looks(found: Sequence[_Found], names: Mapping[str, str]) -> Moment:
    actors = (fact.details["actor"] for each in found for fact in each.facts)
    who = ", ".join(dict.fromkeys(_value("actor", actor, names) for actor in actors))
    times = f", {len(found)} times since {found[0].at:%Y-%m-%d %H:%M} UTC" if len(found) > 1 else ""
    return Moment(found[-1].at, found[-1].newsletter, [EVENTS[Action.SENSITIVE_READ] + times], {LABELS["actor"]: who})


def _by_newsletter(facts: Sequence[Fact]) -> Iterator[tuple[Newsletter | None, Sequence[Fact]]]:
    for newsletter in dict.fromkeys(fact.newsletter and fact.newsletter.id for fact in facts):
        found = [fact for fact in facts if (fact.newsletter and fact.newsletter.id) == newsletter]
        yield found[0].newsletter, found


def _moment(at: Instant, newsletter: Newsletter | None, facts: Sequence[Fact], names: Mapping[str, str]) -> Moment:
    has_consent = any(fact.kind is FactKind.CONSENT for fact in facts)
    told = [fact for fact in facts if not (has_consent and fact.what in ECHOES)]
    details = {label: value for fact in facts for label, value in _details(fact, names)}
    return Moment(at, newsletter, [_sentence(fact) for fact in told], details)


def _sentence(fact: Fact) -> str:
    match fact.kind:
        case FactKind.CONSENT:
            source = fact.details.get("source", "")
            return f"{CONSENTS.get(fact.what, fact.what)} {SOURCES.get(source, source)}".strip()
        case FactKind.MAIL:
            return _mail(fact)
    failed = fact.details.get("outcome") == AuditOutcome.FAILURE
    return EVENTS.get(fact.what, fact.what.replace("_", " ").capitalize()) + (": refused" if failed else "")


def _mail(fact: Fact) -> str:
    letter, state = LETTERS.get(fact.what, fact.what), fact.details.get("state", "")
    subject = f" “{fact.details['subject']}”" if "subject" in fact.details else ""
    return f"{letter}{subject}: {MAILS.get(state, state)}"


def _details(fact: Fact, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in fact.details.items():
        if name not in TOLD and (name, value) != NOT_TRIED:
            yield LABELS.get(name, name.replace("_", " ").capitalize()), _value(name, value, names)


def _value(name: str, value: str, names: Mapping[str, str]) -> str:
    if name == "actor":
        kind, _, id_ = value.partition(":")
        return names.get(id_, ACTORS.get(kind, kind))
    if words := WORDS.get(name):
        return ", ".join(words.get(each, each) for each in value.split())
    if name == "settled_at":
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M} UTC"
    return value
