"""Steering an issue from a terminal."""

import re
from datetime import datetime

import pytest

from tests.support.terminal import Terminal, wait
from zero2prod_core.domain.deliveries import (
    DeliveryState,
    Outcome,
    Rejected,
    Reply,
    Scope,
    SenderFault,
    Throttled,
    Uncertain,
)
from zero2prod_core.domain.issues import Issue
from zero2prod_core.domain.origins import ActorKind

LOST = Uncertain(Reply(None, "connection lost"))
REFUSED = Rejected(Reply(550, "5.1.1 nobody here"))
READERS = ("a@example.com", "b@example.com", "c@example.com")

UNKNOWN = "00000000-0000-7000-8000-000000000009"


def published(typist: Terminal, *outcomes: Outcome) -> Issue:
    """An issue to as many readers as there are outcomes, each of which becomes one's."""
    issue = wait(typist.core.published(*READERS[: max(len(outcomes), 1)]))
    if outcomes:
        for parcel, outcome in zip(wait(typist.core.parcels(urgent=False)), outcomes, strict=True):
            wait(typist.core.send(parcel, outcome=outcome))
    return issue


def sums(typist: Terminal, issue: Issue) -> dict[DeliveryState, int]:
    return wait(typist.core.sums(issue))


def test_one_is_paused_resumed_and_cancelled(typist: Terminal) -> None:
    issue = published(typist)
    done = typist.type("issues", "pause", str(issue.id))
    assert (done.status, done.out) == (0, f"Paused {issue.id}. Mails under way in this moment still arrive.\n")
    assert "paused\tby hand" in typist.type("issues", "show", str(issue.id)).out
    assert typist.type("issues", "resume", str(issue.id), "--json").told["state"] == "sending"
    said = typist.type("issues", "cancel", str(issue.id)).out
    assert said == f"Cancelled {issue.id}. What was sent stays sent; what waits is never sent.\n"
    assert typist.type("issues", "show", str(issue.id), "--json").told["state"] == "cancelled"
    assert [event.origin.actor.kind for event in wait(typist.core.audit())][-3:] == [ActorKind.TERMINAL] * 3


def test_what_cannot_be_is_refused(typist: Terminal) -> None:
    issue = published(typist)
    typist.type("issues", "cancel", str(issue.id))
    remedy = "That is for good. Publish its words as a new issue."
    for verb in ("pause", "resume", "cancel", "resend"):
        assert typist.refused("issues", verb, str(issue.id)) == f"issue: cannot {verb} while cancelled. {remedy}"


@pytest.mark.parametrize("command", ["pause", "cancel", "resend", "uncertain"])
def test_one_that_does_not_exist_is_refused(typist: Terminal, command: str) -> None:
    for id_ in ("42", UNKNOWN):
        assert typist.refused("issues", command, id_).startswith(f"issue: there is no issue {id_}.")


def test_failed_mails_are_sent_again(typist: Terminal) -> None:
    issue = published(typist, REFUSED)
    wait(typist.core.application.jobs.finish_issues())
    done = typist.type("issues", "resend", str(issue.id))
    assert (done.status, done.out) == (0, f"Sending what failed of {issue.id} again.\n")
    assert sums(typist, issue) == {DeliveryState.PENDING: 1}


def test_where_nothing_failed_there_is_nothing_to_send(typist: Terminal) -> None:
    issue = published(typist, LOST)
    typist.type("issues", "uncertain", str(issue.id), "--accept", "--all")
    wait(typist.core.application.jobs.finish_issues())
    assert typist.refused("issues", "resend", str(issue.id)).startswith("issue: none of its mails has failed")


