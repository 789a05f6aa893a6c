"""The SMTP mailer against a real server: what goes over the wire, and what the server's answers do."""

from collections.abc import AsyncIterator

import pytest

from adapters_email import dialogue
from adapters_email.smtp import SmtpMailer
from adapters_email.smtp_url import SmtpUrl
from tests.support.desks import RecordingDesk
from tests.support.parcels import issue, parcel, parsed, words
from tests.support.smtp_server import DROP, SILENT, SmtpServer, certificate
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
from zero2prod_core.ports.mailer import Parcel
from zero2prod_core.ports.telemetry import Distribution

QUEUED = Sent(Reply(250, "2.0.0 queued"))


@pytest.fixture(params=[False, True], ids=["step by step", "pipelining"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[SmtpServer]:
    async with SmtpServer(pipelining=request.param) as server:
        yield server


def mailer(server: SmtpServer, options: str = "", *, user: str = "", patience: float = 20) -> SmtpMailer:
    url = server.url.replace("//", f"//{user}@") if user else server.url
    return SmtpMailer(SmtpUrl.parse(url + options), connections=1, time_limit=patience, context=certificate().client)


def parcels(count: int) -> list[Parcel]:
    return [parcel(to=f"reader{number}@example.com") for number in range(count)]


async def outcomes(sender: SmtpMailer, *sent: Parcel) -> list[Outcome]:
    """Send these, and say what came of each in the order of the reports."""
    desk = RecordingDesk(sent)
    await sender.run(desk)
    return desk.outcomes


def counted(sender: SmtpMailer) -> dict[str, int]:
    """Step → how many answers there were."""
    values = {reading.labels["step"]: reading.value for reading in sender.waits.readings()}
    counts = {step: sum(value.counts) for step, value in values.items() if isinstance(value, Distribution)}
    return {step: count for step, count in counts.items() if count}


class TestHowLongItTook:
    async def test_every_answer_counts_with_its_step(self, server: SmtpServer) -> None:
        sender = mailer(server)
        assert await outcomes(sender, *parcels(5)) == [QUEUED] * 5
        steps = {"connect": 1, "greeting": 1, "ehlo": 1, "mail": 5, "rcpt": 5, "data": 5, "end": 5, "quit": 1}
        assert counted(sender) == steps

    async def test_so_do_tls_and_the_login(self) -> None:
        async with SmtpServer(starttls=certificate().server, password="secret") as server:
            sender = mailer(server, "?tls=starttls", user="me:secret")
            assert await outcomes(sender, parcel()) == [QUEUED]
        seen = counted(sender)
        assert {step: seen[step] for step in ("starttls", "tls", "ehlo", "auth")} == {
            "starttls": 1,
            "tls": 1,
            "ehlo": 2,
            "auth": 1,
        }


class TestWhatArrives:
    async def test_mails_share_one_kept_connection_and_say_goodbye(self, server: SmtpServer) -> None:
        sent = parcels(20)
        assert await outcomes(mailer(server), *sent) == [QUEUED] * 20
        assert [mail.recipient for mail in server.mails] == [each.delivery.email.text for each in sent]
        assert {mail.sender for mail in server.mails} == {"daily@news.example.com"}
        assert server.connections == 1
        assert server.verbs[-1] == "QUIT"

    async def test_the_published_words_arrive(self, server: SmtpServer) -> None:
        text = ".\n..\n.a\nこんにちは\n" + "long " * 20_000 + "\nend"
        html = "<p>\n.\n</p>" + "<b>x</b>" * 70_000
        await outcomes(mailer(server), parcel(issue("🎉 Grüße", text, html)))
        message = parsed(server.mails[0].content)
        assert message["Subject"] == "🎉 Grüße"
        assert words(message, "plain").replace("\r\n", "\n") == text
        assert html in words(message, "html").replace("\r\n", "\n")

    async def test_the_size_is_told_beforehand(self, server: SmtpServer) -> None:
        await outcomes(mailer(server), parcel())
        assert server.mails[0].options == [f"SIZE={len(server.mails[0].content)}"]

    async def test_smtputf8_is_used_where_it_is_needed(self) -> None:
        async with SmtpServer(smtputf8=True) as server:
            await outcomes(mailer(server), parcel(to="jürgen@münchen.de"), parcel())
        assert [mail.recipient for mail in server.mails] == ["jürgen@xn--mnchen-3ya.de", "ursula@example.com"]
        assert ["SMTPUTF8" in mail.options for mail in server.mails] == [True, False]

    async def test_who_needs_smtputf8_where_it_is_not_offered_is_rejected(self, server: SmtpServer) -> None:
        first, second = await outcomes(mailer(server), parcel(to="jürgen@example.com"), parcel())
        assert isinstance(first, Rejected)
        assert "SMTPUTF8" in first.reply.text
        assert not first.suppress
        assert second == QUEUED
        assert server.verbs.count("MAIL") == 1

    async def test_a_letter_that_is_no_mail_does_not_stop_the_others(self, server: SmtpServer) -> None:
        first, second = await outcomes(mailer(server), parcel(issue("line\nbreak")), parcel())
        assert isinstance(first, SenderFault)
        assert second == QUEUED


class TestPrivacy:
    @pytest.mark.parametrize("pipelining", [False, True])
    async def test_starttls(self, *, pipelining: bool) -> None:
        async with SmtpServer(starttls=certificate().server, pipelining=pipelining) as server:
            assert await outcomes(mailer(server, "?tls=starttls"), *parcels(9)) == [QUEUED] * 9
        assert server.verbs[:4] == ["CONNECT", "EHLO", "STARTTLS", "EHLO"]

    @pytest.mark.parametrize("pipelining", [False, True])
    async def test_implicit_tls(self, *, pipelining: bool) -> None:
        async with SmtpServer(implicit=certificate().server, pipelining=pipelining) as server:
            assert await outcomes(mailer(server, "?tls=implicit"), *parcels(9)) == [QUEUED] * 9

    @pytest.mark.parametrize("tls", ["starttls", "implicit"])
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"], ids=["unknown issuer", "another host's"])
    async def test_a_wrong_certificate_gets_no_mail(self, tls: str, host: str) -> None:
        context = certificate(host).server
        client = certificate("127.0.0.3" if host == "127.0.0.1" else host).client
        starttls, implicit = (context, None) if tls == "starttls" else (None, context)
        async with SmtpServer(starttls=starttls, implicit=implicit) as server:
            sender = SmtpMailer(SmtpUrl.parse(f"{server.url}?tls={tls}"), connections=1, context=client)
            [outcome] = await outcomes(sender, parcel())
        assert isinstance(outcome, Throttled)
        assert "certificate verify failed" in outcome.reply.text
        assert server.mails == []

    async def test_a_server_without_starttls_gets_no_mail(self, server: SmtpServer) -> None:
        [outcome] = await outcomes(mailer(server, "?tls=starttls"), parcel())
        assert outcome == Throttled(Reply(None, "the server does not offer STARTTLS"), Scope.RELAY)
        assert "MAIL" not in server.verbs

    async def test_plain_text_smuggled_in_before_tls_is_noticed(self) -> None:
        async with SmtpServer(starttls=certificate().server) as server:
            server.script["STARTTLS"].append("220 go on\r\n250 injected")
            [outcome] = await outcomes(mailer(server, "?tls=starttls"), parcel())
        assert outcome == Throttled(Reply(None, "the server sent plain text after its agreement to TLS"), Scope.RELAY)

    async def test_a_server_that_agrees_to_tls_and_does_not_speak_it(self) -> None:
        async with SmtpServer(starttls=certificate().server) as server:
            server.script["STARTTLS"].append("220 go on")
            [outcome] = await outcomes(mailer(server, "?tls=starttls"), parcel())
        assert isinstance(outcome, Throttled)
        assert outcome.reply.code is None


class TestLogin:
    @pytest.mark.parametrize(("without", "mechanism"), [((), "PLAIN"), (("PLAIN",), "LOGIN")])
    async def test_the_mailer_logs_in(self, without: tuple[str, ...], mechanism: str) -> None:
        async with SmtpServer(password="p@ss wörd", without=without) as server:
            sender = mailer(server, user="me%40example.com:p%40ss%20w%C3%B6rd")
            assert await outcomes(sender, *parcels(2)) == [QUEUED] * 2
        assert server.logins == [(mechanism, b"me@example.com", "p@ss wörd".encode())]

    async def test_over_tls(self) -> None:
        async with SmtpServer(password="secret", starttls=certificate().server) as server:
            assert await outcomes(mailer(server, "?tls=starttls", user="me:secret"), parcel()) == [QUEUED]

    async def test_a_wrong_password_is_our_own_fault_and_is_shown_nowhere(self) -> None:
        async with SmtpServer(password="secret") as server:
            [outcome] = await outcomes(mailer(server, user="me:hunter2"), parcel())
        assert isinstance(outcome, SenderFault)
        assert outcome.reply.code == 535
        assert "hunter2" not in repr(outcome)

    @pytest.mark.parametrize(
        ("without", "replies", "told"),
        [
            ((), ["535 no: AUTH PLAIN AG1lAGh1bnRlcjI= is me:hunter2"], SenderFault(Reply(535, "login refused"))),
            ((), ["334 AG1lAGh1bnRlcjI="], Throttled(Reply(334, "login refused"), Scope.RELAY)),
            (
                (),
                ["AUTH PLAIN AG1lAGh1bnRlcjI="],
                Throttled(Reply(None, "the server sent what is no reply"), Scope.RELAY),
            ),
            (
                ("PLAIN",),
                ["535 bWU= is me"],
                SenderFault(Reply(535, "login refused")),
            ),
            (
                ("PLAIN",),
                ["334 UGFzcw==\r\n334 aHVudGVyMg==\r\n535 aHVudGVyMg=="],
                Throttled(Reply(None, "the server said something that nobody asked for"), Scope.RELAY),
            ),
            (
                (),
                ["235 welcome\r\nyou are hunter2"],
                Throttled(Reply(None, "the server said something that nobody asked for"), Scope.RELAY),
            ),
        ],
        ids=["refused", "asked again", "no reply", "login", "too many replies", "more than a welcome"],
    )
    async def test_a_server_that_repeats_the_password_is_not_quoted(
        self, without: tuple[str, ...], replies: list[str], told: Outcome
    ) -> None:
        async with SmtpServer(password="secret", without=without) as server:
            server.script["AUTH"].extend(replies)
            [outcome] = await outcomes(mailer(server, user="me:hunter2"), parcel())
        assert outcome == told

    async def test_a_server_that_wants_no_login_is_not_the_one_we_meant(self, server: SmtpServer) -> None:
        [outcome] = await outcomes(mailer(server, user="me:secret"), parcel())
        assert outcome == Throttled(Reply(None, "the server offers neither AUTH PLAIN nor AUTH LOGIN"), Scope.RELAY)


RELAY_ANSWERS = [
    ("CONNECT", "554 5.3.2 no service", SenderFault),
    ("CONNECT", "421 4.3.2 busy", Throttled),
    ("CONNECT", "HTTP/1.1 400 Bad Request", Throttled),
    ("CONNECT", "220" + "-x" * 40_000, Throttled),
    ("CONNECT", DROP, Throttled),
    ("CONNECT", SILENT, Throttled),
    ("EHLO", "502 5.5.1 what?", SenderFault),
    ("EHLO", "250-relay.test\r\n251 two codes", Throttled),
    ("MAIL", "451 4.3.0 later", Throttled),
    ("MAIL", "553 5.1.7 not you", SenderFault),
    ("MAIL", "552 5.3.4 too big", Rejected),
    ("MAIL", DROP, Throttled),
    ("RCPT", "421 4.3.2 closing", Throttled),
    ("RCPT", "550 5.1.1 nobody here", Rejected),
    ("RCPT", "550-5.7.1 no\r\n550 5.7.1 really", Rejected),
    ("RCPT", "452 4.2.2 full", Deferred),
    ("RCPT", "354 what?", Deferred),
    ("RCPT", DROP, Deferred),
    ("RCPT", SILENT, Deferred),
    ("DATA", "421 4.3.2 closing", Throttled),
    ("DATA", "451 4.3.0 later", Deferred),
    ("DATA", "554 5.7.1 no", Rejected),
    ("DATA", "250 what?", Deferred),
    ("DATA", DROP, Deferred),
    ("DATA", SILENT, Deferred),
    ("END", "554 5.7.1 spam", Rejected),
    ("END", "451 4.3.0 later", Deferred),
    ("END", "garbage", Uncertain),
    ("END", DROP, Uncertain),
    ("END", SILENT, Uncertain),
]


@pytest.mark.parametrize(("verb", "answer", "kind"), RELAY_ANSWERS, ids=lambda value: str(value)[:30])
async def test_what_the_server_answers_decides(server: SmtpServer, verb: str, answer: str, kind: type[Outcome]) -> None:
    server.script[verb].append(answer)
    patience = 1 if answer == SILENT else 20
    desk = RecordingDesk([parcel()])
    await mailer(server, patience=patience).run(desk)
    [outcome] = desk.outcomes
    assert type(outcome) is kind
    marked = {"MAIL", "RCPT", "DATA", "END"} if server.pipelining else {"DATA", "END"}
    assert len(desk.marks) == (verb in marked)
    assert len(server.mails) == (verb == "END")


@pytest.mark.parametrize(
    ("verb", "answer"),
    [("RCPT", "550 no"), ("RCPT", DROP), ("DATA", "554 no"), ("END", "554 no"), ("END", DROP), ("MAIL", "552 too big")],
)
async def test_the_next_mail_goes_out(server: SmtpServer, verb: str, answer: str) -> None:
    server.script[verb].append(answer)
    first, second = parcels(2)
    desk = RecordingDesk([first, second])
    await mailer(server).run(desk)
    assert desk.reports[1] == second.report(QUEUED)
    assert server.mails[-1].recipient == second.delivery.email.text


class TestBody:
    LARGE = issue(text="x" * 70 + "\n" + ("y" * 70 + "\n") * 150_000)

    async def test_a_server_that_leaves_in_the_middle_of_a_mail_did_not_take_it(self, server: SmtpServer) -> None:
        server.script["BODY"].append(DROP)
        [outcome] = await outcomes(mailer(server), parcel(self.LARGE))
        assert isinstance(outcome, Deferred)
        assert outcome.reply.code is None

    async def test_nor_does_one_that_says_so(self, server: SmtpServer) -> None:
        server.script["BODY"].append("452 4.3.1 disk full")
        first, second = await outcomes(mailer(server), parcel(self.LARGE), parcel())
        assert isinstance(first, Deferred)
        assert second == QUEUED
        assert server.connections == 2

    async def test_nor_one_that_stops_reading(self, server: SmtpServer) -> None:
        server.script["BODY"].append(SILENT)
        [outcome] = await outcomes(mailer(server, patience=0.2), parcel(self.LARGE))
        assert isinstance(outcome, Deferred)

    async def test_what_our_own_buffers_still_hold_was_not_taken_either(
        self, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dialogue, "BLOCK", 100_000_000)
        server.script["BODY"].append(SILENT)
        [outcome] = await outcomes(mailer(server, patience=0.2), parcel(self.LARGE))
        assert isinstance(outcome, Deferred)
        assert outcome.reply.code is None

    async def test_a_mail_that_waited_in_our_buffers_is_taken_when_they_are_empty(
        self, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(dialogue, "BLOCK", 100_000_000)
        assert await outcomes(mailer(server), parcel(self.LARGE), parcel()) == [QUEUED] * 2
