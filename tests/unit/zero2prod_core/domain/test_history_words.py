"""What happened, in sentences."""

from uuid import UUID

import pytest

from zero2prod.testing.builders import T0, audit_event, consent, later, new_id, newsletter, origin
from zero2prod_core.domain.audit import Action, AuditOutcome, Resource
from zero2prod_core.domain.consent import ConsentKind
from zero2prod_core.domain.deliveries import DeliveryState, Reply
from zero2prod_core.domain.history_words import CONSENTS, LETTERS, MAILS, moments
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.origins import Actor, ActorKind
from zero2prod_core.domain.people import Fact, FactKind, Mailing, fact_of_consent, fact_of_event, fact_of_mail

GARDENS, WEEKLY = newsletter(name="Gardens"), newsletter(name="Weekly")
ACCOUNT = UUID(int=7)
SOMEBODY = Actor(ActorKind.ACCOUNT, str(ACCOUNT))


def event(action: Action, **changes: object) -> Fact:
    return fact_of_event(audit_event(action=action, resource=Resource("subscriber", "7"), **changes), GARDENS)


def mail(state: DeliveryState, kind: LetterKind = LetterKind.CONFIRMATION, subject: str | None = None) -> Fact:
    return fact_of_mail(Mailing(new_id(), kind, subject, state, 2, T0, later(5), Reply(250, "taken")), GARDENS)


def test_what_one_transaction_wrote_is_one_moment() -> None:
    (told,) = moments(
        [
            fact_of_consent(consent(new_id()), GARDENS),
            event(Action.SUBSCRIBER_SIGNED_UP),
            mail(DeliveryState.SENT),
        ]
    )
    assert (told.at, told.newsletter) == (T0, GARDENS)
    assert told.sentences == [
        "Asked for the newsletter by a form",
        "Mail with the link to confirm: taken by the mail server",
    ]
    assert told.details["Network address"] == "192.0.2.1"
    assert told.details["Browser"] == "A browser"
    assert told.details["Form"] == "1"
    assert told.details["Tries"] == "2"
    assert told.details["Settled"] == f"{later(5):%Y-%m-%d %H:%M} UTC"
    assert told.details["The server’s words"] == "250 taken"
    assert (told.details["Status before"], told.details["Status after"]) == ("waits for the confirmation", "confirmed")


def test_newsletters_and_instants_are_told_apart() -> None:
    first = fact_of_consent(consent(new_id()), GARDENS)
    other = fact_of_consent(consent(new_id()), WEEKLY)
    after = fact_of_consent(consent(new_id(), kind=ConsentKind.CONFIRMED, occurred_at=later(9)), GARDENS)
    told = moments([first, other, after])
    assert [(each.at, each.newsletter) for each in told] == [(T0, GARDENS), (T0, WEEKLY), (later(9), GARDENS)]


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        (Actor(ActorKind.VISITOR), "a visitor"),
        (Actor(ActorKind.ACCOUNT, str(ACCOUNT)), "ursula"),
        (Actor(ActorKind.ACCOUNT, str(new_id())), "a member of the staff"),
        (Actor(ActorKind.SYSTEM, "sweep"), "the service by itself"),
        (Actor(ActorKind.TERMINAL, "root"), "somebody at a terminal"),
    ],
)
def test_who_it_was_is_told_by_name_where_we_know_it(actor: Actor, told: str) -> None:
    (moment,) = moments([event(Action.SENSITIVE_READ, origin=origin(actor=actor))], {str(ACCOUNT): "ursula"})
    assert moment.details["Who"] == told


def look(minutes: int, actor: Actor = SOMEBODY) -> Fact:
    return event(Action.SENSITIVE_READ, origin=origin(actor=actor), occurred_at=later(60 * minutes))


def test_looks_that_follow_one_another_are_one_moment() -> None:
    other = Actor(ActorKind.TERMINAL, "root")
    ada = fact_of_consent(consent(new_id(), occurred_at=later(60 * 4)), GARDENS)
    told = moments([look(1), look(2, other), look(3), ada, look(5)], {str(ACCOUNT): "ursula"})
    assert [each.at for each in told] == [later(60 * minutes) for minutes in (3, 4, 5)]
    assert told[0].sentences == [f"Somebody looked at these data, 3 times since {later(60):%Y-%m-%d %H:%M} UTC"]
    assert told[0].details == {"Who": "ursula, somebody at a terminal"}
    assert (told[2].sentences, told[2].details) == (["Somebody looked at these data"], {"Who": "ursula"})


def test_what_a_visitor_had_given_out_keeps_its_evidence() -> None:
    told = moments([look(1, Actor(ActorKind.VISITOR)), look(2, Actor(ActorKind.VISITOR))])
    assert [each.details["Network address"] for each in told] == ["192.0.2.1"] * 2


def test_why_mail_was_kept_away_and_what_was_changed_is_told_in_words() -> None:
    (added,) = moments([event(Action.SUPPRESSION_ADDED, before=None, after={"reason": "manual"}, words="She wrote.")])
    assert (added.details["Reason"], added.details["Remark"]) == ("a member of the staff keeps mail away", "She wrote.")
    lifted = event(Action.SUPPRESSION_LIFTED, before={"reasons": "bounce import"}, after=None)
    changed = event(Action.SUBSCRIBER_CHANGED, before=None, after={"changed": "name paused_until"})
    (both,) = moments([lifted, changed])
    assert both.details["Lifted"] == "a mail came back for good, it stood in an imported list"
    assert both.details["What"] == "name, pause"


def test_an_issue_is_told_with_its_title() -> None:
    (moment,) = moments([mail(DeliveryState.FAILED, LetterKind.ISSUE, "Strawberries")])
    assert moment.sentences == [
        "Issue “Strawberries”: refused for good, or tried in vain until its time was over",
    ]


def test_what_failed_is_told_as_that() -> None:
    (moment,) = moments([event(Action.SUBSCRIBER_CHANGED, outcome=AuditOutcome.FAILURE)])
    assert moment.sentences == ["Changed the preferences: refused"]


def test_a_link_that_was_asked_for_is_told_without_its_purpose() -> None:
    (told,) = moments([event(Action.TOKEN_CREATED, before=None, after={"purpose": "manage"})])
    assert told.sentences == ["Asked for a link to the preferences"]
    assert "manage" not in told.details.values()


def test_what_has_no_words_is_told_by_its_name() -> None:
    (moment,) = moments([Fact(T0, FactKind.EVENT, "subscriber_sang", None, {"after_song_title": "A song"})])
    assert moment.sentences == ["Subscriber sang"]
    assert moment.details == {"After song title": "A song"}


def test_every_kind_of_consent_and_every_state_of_a_mail_has_words() -> None:
    assert set(CONSENTS) == set(ConsentKind)
    assert set(MAILS) == set(DeliveryState)
    assert set(LETTERS) == set(LetterKind) - {LetterKind.RESET, LetterKind.INVITATION}


def test_nothing_is_no_moment() -> None:
    assert moments([]) == []