class TestShow:
    def test_a_pause_is_told_with_its_remedy(self, typist: Terminal) -> None:
        issue = published(typist, SenderFault(Reply(530, "5.7.0 log in")))
        lines = typist.type("issues", "show", str(issue.id)).out.splitlines()
        assert "paused\t5.7.0 log in" in lines
        assert any(line.startswith("remedy\tThe relay refuses what comes from us") for line in lines)
        told = typist.type("issues", "show", str(issue.id), "--json").told
        assert (told["pause_cause"], told["remedy"][:9]) == ("sender", "The relay")

    def test_what_holds_mail_back_is_told(self, typist: Terminal) -> None:
        issue = published(typist, Throttled(Reply(421, "4.7.0 later"), Scope.DOMAIN))
        out = typist.type("issues", "show", str(issue.id)).out
        assert "held back\tThe domain example.com takes no mail: 4.7.0 later. Next try: 20" in out
        (held,) = typist.type("issues", "show", str(issue.id), "--json").told["held_back"]
        assert (held["scope"], held["subject"], held["reason"]) == ("domain", "example.com", "4.7.0 later")

    def test_what_is_in_doubt_leads_on(self, typist: Terminal) -> None:
        issue = published(typist, LOST)
        out = typist.type("issues", "show", str(issue.id)).out
        assert "are sent again by themselves, unless a late answer settles them." in out
        assert f"issues uncertain {issue.id}" in out
        typist.type("issues", "pause", str(issue.id))
        assert "wait for a person, who resends or accepts them" in typist.type("issues", "show", str(issue.id)).out

    def test_a_mail_that_came_twice_perhaps_is_counted(self, typist: Terminal) -> None:
        issue = published(typist, LOST)
        typist.type("issues", "uncertain", str(issue.id), "--resend", "--all")
        wait(typist.core.send(*wait(typist.core.parcels(urgent=False))))
        assert "possibly twice\t1" in typist.type("issues", "show", str(issue.id)).out


def table(out: str) -> list[list[str]]:
    """The cells of a table's rows, its head line first."""
    return [re.split(" {2,}", line) for line in out.splitlines()]


class TestFailures:
    def test_they_are_listed_with_the_servers_words(self, typist: Terminal) -> None:
        issue = published(typist, REFUSED, REFUSED)
        head, *rows = table(typist.type("issues", "failures", str(issue.id)).out)
        assert head == ["recipient", "e-mail address", "attempts", "the server's words"]
        assert sorted(row[1] for row in rows) == [*READERS[:2]]
        assert {(row[2], row[3]) for row in rows} == {("1", "550 5.1.1 nobody here")}
        told = typist.type("issues", "failures", str(issue.id), "--json").told
        assert [each["recipient"] for each in told] == [row[0] for row in rows]
        assert {(each["attempts"], each["code"], each["reply"]) for each in told} == {(1, 550, "5.1.1 nobody here")}

    def test_the_list_goes_on_behind_its_last(self, typist: Terminal) -> None:
        issue = published(typist, REFUSED, REFUSED)
        first = typist.type("issues", "failures", str(issue.id), "--limit", "1")
        last = table(first.out)[1][0]
        assert first.err == f"There may be more: --after {last}\n"
        second = typist.type("issues", "failures", str(issue.id), "--after", last)
        assert (second.out.count("\n"), last in second.out) == (2, False)

    def test_the_issue_leads_to_them(self, typist: Terminal) -> None:
        issue = published(typist, REFUSED)
        assert f"zero2prod issues failures {issue.id}" in typist.type("issues", "show", str(issue.id)).out

    def test_none_is_said_so(self, typist: Terminal) -> None:
        issue = published(typist)
        assert typist.type("issues", "failures", str(issue.id)).out == "No mail of this issue has failed.\n"

    def test_what_is_no_recipient_is_refused(self, typist: Terminal) -> None:
        said = typist.refused("issues", "failures", str(published(typist).id), "--after", "ada")
        assert said.startswith("--after: must be an id as `issues failures` lists it.")


