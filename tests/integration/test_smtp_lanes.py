"""The SMTP mailer's connections: what is settled when, which of them waits for what, and how they end."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from adapters_email import lanes
from adapters_email.smtp import SmtpMailer
from adapters_email.smtp_url import SmtpUrl
from tests.support.desks import RecordingDesk
from tests.support.hostile_letters import ENDLESS, letter_of
from tests.support.parcels import CONFIRMATION, parcel
from tests.support.smtp_server import DROP, SILENT, Received, SmtpServer
from zero2prod_core.domain.deliveries import Deferred, Reply, Scope, Sent, Throttled, Uncertain
from zero2prod_core.errors import Defect, StoreUnavailable
from zero2prod_core.ports.mailer import Parcel

QUEUED = Sent(Reply(250, "2.0.0 queued"))


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with SmtpServer() as server:
        yield server


def mailer(server: SmtpServer, connections: int = 1, *, idle: float = 60) -> SmtpMailer:
    return SmtpMailer(SmtpUrl.parse(server.url), connections=connections, time_limit=20, idle=idle)


def parcels(count: int) -> list[Parcel]:
    return [parcel(to=f"reader{number}@example.com") for number in range(count)]


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_urgent_mail_goes_while_a_letter_takes_for_ever(server: SmtpServer) -> None:
    desk = RecordingDesk([parcel(letter_of(ENDLESS)), parcel(CONFIRMATION)], closed=False)
    running = asyncio.create_task(mailer(server, 2).run(desk))
    assert await desk.reported(1) == [QUEUED]
    await cancelled(running)


class TestTheOrderOfThings:
    async def test_no_mail_is_completed_before_its_mark_and_the_last_ones_report(self, server: SmtpServer) -> None:
        desk = RecordingDesk(sent := parcels(10))
        books: list[tuple[int, int]] = []

        def look(_mail: Received) -> None:
            books.append((len(desk.marks), len(desk.reports)))

        server.at_end = look
        await mailer(server).run(desk)
        assert books == [(number + 1, number) for number in range(10)]
        assert desk.reports == [each.report(QUEUED) for each in sent]

    async def test_a_report_travels_with_the_next_mark(self, server: SmtpServer) -> None:
        first, second = parcels(2)
        desk = RecordingDesk([first, second])
        await mailer(server).run(desk)
        assert desk.settled == [
            ((), (first.mark,)),
            ((first.report(QUEUED),), (second.mark,)),
            ((second.report(QUEUED),), ()),
        ]

    async def test_a_report_does_not_wait_for_a_parcel(self, server: SmtpServer) -> None:
        desk = RecordingDesk(parcels(1), closed=False)
        running = asyncio.create_task(mailer(server).run(desk))
        assert await desk.reported(1) == [QUEUED]
        await desk.put(parcel())
        assert await desk.reported(2) == [QUEUED] * 2
        await desk.close()
        await running
        assert server.connections == 1

    async def test_reports_of_mails_without_a_mark_do_not_pile_up(self, server: SmtpServer) -> None:
        server.script["RCPT"] += ["550 5.1.1 nobody"] * 9
        desk = RecordingDesk(parcels(10))
        await mailer(server).run(desk)
        assert len(desk.reports) == 10
        assert max(len(reports) for reports, _ in desk.settled) <= 2

    async def test_a_refused_mark_completes_nothing_and_reports_nothing(self, server: SmtpServer) -> None:
        refused, granted = parcels(2)
        desk = RecordingDesk([refused, granted])
        desk.refused = {refused.delivery.key.recipient}
        await mailer(server).run(desk)
        assert desk.reports == [granted.report(QUEUED)]
        assert [mail.recipient for mail in server.mails] == [granted.delivery.email.text]
        assert server.verbs.count("RSET") == 1
        assert server.connections == 1

    async def test_while_the_store_is_away_nothing_is_completed_and_nothing_is_lost(self, server: SmtpServer) -> None:
        desk = RecordingDesk(parcels(2))
        desk.open_for_settling.clear()
        running = asyncio.create_task(mailer(server).run(desk))
        await server.heard("RCPT")
        assert server.mails == []
        desk.open_for_settling.set()
        await running
        assert desk.outcomes == [QUEUED] * 2

    async def test_an_answer_that_was_lost_is_reported_so_and_the_next_mail_goes_out(self, server: SmtpServer) -> None:
        server.script["END"].append(DROP)
        desk = RecordingDesk(parcels(2))
        await mailer(server).run(desk)
        assert [type(outcome) for outcome in desk.outcomes] == [Uncertain, Sent]
        assert server.connections == 2


class TestLanes:
    async def test_each_lane_keeps_its_connection(self, server: SmtpServer) -> None:
        server.holds["END"] = asyncio.Event()
        desk = RecordingDesk([*parcels(8), parcel(CONFIRMATION)])
        running = asyncio.create_task(mailer(server, 3).run(desk))
        await server.heard("END", 3)
        server.holds["END"].set()
        await running
        assert desk.outcomes == [QUEUED] * 9
        assert server.connections == 3
        assert server.verbs.count("QUIT") == 3

    async def test_an_urgent_mail_waits_behind_no_issue(self, server: SmtpServer) -> None:
        server.holds["END"] = asyncio.Event()
        desk = RecordingDesk(parcels(5), closed=False)
        running = asyncio.create_task(mailer(server, 2).run(desk))
        await server.heard("END")
        held, server.holds = server.holds["END"], {}
        await desk.put(parcel(CONFIRMATION, "urgent@example.com"))
        await desk.reported(1)
        assert server.mails[-1].recipient == "urgent@example.com"
        assert len(server.mails) == 2
        held.set()
        await desk.close()
        await running

    async def test_one_connection_alone_takes_urgent_mails_first(self, server: SmtpServer) -> None:
        desk = RecordingDesk([*parcels(2), parcel(CONFIRMATION, "urgent@example.com")])
        await mailer(server).run(desk)
        assert server.mails[0].recipient == "urgent@example.com"
        assert len(server.mails) == 3

    def test_there_is_at_least_one(self, server: SmtpServer) -> None:
        with pytest.raises(Defect):
            mailer(server, 0)

    async def test_a_desk_that_fails_ends_the_mailer_with_its_own_error(self, server: SmtpServer) -> None:
        class Failing(RecordingDesk):
            async def settle(self, *_: object) -> list[bool]:
                raise StoreUnavailable

        with pytest.raises(StoreUnavailable):
            await mailer(server, 2).run(Failing(parcels(3)))
        assert server.mails == []


class TestKeptConnections:
    async def test_a_relay_that_has_had_enough_of_a_connection_gets_the_mail_over_a_new_one(
        self, server: SmtpServer
    ) -> None:
        server.script["MAIL"] += [None, "421 4.7.0 too many mails on this connection"]
        desk = RecordingDesk(parcels(3))
        await mailer(server).run(desk)
        assert desk.outcomes == [QUEUED] * 3
        assert server.connections == 2

    @pytest.mark.parametrize("answer", [DROP, "garbage"])
    async def test_so_does_one_that_leaves_or_babbles(self, server: SmtpServer, answer: str) -> None:
        server.script["MAIL"] += [None, answer]
        desk = RecordingDesk(parcels(2))
        await mailer(server).run(desk)
        assert desk.outcomes == [QUEUED] * 2

    async def test_one_that_was_closed_while_nothing_was_to_do_is_opened_again(self, server: SmtpServer) -> None:
        desk = RecordingDesk(parcels(1), closed=False)
        running = asyncio.create_task(mailer(server).run(desk))
        await desk.reported(1)
        for connection in set(server.open):
            await connection.push("421 4.4.2 idle for too long")
            connection.drop()
        await server.emptied()
        await desk.put(parcel())
        await desk.close()
        await running
        assert desk.outcomes == [QUEUED] * 2
        assert server.connections == 2

    async def test_an_idle_one_is_closed_and_opened_again(self, server: SmtpServer) -> None:
        desk = RecordingDesk(parcels(1), closed=False)
        running = asyncio.create_task(mailer(server, idle=0.05).run(desk))
        await server.heard("QUIT")
        await server.emptied()
        await desk.put(parcel())
        assert await desk.reported(2) == [QUEUED] * 2
        await desk.close()
        await running

    async def test_a_relay_that_ignores_the_goodbye_is_left(
        self, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.script["QUIT"].append("500 5.5.1 what?")
        desk = RecordingDesk(parcels(1))
        await mailer(server).run(desk)
        await server.emptied()
        assert desk.outcomes == [QUEUED]


class TestRelayAway:
    async def test_a_refused_connection_holds_every_mail_back(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            relay = SmtpUrl.parse(f"smtp://127.0.0.1:{unused.getsockname()[1]}")
            desk = RecordingDesk(parcels(3))
            await SmtpMailer(relay, connections=2).run(desk)
        assert [type(outcome) for outcome in desk.outcomes] == [Throttled] * 3
        assert desk.marks == []
        assert f"no connection to 127.0.0.1:{relay.port}" in desk.outcomes[0].reply.text

    async def test_it_is_not_asked_again_for_each_mail(self, server: SmtpServer) -> None:
        server.script["CONNECT"] += ["421 4.3.2 down"] * 50
        desk = RecordingDesk(parcels(50))
        await mailer(server).run(desk)
        assert desk.outcomes == [Throttled(Reply(421, "4.3.2 down"), Scope.RELAY)] * 50
        assert server.connections <= 2

    async def test_it_is_asked_again_a_moment_later(self, server: SmtpServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lanes, "REST", 0.0)
        server.script["CONNECT"].append("421 4.3.2 down")
        server.script["RCPT"].append("421 4.3.2 down")
        desk = RecordingDesk(parcels(3))
        await mailer(server).run(desk)
        assert [type(outcome) for outcome in desk.outcomes] == [Throttled, Throttled, Sent]

    async def test_a_name_that_does_not_exist(self) -> None:
        desk = RecordingDesk([parcel()])
        await SmtpMailer(SmtpUrl.parse("smtp://relay.invalid?tls=none")).run(desk)
        assert [type(outcome) for outcome in desk.outcomes] == [Throttled]


class TestCancelling:
    @pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT"])
    async def test_a_mail_without_a_mark_is_not_reported(self, server: SmtpServer, verb: str) -> None:
        server.script[verb].append(SILENT)
        desk = RecordingDesk(parcels(2))
        running = asyncio.create_task(mailer(server).run(desk))
        await server.heard(verb)
        await cancelled(running)
        await server.emptied()
        assert desk.settled == []

    async def test_a_mail_that_was_not_completed_is_deferred(self, server: SmtpServer) -> None:
        server.script["DATA"].append(SILENT)
        desk = RecordingDesk(parcels(2))
        running = asyncio.create_task(mailer(server).run(desk))
        await server.heard("DATA")
        await cancelled(running)
        assert [type(outcome) for outcome in desk.outcomes] == [Deferred]

    async def test_a_completed_mail_without_an_answer_is_uncertain(self, server: SmtpServer) -> None:
        server.script["END"] += [None, SILENT]
        desk = RecordingDesk(parcels(3))
        running = asyncio.create_task(mailer(server).run(desk))
        await server.heard("END", 2)
        await cancelled(running)
        await server.emptied()
        assert [type(outcome) for outcome in desk.outcomes] == [Sent, Uncertain]

    async def test_a_desk_that_does_not_settle_then_is_not_waited_for(
        self, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "LAST_REPORT", 0.05)
        server.script["END"].append(SILENT)
        desk = RecordingDesk(parcels(1))
        running = asyncio.create_task(mailer(server).run(desk))
        await server.heard("END")
        desk.open_for_settling.clear()
        await cancelled(running)
        assert desk.reports == []

    async def test_lanes_with_nothing_to_do_end_at_once(self, server: SmtpServer) -> None:
        desk = RecordingDesk(parcels(1), closed=False)
        running = asyncio.create_task(mailer(server, 3).run(desk))
        await desk.reported(1)
        await cancelled(running)
        await server.emptied()
        assert desk.outcomes == [QUEUED]
