"""Whatever a server says and however it is cut: each mail has one outcome, and is complete only with its mark."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters_email import lanes
from adapters_email.dialogue import Way
from tests.support.desks import RecordingDesk
from tests.support.scripted_relay import DROP, OFFERS, ScriptedRelay, mailer, parcels
from zero2prod_core.domain.deliveries import Sent
from zero2prod_core.domain.replies import Phase, outcome_of
from zero2prod_core.ports.mailer import Parcel

REPLY = st.sampled_from(
    ["250 2.0.0 ok", "451 4.3.0 later", "452 4.2.2 full", "550 5.1.1 nobody", "550 5.7.1 no", "554 no", "421 4.3.2 bye"]
)
GO_AHEAD = st.sampled_from(["354 go on", "354 go on", "451 4.3.0 later", "554 no", "421 bye"])
SCRIPT = st.fixed_dictionaries(
    {
        "MAIL": st.lists(st.one_of(st.just("250 ok"), REPLY), max_size=8),
        "RCPT": st.lists(st.one_of(st.just("250 ok"), REPLY), max_size=8),
        "DATA": st.lists(GO_AHEAD, max_size=8),
        "END": st.lists(REPLY, max_size=8),
    }
)
PHASES = {"MAIL": Phase.SETUP, "RCPT": Phase.RCPT, "DATA": Phase.DATA, "END": Phase.END}
MAILS = 6


@attrs.define
class Ran:
    """What came of a run: per mail what the relay said of it and what was reported, and whether marks came first."""

    relay: ScriptedRelay
    desk: RecordingDesk
    sent: list[Parcel]
    early: list[str]


def run(way: Way, script: dict[str, list[str]], cuts: Sequence[int], refused: set[int], *, is_lax: bool = False) -> Ran:
    def cut(said: bytes) -> Iterable[bytes]:
        places = [0, *sorted(place % (len(said) + 1) for place in cuts), len(said)]
        return (said[start:end] for start, end in pairwise(places))

    relay = ScriptedRelay(*OFFERS[way], cut=cut)
    relay.is_lax = is_lax
    for verb, replies in script.items():
        relay.script[verb].extend(replies)
    sent = parcels(MAILS)
    desk = RecordingDesk(sent)
    desk.refused = {sent[number].delivery.key.recipient for number in refused}
    ran = Ran(relay, desk, sent, [])
    by_sender = {each.sender.email.wire: each for each in sent}

    def look(sender: str, _connection: int) -> None:
        mark = by_sender[sender].mark
        if mark not in desk.marks or mark.key.recipient in desk.refused:
            ran.early.append(sender)

    relay.at_end = look
    with pytest.MonkeyPatch.context() as patch:
        relay.installed(patch)
        patch.setattr(lanes, "REST", 0.0)
        asyncio.run(mailer().run(desk))
    return ran


@settings(max_examples=150)
@given(
    st.sampled_from(Way),
    SCRIPT,
    st.lists(st.integers(0, 200), max_size=6),
    st.sets(st.integers(0, MAILS - 1), max_size=2),
)
def test_each_mail_has_the_one_outcome_that_the_table_says(
    way: Way, script: dict[str, list[str]], cuts: list[int], refused: set[int]
) -> None:
    ran = run(way, script, cuts, refused)
    assert ran.early == []
    reported = {report.key.recipient: report.outcome for report in ran.desk.reports}
    assert len(reported) == len(ran.desk.reports)
    for each in ran.sent:
        if each.delivery.key.recipient in ran.desk.refused and each.mark in ran.desk.marks:
            assert each.delivery.key.recipient not in reported
            continue
        tried = ran.relay.tried[each.sender.email.wire]
        code, _, text = tried.reply.partition(" ")
        assert reported[each.delivery.key.recipient] == outcome_of(PHASES[tried.verb], int(code), text)


HOSTILE = st.sampled_from(
    [
        "250 ok",
        "354 go on",
        "garbage",
        DROP,
        "250 ok\r\n250 ok",
        "451 later\r\n250 ok",
        "250 ok\r\n354 go on",
        "421 bye",
        "250-x\r\n550 y",
        "999 z",
        "550 no",
    ]
)
HOSTILE_SCRIPT = st.fixed_dictionaries({verb: st.lists(HOSTILE, max_size=8) for verb in (*PHASES, "RSET")})


@settings(max_examples=150)
@given(st.sampled_from(Way), HOSTILE_SCRIPT, st.lists(st.integers(0, 200), max_size=6), st.booleans())
def test_whatever_a_server_says_each_mail_has_one_outcome_and_is_complete_once_at_most(
    way: Way, script: dict[str, list[str]], cuts: list[int], is_lax: bool
) -> None:
    ran = run(way, script, cuts, set(), is_lax=is_lax)
    assert ran.early == []
    assert sorted(report.key for report in ran.desk.reports) == sorted(each.delivery.key for each in ran.sent)
    completed = [sender for sender, _ in ran.relay.completed]
    assert len(completed) == len(set(completed))
    sent = {report.key for report in ran.desk.reports if isinstance(report.outcome, Sent)}
    assert all(each.sender.email.wire in completed for each in ran.sent if each.delivery.key in sent)


@given(st.sampled_from(Way), SCRIPT, st.lists(st.integers(0, 200), max_size=6))
def test_how_replies_are_cut_changes_nothing(way: Way, script: dict[str, list[str]], cuts: list[int]) -> None:
    whole, torn = run(way, script, [], set()), run(way, script, cuts, set())
    assert whole.desk.reports == torn.desk.reports
    assert whole.relay.verbs == torn.relay.verbs