class TestUncertain:
    def test_they_are_listed(self, typist: Terminal) -> None:
        issue = published(typist, LOST, LOST)
        head, *rows = table(typist.type("issues", "uncertain", str(issue.id)).out)
        assert head == ["recipient", "e-mail address", "attempts", "sent again (UTC)", "the server's words"]
        assert {row[4] for row in rows} == {"connection lost"}
        assert all(datetime.fromisoformat(row[3]) for row in rows)
        assert sorted(row[1] for row in rows) == [*READERS[:2]]
        told = typist.type("issues", "uncertain", str(issue.id), "--json").told
        assert [each["recipient"] for each in told] == [row[0] for row in rows]
        assert {(each["attempts"], each["reply"]) for each in told} == {(1, "connection lost")}

    def test_the_list_goes_on_behind_its_last(self, typist: Terminal) -> None:
        issue = published(typist, LOST, LOST)
        first = typist.type("issues", "uncertain", str(issue.id), "--limit", "1")
        last = table(first.out)[1][0]
        assert first.err == f"There may be more: --after {last}\n"
        second = typist.type("issues", "uncertain", str(issue.id), "--after", last)
        assert (second.out.count("\n"), last in second.out) == (2, False)

    def test_those_of_a_paused_issue_are_held(self, typist: Terminal) -> None:
        issue = published(typist, LOST)
        typist.type("issues", "pause", str(issue.id))
        assert table(typist.type("issues", "uncertain", str(issue.id)).out)[1][3] == "held"

    def test_none_is_said_so(self, typist: Terminal) -> None:
        issue = published(typist)
        done = typist.type("issues", "uncertain", str(issue.id))
        assert (done.out, done.err) == ("No mail of this issue is in doubt.\n", "")

    @pytest.mark.parametrize(
        ("verb", "becomes", "said"),
        [
            ("--resend", DeliveryState.PENDING, "Sending 1 mail once more.\n"),
            ("--accept", DeliveryState.SENT, "Counted 1 mail as sent.\n"),
        ],
    )
    def test_one_is_decided(self, typist: Terminal, verb: str, becomes: DeliveryState, said: str) -> None:
        issue = published(typist, LOST, LOST)
        one = table(typist.type("issues", "uncertain", str(issue.id)).out)[1][0]
        done = typist.type("issues", "uncertain", str(issue.id), verb, "--recipient", one, "--recipient", UNKNOWN)
        assert (done.status, done.out, done.err) == (0, said, "The other 1 were not in doubt.\n")
        assert sums(typist, issue) == {DeliveryState.UNCERTAIN: 1, becomes: 1}

    def test_all_are_decided(self, typist: Terminal) -> None:
        issue = published(typist, LOST, LOST)
        told = typist.type("issues", "uncertain", str(issue.id), "--accept", "--all", "--json").told
        assert told == {"resolution": "accept", "deliveries": 2}
        assert sums(typist, issue) == {DeliveryState.SENT: 2}

    @pytest.mark.parametrize(
        ("arguments", "status", "said"),
        [
            (("--all",), 2, "say what is to become of them: --resend or --accept."),
            (("--recipient", UNKNOWN), 2, "say what is to become of them: --resend or --accept."),
            (("--accept", "--resend", "--all"), 2, "say what is to become of them: --resend or --accept."),
            (("--accept",), 2, "say of whom: --all, or one --recipient or more."),
            (("--resend", "--all", "--recipient", UNKNOWN), 2, "say of whom: --all, or one --recipient or more."),
            (("--accept", "--recipient", "ada"), 1, "--recipient: must be an id as `issues uncertain` lists it."),
            (("--after", "ada"), 1, "--after: must be an id as `issues uncertain` lists it."),
        ],
    )
    def test_half_a_decision_is_refused(
        self, typist: Terminal, arguments: tuple[str, ...], status: int, said: str
    ) -> None:
        issue = published(typist, LOST)
        assert typist.refused("issues", "uncertain", str(issue.id), *arguments, status=status).startswith(said)
        assert sums(typist, issue) == {DeliveryState.UNCERTAIN: 1}


class TestFollow:
    def test_it_ends_when_the_issue_is_over(self, typist: Terminal) -> None:
        issue = published(typist, REFUSED)
        wait(typist.core.application.jobs.finish_issues())
        done = typist.type("issues", "show", str(issue.id), "--follow")
        assert (done.status, done.err) == (0, "")
        assert done.out == "finished   100 %   1 of 1   failed 1\n"
        assert typist.type("issues", "show", str(issue.id), "--follow", "--json").told["state"] == "finished"

    def test_ctrl_c_leaves_quietly(self, typist: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        issue = published(typist)

        async def interrupted(_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("zero2prod.commands.issue_following.Follower.__call__", interrupted)
        done = typist.type("issues", "show", str(issue.id), "--follow")
        assert (done.status, done.out, done.err) == (0, "", "")

    def test_one_that_does_not_exist_is_refused(self, typist: Terminal) -> None:
        assert typist.refused("issues", "show", UNKNOWN, "--follow").startswith("issue: there is no issue")
