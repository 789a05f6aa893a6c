"""The Postmark mailer against a real server: what is asked of the API, and what its answers do."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator

import pytest

from adapters_email import lanes, postmark
from adapters_email.postmark import PostmarkMailer
from adapters_email.postmark_account import PostmarkAccount
from adapters_email.postmark_api import LONGEST_ANSWER
from tests.support.desks import RecordingDesk
from tests.support.hostile_letters import TOO_DEEP, letter_of
from tests.support.parcels import CONFIRMATION, UNSUBSCRIBE_LINK, issue, listed, parcel
from tests.support.postmark_server import CLOSE, RESET, SILENT, Answer, PostmarkServer, Received
from tests.support.smtp_server import certificate
from zero2prod_core.domain.deliveries import (
    Deferred,
    Outcome,
    Rejected,
    Reply,
    Scope,
    SenderFault,
    Sent,
    Throttled,
    Uncertain,
)
from zero2prod_core.errors import Defect, StoreUnavailable
from zero2prod_core.ports.mailer import Parcel

TOKEN = "11111111-2222-3333-4444-555555555555"
TAKEN = Sent(Reply(0, "OK"))


@pytest.fixture
async def server() -> AsyncIterator[PostmarkServer]:
    async with PostmarkServer() as server:
        yield server


def mailer(
    server: PostmarkServer,
    *,
    batch: int = 50,
    connections: int = 1,
    patience: float = 20,
    context: ssl.SSLContext | None = None,
) -> PostmarkMailer:
    account = PostmarkAccount(server.url, TOKEN)
    return PostmarkMailer(account, batch=batch, connections=connections, time_limit=patience, context=context)


def parcels(count: int) -> list[Parcel]:
    return [parcel(to=f"reader{number}@example.com") for number in range(count)]


async def outcomes(sender: PostmarkMailer, *sent: Parcel) -> list[Outcome]:
    """Send these, and say what came of each in the order of the reports."""
    desk = RecordingDesk(sent)
    await sender.run(desk)
    return desk.outcomes


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class TestRequests:
    async def test_one_message_goes_by_itself(self, server: PostmarkServer) -> None:
        assert await outcomes(mailer(server), parcel(issue("Hé", "text", "<p>html</p>"))) == [TAKEN]
        [request] = server.requests
        assert (request.path, request.token) == ("/email", TOKEN)
        [message] = request.messages
        assert (message["To"], message["Subject"]) == ("ursula@example.com", "Hé")
        assert message["TextBody"] == "text"
        assert "<body>\n<p>html</p>\n" in message["HtmlBody"]

    async def test_two_or_more_go_together_over_one_kept_connection(self, server: PostmarkServer) -> None:
        sent = parcels(7)
        assert await outcomes(mailer(server, batch=3), *sent) == [TAKEN] * 7
        assert [(request.path, len(request.messages)) for request in server.requests] == [
            ("/email/batch", 3),
            ("/email/batch", 3),
            ("/email", 1),
        ]
        assert [message["To"] for message in server.messages] == [each.delivery.email.text for each in sent]
        assert len({request.connection for request in server.requests}) == 1

    async def test_a_confirmation_goes_by_the_stream_for_what_one_person_waits_for(
        self, server: PostmarkServer
    ) -> None:
        await outcomes(mailer(server), parcel(CONFIRMATION), parcel())
        assert [message["MessageStream"] for message in server.messages] == ["outbound", "broadcast"]

    async def test_large_messages_share_no_request(
        self, server: PostmarkServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postmark, "MOST_BYTES", 25_000)
        large = issue(text="x" * 10_000)
        sent = [parcel(large, f"reader{number}@example.com") for number in range(5)]
        assert await outcomes(mailer(server), *sent) == [TAKEN] * 5
        assert [len(request.messages) for request in server.requests] == [2, 2, 1]

    async def test_a_message_that_is_too_large_for_any_is_sent_alone(
        self, server: PostmarkServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postmark, "MOST_BYTES", 100)
        assert await outcomes(mailer(server), *parcels(2)) == [TAKEN] * 2
        assert [request.path for request in server.requests] == ["/email"] * 2

    async def test_https_is_checked(self) -> None:
        async with PostmarkServer(tls=certificate().server) as server:
            assert await outcomes(mailer(server, context=certificate().client), parcel()) == [TAKEN]
            [outcome] = await outcomes(mailer(server), parcel())
        assert isinstance(outcome, Throttled)
        assert "certificate" in outcome.reply.text.lower()
        assert len(server.requests) == 1


class TestTheOrderOfThings:
    async def test_marks_are_asked_for_together_with_the_reports_that_are_due(self, server: PostmarkServer) -> None:
        sent = parcels(4)
        desk = RecordingDesk(sent)
        await mailer(server, batch=2).run(desk)
        assert desk.settled == [
            ((), (sent[0].mark, sent[1].mark)),
            ((sent[0].report(TAKEN), sent[1].report(TAKEN)), (sent[2].mark, sent[3].mark)),
            ((sent[2].report(TAKEN), sent[3].report(TAKEN)), ()),
        ]

    async def test_no_request_leaves_before_its_marks_and_the_last_ones_reports(self, server: PostmarkServer) -> None:
        desk = RecordingDesk(parcels(6))
        books: list[tuple[int, int]] = []

        def look(_request: Received) -> None:
            books.append((len(desk.marks), len(desk.reports)))

        server.at_request = look
        await mailer(server, batch=2).run(desk)
        assert books == [(2, 0), (4, 2), (6, 4)]

    async def test_a_message_whose_mark_is_refused_is_left_out(self, server: PostmarkServer) -> None:
        first, refused, last = parcels(3)
        desk = RecordingDesk([first, refused, last])
        desk.refused = {refused.delivery.key.recipient}
        await mailer(server).run(desk)
        assert desk.reports == [first.report(TAKEN), last.report(TAKEN)]
        assert [message["To"] for message in server.messages] == ["reader0@example.com", "reader2@example.com"]

    async def test_where_all_are_refused_nothing_is_asked(self, server: PostmarkServer) -> None:
        desk = RecordingDesk(sent := parcels(2))
        desk.refused = {each.delivery.key.recipient for each in sent}
        await mailer(server).run(desk)
        assert (desk.reports, server.requests) == ([], [])

    async def test_a_report_does_not_wait_for_a_parcel(self, server: PostmarkServer) -> None:
        desk = RecordingDesk(parcels(1), closed=False)
        running = asyncio.create_task(mailer(server).run(desk))
        assert await desk.reported(1) == [TAKEN]
        await desk.close()
        await running

    async def test_a_letter_that_is_no_mail_stops_no_other(self, server: PostmarkServer) -> None:
        broken = parcel(issue("line\nbreak"))
        desk = RecordingDesk([broken, *parcels(2)])
        await mailer(server).run(desk)
        assert sorted(type(outcome).__name__ for outcome in desk.outcomes) == ["SenderFault", "Sent", "Sent"]
        assert broken.mark not in desk.marks

    async def test_a_letter_that_cannot_be_read_stops_no_other(self, server: PostmarkServer) -> None:
        broken = parcel(letter_of(TOO_DEEP))
        desk = RecordingDesk([broken, *parcels(2)])
        await mailer(server).run(desk)
        assert sorted(type(outcome).__name__ for outcome in desk.outcomes) == ["SenderFault", "Sent", "Sent"]
        assert broken.mark not in desk.marks

    async def test_a_desk_that_fails_ends_the_mailer_with_its_own_error(self, server: PostmarkServer) -> None:
        class Failing(RecordingDesk):
            async def settle(self, *_: object) -> list[bool]:
                raise StoreUnavailable

        with pytest.raises(StoreUnavailable):
            await mailer(server, connections=2).run(Failing(parcels(3)))
        assert server.requests == []


class TestLanes:
    async def test_an_urgent_mail_waits_behind_no_issue(self, server: PostmarkServer) -> None:
        server.hold = held = asyncio.Event()
        desk = RecordingDesk(parcels(5), closed=False)
        running = asyncio.create_task(mailer(server, connections=2).run(desk))
        await server.received(1)
        server.hold = None
        await desk.put(parcel(CONFIRMATION, "urgent@example.com"))
        await desk.reported(1)
        assert server.messages[-1]["To"] == "urgent@example.com"
        held.set()
        await desk.close()
        await running
        assert len(desk.outcomes) == 6

    @pytest.mark.parametrize("numbers", [{"connections": 0}, {"batch": 0}])
    def test_there_is_at_least_one(self, server: PostmarkServer, numbers: dict[str, int]) -> None:
        with pytest.raises(Defect):
            mailer(server, batch=numbers.get("batch", 1), connections=numbers.get("connections", 1))


async def test_each_message_of_a_batch_has_its_own_answer(server: PostmarkServer) -> None:
    server.codes = {"reader1@example.com": 406, "reader2@example.com": 300, "reader3@example.com": 405}
    sent = parcels(5)
    desk = RecordingDesk(sent)
    await mailer(server).run(desk)
    dead = Rejected(Reply(406, "refused with 406"), suppress=True)
    invalid, ours = Rejected(Reply(300, "refused with 300")), SenderFault(Reply(405, "refused with 405"))
    expected: list[Outcome] = [TAKEN, dead, invalid, ours, TAKEN]
    assert desk.reports == [each.report(outcome) for each, outcome in zip(sent, expected, strict=True)]


@pytest.mark.parametrize(("code", "kind"), [(406, Rejected), (300, Rejected), (400, SenderFault), (999, Deferred)])
async def test_so_has_a_single_one(server: PostmarkServer, code: int, kind: type[Outcome]) -> None:
    server.codes["ursula@example.com"] = code
    [outcome] = await outcomes(mailer(server), parcel())
    assert (type(outcome), outcome.reply) == (kind, Reply(code, f"refused with {code}"))


ANSWERS = [
    ("401", Answer.of({"ErrorCode": 10, "Message": "No token"}, 401), SenderFault),
    ("403 of a proxy", Answer(403, b"<html>Forbidden</html>"), SenderFault),
    ("404", Answer(404, b"nothing here"), SenderFault),
    ("429", Answer(429), Throttled),
    ("503", Answer(503, b"<html>away</html>"), Throttled),
    ("500", Answer.of({"ErrorCode": 100, "Message": "oh"}, 500), Uncertain),
    ("502", Answer(502), Uncertain),
    ("elsewhere", Answer(307, headers={"Location": "/email"}), SenderFault),
    ("empty", Answer(), Uncertain),
    ("no JSON", Answer(body=b"OK"), Uncertain),
    ("no UTF-8", Answer(body=b'{"ErrorCode":0,"Message":"\xff"}'), Uncertain),
    ("too deep", Answer(body=b"[" * 100_000), Uncertain),
    ("endless", Answer(body=b" " * LONGEST_ANSWER + b'{"ErrorCode":0,"Message":"OK"}'), Uncertain),
    ("a number", Answer.of(0), Uncertain),
    ("no code", Answer.of({"Message": "OK"}), Uncertain),
    ("no whole code", Answer.of({"ErrorCode": 0.0, "Message": "OK"}), Uncertain),
    ("truth", Answer.of({"ErrorCode": False, "Message": "OK"}), Uncertain),
    ("a huge code", Answer.of({"ErrorCode": 2**60, "Message": "OK"}), Uncertain),
    ("compressed", Answer(body=b"\x1f\x8b", headers={"Content-Encoding": "gzip"}), Uncertain),
    ("reset", RESET, Uncertain),
    ("closed", CLOSE, Uncertain),
    ("silent", SILENT, Uncertain),
]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("answer", "kind"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
async def test_what_the_server_answers_decides_and_never_raises(
    server: PostmarkServer, answer: Answer | str, kind: type[Outcome], count: int
) -> None:
    server.script.append(answer)
    desk = RecordingDesk(parcels(count))
    await mailer(server, patience=0.2 if answer == SILENT else 20).run(desk)
    assert [type(outcome) for outcome in desk.outcomes] == [kind] * count
    assert len(desk.marks) == count
    assert len(server.requests) == 1


class TestBatchesAnsweredAsAWhole:
    @pytest.mark.parametrize("results", [0, 1, 2, 4])
    async def test_a_wrong_number_of_results_says_nothing(self, server: PostmarkServer, results: int) -> None:
        server.script.append(Answer.of([{"ErrorCode": 0, "Message": "OK"}] * results))
        found = await outcomes(mailer(server), *parcels(3))
        assert found == [Uncertain(Reply(None, f"{results} results came for 3 messages"))] * 3

    async def test_a_result_that_cannot_be_read_leaves_the_others_alone(self, server: PostmarkServer) -> None:
        server.script.append(Answer.of([{"ErrorCode": 0, "Message": "OK"}, "OK", None]))
        assert [type(each) for each in await outcomes(mailer(server), *parcels(3))] == [Sent, Uncertain, Uncertain]

    @pytest.mark.parametrize(
        ("status", "code", "kind"), [(422, 300, Deferred), (422, 406, Deferred), (200, 0, Uncertain)]
    )
    async def test_one_verdict_for_all_blames_and_accepts_nobody(
        self, server: PostmarkServer, status: int, code: int, kind: type[Deferred | Uncertain]
    ) -> None:
        server.script.append(Answer.of({"ErrorCode": code, "Message": "all of it"}, status))
        assert await outcomes(mailer(server), *parcels(3)) == [kind(Reply(code, "all of it"))] * 3

    async def test_what_is_too_large_goes_in_smaller_requests(
        self, server: PostmarkServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "REST", 0.0)
        server.script.append(Answer(413))
        assert [type(each) for each in await outcomes(mailer(server, batch=4), *parcels(8))] == [Throttled] * 4 + [
            Sent
        ] * 4
        assert [len(request.messages) for request in server.requests] == [4, 2, 2]

    async def test_and_in_larger_ones_again_after_some_were_taken(
        self, server: PostmarkServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "REST", 0.0)
        monkeypatch.setattr(postmark, "TAKEN_BEFORE_MORE", 2)
        server.script.append(Answer(413))
        found = await outcomes(mailer(server, batch=4), *parcels(20))
        assert [type(each) for each in found] == [Throttled] * 4 + [Sent] * 16
        assert [len(request.messages) for request in server.requests] == [4, 2, 2, 4, 4, 4]

    async def test_even_the_smallest_requests_are_followed_by_larger_ones(
        self, server: PostmarkServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "REST", 0.0)
        monkeypatch.setattr(postmark, "TAKEN_BEFORE_MORE", 4)
        server.script += [Answer(413)] * 2
        found = await outcomes(mailer(server, batch=4), *parcels(16))
        assert [type(each) for each in found] == [Throttled] * 6 + [Sent] * 10
        assert [len(request.messages) for request in server.requests] == [4, 2, 1, 1, 1, 1, 2, 2, 2]

    async def test_a_message_that_is_too_large_by_itself_is_refused(self, server: PostmarkServer) -> None:
        server.script.append(Answer(413))
        assert await outcomes(mailer(server), parcel()) == [Rejected(Reply(413, "HTTP 413"))]


class TestApiAway:
    async def test_a_refused_connection_holds_every_mail_back(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            account = PostmarkAccount(f"http://127.0.0.1:{unused.getsockname()[1]}", TOKEN)
            found = await outcomes(PostmarkMailer(account, batch=2, time_limit=20), *parcels(5))
        assert [type(outcome) for outcome in found] == [Throttled] * 5
        assert TOKEN not in repr(found) + repr(account)

    async def test_it_is_not_asked_again_for_each_mail(self, server: PostmarkServer) -> None:
        server.script += [Answer(503) for _ in range(25)]
        desk = RecordingDesk(parcels(50))
        await mailer(server, batch=2).run(desk)
        assert desk.outcomes == [Throttled(Reply(503, "HTTP 503"), Scope.RELAY)] * 50
        assert len(server.requests) <= 3
        assert len(desk.marks) < 50
        assert max(len(reports) for reports, _ in desk.settled) <= 4

    async def test_it_is_asked_again_a_moment_later(
        self, server: PostmarkServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "REST", 0.0)
        server.script.append(Answer(429))
        found = await outcomes(mailer(server, batch=1), *parcels(2))
        assert [type(outcome) for outcome in found] == [Throttled, Sent]


class TestCancelling:
    async def test_a_request_without_an_answer_leaves_its_mails_uncertain(self, server: PostmarkServer) -> None:
        server.script.append(SILENT)
        desk = RecordingDesk(parcels(3))
        running = asyncio.create_task(mailer(server).run(desk))
        await server.received(1)
        await cancelled(running)
        assert [type(outcome) for outcome in desk.outcomes] == [Uncertain] * 3

    async def test_without_a_connection_nothing_was_sent(self) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(1)
            account = PostmarkAccount(f"https://127.0.0.1:{full.getsockname()[1]}", TOKEN)
            desk = RecordingDesk(parcels(1))
            running = asyncio.create_task(PostmarkMailer(account, connections=1).run(desk))
            await desk.marked(1)
            await cancelled(running)
        assert [type(outcome) for outcome in desk.outcomes] == [Throttled]

    async def test_while_the_store_is_away_nothing_is_sent(
        self, server: PostmarkServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lanes, "LAST_REPORT", 0.05)
        desk = RecordingDesk(parcels(2), closed=False)
        desk.open_for_settling.clear()
        running = asyncio.create_task(mailer(server).run(desk))
        await cancelled(running)
        assert (desk.settled, server.requests) == ([], [])


async def test_an_issues_list_fields_reach_the_api(server: PostmarkServer) -> None:
    sent = listed(parcel())
    await outcomes(mailer(server), sent)
    [message] = server.messages
    fields = dict(message.headers)
    assert len(fields) == len(message.headers)
    assert fields["List-Unsubscribe"] == f"<{UNSUBSCRIBE_LINK}>"
    assert fields["Message-ID"] == sent.message_id
    assert UNSUBSCRIBE_LINK in message["TextBody"]
