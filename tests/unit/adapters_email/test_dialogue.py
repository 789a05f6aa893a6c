"""Mails over a session, in each of the three ways: what leaves in one write, and what each reply means for whom."""

import asyncio
from collections.abc import Callable, Sequence

import attrs
import pytest

from adapters_email import dialogue, lanes
from adapters_email.composing import Mail, compose
from adapters_email.dialogue import Way
from adapters_email.exchange import CONTRADICTION, SURPLUS
from adapters_email.smtp import SmtpMailer
from adapters_email.smtp_url import SmtpUrl
from tests.support.desks import RecordingDesk
from tests.support.scripted_relay import DROP, OFFERS, SILENT, ScriptedRelay, mailer, parcels
from tests.support.waiting import PATIENCE, eventually
from zero2prod_core.domain.deliveries import (
    Deferred,
    Outcome,
    Rejected,
    Reply,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel

QUEUED = Sent(Reply(250, "2.0.0 queued"))
AHEAD = [Way.PIPELINING, Way.CHUNKING]


def relay_for(way: Way, patch: pytest.MonkeyPatch) -> ScriptedRelay:
    return ScriptedRelay(*OFFERS[way]).installed(patch)


async def outcomes(sent: Sequence[Parcel], patience: float = 20) -> list[Outcome]:
    desk = RecordingDesk(sent)
    await mailer(patience=patience).run(desk)
    return desk.outcomes


def shape(write: bytes) -> str:
    """The verbs that left in one write, and ``mail`` for what is one's content."""
    lines, found, inside = write.split(b"\r\n"), [], False
    for line in lines:
        verb = line[:4].decode("ascii", "replace")
        if line == b"." or verb == "MAIL":
            inside = False
        if verb in {"MAIL", "RCPT", "DATA", "BDAT", "RSET", "QUIT"} and not inside:
            found.append(verb)
        elif line and not inside and line != b".":
            inside = True
            found.append("mail")
        if line == b".":
            found.append("dot")
    return " ".join(found)


class TestRoundTrips:
    async def test_with_pipelining_the_end_of_a_mail_takes_the_next_one_along(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        relay = relay_for(Way.PIPELINING, monkeypatch)
        assert await outcomes(parcels(4)) == [QUEUED] * 4
        assert [shape(write) for write in relay.writes] == [
            "MAIL RCPT DATA",
            *["mail dot MAIL RCPT DATA"] * 3,
            "mail dot",
            "QUIT",
        ]

    async def test_with_chunking_a_mail_is_one_write(self, monkeypatch: pytest.MonkeyPatch) -> None:
        relay = relay_for(Way.CHUNKING, monkeypatch)
        assert await outcomes(parcels(3)) == [QUEUED] * 3
        assert [shape(write) for write in relay.writes] == [*["MAIL RCPT BDAT mail"] * 3, "QUIT"]

    async def test_without_both_each_reply_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        relay = relay_for(Way.STEPS, monkeypatch)
        assert await outcomes(parcels(2)) == [QUEUED] * 2
        assert [shape(write) for write in relay.writes] == [*["MAIL", "RCPT", "DATA", "mail dot"] * 2, "QUIT"]

    @pytest.mark.parametrize(("way", "write"), [(Way.STEPS, "MAIL"), (Way.PIPELINING, "MAIL RCPT DATA")])
    async def test_a_way_that_is_not_wanted_is_not_used(
        self, monkeypatch: pytest.MonkeyPatch, way: Way, write: str
    ) -> None:
        relay = relay_for(Way.CHUNKING, monkeypatch)
        sender = SmtpMailer(SmtpUrl.parse("smtp://relay.test?tls=none"), connections=1, most_advanced=way)
        await sender.run(RecordingDesk(parcels(1)))
        assert shape(relay.writes[0]) == write

    async def test_chunks_need_pipelining(self, monkeypatch: pytest.MonkeyPatch) -> None:
        relay = ScriptedRelay("CHUNKING").installed(monkeypatch)
        assert await outcomes(parcels(1)) == [QUEUED]
        assert shape(relay.writes[0]) == "MAIL"

    @pytest.mark.parametrize("way", AHEAD)
    async def test_a_large_mail_leaves_in_blocks(self, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
        monkeypatch.setattr(dialogue, "BLOCK", 300)
        relay = relay_for(way, monkeypatch)
        assert await outcomes(parcels(2)) == [QUEUED] * 2
        assert max(map(len, relay.writes)) <= 300
        assert len(relay.completed) == 2

    @pytest.mark.parametrize("way", Way)
    async def test_the_same_bytes_arrive_in_every_way(self, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
        relay = relay_for(way, monkeypatch)
        sent = parcels(3)
        await outcomes(sent)
        made = [(each.sender.email.wire, compose(each).content) for each in sent]
        assert relay.completed == made

    @pytest.mark.parametrize("way", Way)
    async def test_what_finishes_a_mail_is_part_of_it(self, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
        async def finish(mail: Mail) -> Mail:
            return attrs.evolve(mail, content=b"Signed: yes\r\n" + mail.content)

        relay = relay_for(way, monkeypatch)
        desk = RecordingDesk(parcels(3))
        await mailer(finish=finish).run(desk)
        assert desk.outcomes == [QUEUED] * 3
        assert all(content.startswith(b"Signed: yes\r\nFrom:") for _, content in relay.completed)
        size = len(relay.completed[0][1])
        assert f"SIZE={size}\r\n".encode() in b"".join(relay.writes)

    @pytest.mark.parametrize("error", [Defect("no key"), ValueError("no key")])
    async def test_a_mail_that_cannot_be_finished_does_not_stop_the_others(
        self, monkeypatch: pytest.MonkeyPatch, error: Exception
    ) -> None:
        failing = iter([True, False])

        async def finish(mail: Mail) -> Mail:
            if next(failing):
                raise error
            return mail

        relay_for(Way.PIPELINING, monkeypatch)
        desk = RecordingDesk(parcels(2))
        await mailer(finish=finish).run(desk)
        assert [type(outcome) for outcome in desk.outcomes] == [
            SenderFault if isinstance(error, Defect) else Throttled,
            Sent,
        ]

    async def test_a_mail_that_cannot_even_be_offered_does_not_stop_the_others(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = iter([True, False])

        async def finish(mail: Mail) -> Mail:
            recipient = "\ud800@example.com" if next(broken) else mail.envelope.recipient
            return attrs.evolve(mail, envelope=attrs.evolve(mail.envelope, recipient=recipient))

        relay = relay_for(Way.PIPELINING, monkeypatch)
        desk = RecordingDesk(parcels(2))
        await mailer(finish=finish).run(desk)
        assert [type(outcome) for outcome in desk.outcomes] == [Throttled, Sent]
        assert len(relay.completed) == 1


class TestMarks:
    @pytest.mark.parametrize("way", Way)
    async def test_no_mail_is_complete_before_its_mark_and_the_last_ones_report(
        self, monkeypatch: pytest.MonkeyPatch, way: Way
    ) -> None:
        relay = relay_for(way, monkeypatch)
        desk = RecordingDesk(parcels(6))
        books: list[tuple[int, int]] = []
        relay.at_end = lambda _sender, _connection: books.append((len(desk.marks), len(desk.reports)))
        await mailer().run(desk)
        assert books == [(number + 1, number) for number in range(6)]

    @pytest.mark.parametrize("way", Way)
    async def test_a_report_travels_with_the_next_mark(self, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
        relay_for(way, monkeypatch)
        first, second = parcels(2)
        desk = RecordingDesk([first, second])
        await mailer().run(desk)
        assert desk.settled == [
            ((), (first.mark,)),
            ((first.report(QUEUED),), (second.mark,)),
            ((second.report(QUEUED),), ()),
        ]

    @pytest.mark.parametrize("way", Way)
    @pytest.mark.parametrize("refused", [0, 1, 2])
    async def test_a_refused_mark_completes_nothing(
        self, monkeypatch: pytest.MonkeyPatch, way: Way, refused: int
    ) -> None:
        relay = relay_for(way, monkeypatch)
        sent = parcels(4)
        desk = RecordingDesk(sent)
        desk.refused = {sent[refused].delivery.key.recipient}
        await mailer().run(desk)
        granted = [each for each in sent if each is not sent[refused]]
        assert desk.reports == [each.report(QUEUED) for each in granted]
        assert [sender for sender, _ in relay.completed] == [each.sender.email.wire for each in granted]
        assert relay.connections == (2 if way is Way.PIPELINING else 1)

    async def test_where_all_marks_are_refused_nothing_more_is_offered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        relay = relay_for(Way.PIPELINING, monkeypatch)
        sent = parcels(20)
        desk = RecordingDesk(sent)
        desk.refused = {each.delivery.key.recipient for each in sent}
        await mailer().run(desk)
        assert (desk.reports, relay.completed) == ([], [])
        assert relay.connections == 1
        assert relay.verbs.count("MAIL") == 1


# The verb, what is answered to the second of three mails, and what that is in each way.
REFUSALS: list[tuple[str, str, type[Outcome], type[Outcome]]] = [
    ("MAIL", "451 4.3.0 later", Throttled, Throttled),
    ("MAIL", "553 5.1.7 not you", SenderFault, SenderFault),
    ("MAIL", "552 5.3.4 too big", Rejected, Rejected),
    ("MAIL", "421 4.7.0 enough", Sent, Sent),
    ("MAIL", DROP, Sent, Uncertain),
    ("MAIL", "354 what?", Sent, Uncertain),
    ("MAIL", "garbage", Sent, Uncertain),
    ("RCPT", "550 5.1.1 nobody", Rejected, Rejected),
    ("RCPT", "452 4.2.2 full", Deferred, Deferred),
    ("RCPT", "421 4.3.2 closing", Throttled, Throttled),
    ("RCPT", "354 what?", Deferred, Uncertain),
    ("RCPT", DROP, Deferred, Uncertain),
    ("END", "554 5.7.1 spam", Rejected, Rejected),
    ("END", "451 4.3.0 later", Deferred, Deferred),
    ("END", "421 4.3.0 later", Deferred, Deferred),
    ("END", "354 what?", Uncertain, Uncertain),
    ("END", "garbage", Uncertain, Uncertain),
    ("END", DROP, Uncertain, Uncertain),
    ("DATA", "451 4.3.0 later", Deferred, Sent),
    ("DATA", "554 5.7.1 no", Rejected, Sent),
    ("DATA", "250 what?", Deferred, Sent),
    ("DATA", DROP, Deferred, Sent),
    ("DATA", "421 closing", Throttled, Sent),
]


@pytest.mark.parametrize("way", AHEAD)
@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{refusal[0]} {refusal[1]}")
async def test_a_refusal_is_the_second_mails_alone(
    monkeypatch: pytest.MonkeyPatch, way: Way, refusal: tuple[str, str, type[Outcome], type[Outcome]]
) -> None:
    monkeypatch.setattr(lanes, "REST", 0.0)
    verb, answer, pipelined, chunked = refusal
    relay = relay_for(way, monkeypatch)
    first = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", "END": "250 2.0.0 queued"}[verb]
    relay.script[verb] += [first, answer]
    found = await outcomes(parcels(3))
    assert [type(outcome) for outcome in found] == [Sent, pipelined if way is Way.PIPELINING else chunked, Sent]


class TestServersThatContradictThemselves:
    async def test_a_server_that_wants_a_mail_without_recipients_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        relay = relay_for(Way.PIPELINING, monkeypatch)
        relay.script["RCPT"].append("550 5.1.1 nobody")
        relay.is_lax = True
        assert [type(outcome) for outcome in await outcomes(parcels(2))] == [Rejected, Sent]
        assert relay.connections == 2
        assert len(relay.completed) == 1

    async def test_one_that_does_not_is_kept_and_reset(self, monkeypatch: pytest.MonkeyPatch) -> None:
        relay = relay_for(Way.PIPELINING, monkeypatch)
        relay.script["RCPT"].append("550 5.1.1 nobody")
        assert [type(outcome) for outcome in await outcomes(parcels(2))] == [Rejected, Sent]
        assert relay.connections == 1
        assert [shape(write) for write in relay.writes[:2]] == ["MAIL RCPT DATA", "RSET MAIL RCPT DATA"]

    @pytest.mark.parametrize("way", Way)
    async def test_one_that_refuses_to_forget_is_left(self, monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
        relay = relay_for(way, monkeypatch)
        relay.script["RCPT"].append("550 5.1.1 nobody")
        relay.script["RSET"].append("502 5.5.1 what?")
        assert [type(outcome) for outcome in await outcomes(parcels(2))] == [Rejected, Sent]
        assert relay.connections == 2
        assert len(relay.completed) == 1

    async def test_a_chunk_that_is_taken_after_a_refusal_leaves_doubt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        relay = relay_for(Way.CHUNKING, monkeypatch)
        relay.script["MAIL"].append("451 4.3.0 later\r\n250 2.1.0 ok\r\n250 2.1.5 ok")
        assert await outcomes(parcels(2)) == [Uncertain(Reply(None, CONTRADICTION)), QUEUED]
        assert relay.connections == 2

    @pytest.mark.parametrize(
        ("end", "outcome"),
        [
            ("250 2.0.0 queued\r\n250 2.0.0 again", Uncertain(Reply(None, SURPLUS))),
            ("250 2.0.0 queued\r\n421 4.3.2 bye", QUEUED),
            ("554 5.7.1 no\r\n250 2.0.0 again", Rejected(Reply(554, "5.7.1 no"), blames_letter=True)),
        ],
    )
    async def test_more_replies_than_commands_leave_doubt(
        self, monkeypatch: pytest.MonkeyPatch, end: str, outcome: Outcome
    ) -> None:
        relay = relay_for(Way.CHUNKING, monkeypatch)
        relay.script["END"].append(end)
        assert await outcomes(parcels(2)) == [outcome, QUEUED]
        assert relay.connections == 2

    async def test_a_recipients_refusal_and_the_mails_acceptance_leave_doubt(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        relay = relay_for(Way.CHUNKING, monkeypatch)
        relay.script["RCPT"].append("550 no\r\n250 all the same")
        first, _ = await outcomes(parcels(2))
        assert first == Uncertain(Reply(None, CONTRADICTION))

    async def test_a_reply_behind_the_end_of_a_mail_ends_the_session_and_no_more(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        relay = relay_for(Way.STEPS, monkeypatch)
        relay.script["END"].append("250 2.0.0 queued\r\n250 2.0.0 again")
        assert await outcomes(parcels(2)) == [QUEUED] * 2
        assert relay.connections == 2


class TestCancelling:
    """Where a chain was cut: what was complete is uncertain, what was marked is reported, the rest was never tried."""

    @staticmethod
    async def cut_at(desk: RecordingDesk, reached: Callable[[], bool]) -> list[Outcome]:
        running = asyncio.create_task(mailer().run(desk))
        assert await eventually(lambda: _now(reached()))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return desk.outcomes

    @pytest.mark.parametrize("way", Way)
    async def test_a_complete_mail_without_an_answer_is_uncertain(
        self, monkeypatch: pytest.MonkeyPatch, way: Way
    ) -> None:
        relay = relay_for(way, monkeypatch)
        relay.script["END"] += ["250 2.0.0 queued", SILENT]
        desk = RecordingDesk(parcels(5))
        found = await self.cut_at(desk, lambda: len(relay.completed) == 2)
        assert found == [QUEUED, Uncertain(Reply(None, "sending was stopped before the server answered"))]
        assert len(desk.marks) == 2

    async def test_a_mail_with_a_mark_that_waits_for_its_go_ahead_is_deferred(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        relay = relay_for(Way.PIPELINING, monkeypatch)
        relay.script["DATA"] += ["354 go on", SILENT]
        desk = RecordingDesk(parcels(5))
        found = await self.cut_at(desk, lambda: len(desk.marks) == 2)
        assert [type(outcome) for outcome in found] == [Sent, Deferred]

    async def test_a_mail_that_was_offered_and_has_no_mark_is_nobodys_business(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        relay = relay_for(Way.PIPELINING, monkeypatch)
        desk = RecordingDesk(parcels(5))
        relay.at_end = lambda _sender, _connection: desk.open_for_settling.clear()
        running = asyncio.create_task(mailer().run(desk))
        assert await eventually(lambda: _now(relay.verbs.count("DATA") == 2))
        running.cancel()
        desk.open_for_settling.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert desk.outcomes == [QUEUED]
        assert len(relay.completed) == 1

    async def test_an_answer_that_came_before_the_end_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        relay = relay_for(Way.CHUNKING, monkeypatch)
        signing = asyncio.Event()

        async def finish(mail: Mail) -> Mail:
            if relay.completed:
                signing.set()
                await asyncio.Event().wait()
            return mail

        desk = RecordingDesk(parcels(2))
        running = asyncio.create_task(mailer(finish=finish).run(desk))
        await asyncio.wait_for(signing.wait(), PATIENCE)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert desk.outcomes == [QUEUED]


async def _now(value: bool) -> bool:
    return value


class TestSilence:
    @pytest.mark.parametrize("way", Way)
    @pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "END"])
    async def test_a_server_that_falls_silent_is_left(
        self, monkeypatch: pytest.MonkeyPatch, way: Way, verb: str
    ) -> None:
        monkeypatch.setattr(lanes, "REST", 0.0)
        relay = relay_for(way, monkeypatch)
        relay.script[verb].append(SILENT)
        first, second = await outcomes(parcels(2), patience=0.1)
        kinds = {"MAIL": Throttled, "RCPT": Deferred, "DATA": Deferred, "END": Uncertain}
        expected = Uncertain if way is Way.CHUNKING else kinds[verb]
        if way is Way.CHUNKING and verb == "DATA":
            assert first == second == QUEUED
        else:
            assert type(first) is expected
            assert first.reply == Reply(None, "the server was silent for 0.1 s")
            assert second == QUEUED
