import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.patients import PUBLIC, patient
from tests.support.sites import answering
from tests.support.smtp_server import DROP, SILENT, SmtpServer, certificate
from zero2prod.doctor import mail
from zero2prod.doctor.findings import Level, Verdict
from zero2prod.settings import HttpSettings, MailSettings, Transport


@pytest.fixture
async def server() -> AsyncIterator[SmtpServer]:
    async with SmtpServer(password="hunter2") as running:
        yield running


async def looked(url: str) -> Verdict:
    return await mail.mail_server(patient(mail=MailSettings(smtp_url=url)))


class TestSmtp:
    async def test_a_server_that_answers_is_well_and_gets_no_mail(self, server: SmtpServer) -> None:
        verdict = await looked(f"{server.url}?tls=none")
        assert (verdict.level, verdict.says) == (Level.OK, f"127.0.0.1:{server.port} answers")
        assert server.verbs == ["CONNECT", "EHLO", "QUIT"]

    async def test_it_logs_in(self, server: SmtpServer) -> None:
        verdict = await looked(server.url.replace("//", "//news:hunter2@"))
        assert verdict.level is Level.OK
        assert verdict.says.endswith("takes the login of news")
        assert server.verbs == ["CONNECT", "EHLO", "AUTH", "QUIT"]

    async def test_a_refused_login_names_the_setting_and_no_password(self, server: SmtpServer) -> None:
        verdict = await looked(server.url.replace("//", "//news:wr0ng@"))
        assert verdict.level is Level.ERROR
        assert f"127.0.0.1:{server.port} takes no mail: it answered 535" in verdict.says
        assert verdict.remedy.startswith("Correct user and password in ZERO2PROD_MAIL_SMTP_URL")
        assert "wr0ng" not in str(verdict)

    async def test_a_server_that_repeats_the_password_is_not_quoted(self, server: SmtpServer) -> None:
        server.script["AUTH"].append("535 no: AUTH PLAIN AG5ld3MAd3IwbmcK")
        verdict = await looked(server.url.replace("//", "//news:wr0ng@"))
        assert verdict.says == f"127.0.0.1:{server.port} takes no mail: it answered 535 login refused"

    @pytest.mark.parametrize(
        ("verb", "reply", "said"),
        [
            ("CONNECT", "554 5.7.1 not you\r\n", "it answered 554 5.7.1 not you"),
            ("EHLO", "421 4.3.2 later\r\n", "it answered 421 4.3.2 later"),
            ("EHLO", DROP, "connection"),
            ("CONNECT", SILENT, "silent for 0.2 s"),
            ("EHLO", SILENT, "silent for 0.2 s"),
        ],
    )
    async def test_whatever_else_it_does_is_told(
        self, server: SmtpServer, verb: str, reply: str, said: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mail, "STEP_LASTS", 0.2)
        server.script[verb].append(reply.removesuffix("\r\n"))
        verdict = await looked(f"{server.url}?tls=none")
        assert verdict.level is Level.ERROR
        assert said in verdict.says
        assert verdict.remedy

    async def test_one_that_is_slow_at_every_step_is_named(
        self, server: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mail, "DIALOGUE_LASTS", 0.2)
        server.script["EHLO"].append(SILENT)
        verdict = await looked(f"{server.url}?tls=none")
        assert verdict.level is Level.ERROR
        assert verdict.says == f"127.0.0.1:{server.port} answers so slowly that after 0.2 s it was not ready for mail"
        assert "ZERO2PROD_MAIL_SMTP_URL" in verdict.remedy

    @pytest.mark.parametrize("host", ["127.0.0.1:1", "no-such-host.test:25"])
    async def test_a_server_that_is_not_there(self, host: str) -> None:
        verdict = await looked(f"smtp://{host}?tls=none")
        assert verdict.level is Level.ERROR
        assert f"{host} takes no mail: no connection" in verdict.says
        assert verdict.remedy.startswith("Start the mail server")

    async def test_starttls_where_there_is_none(self, server: SmtpServer) -> None:
        verdict = await looked(f"{server.url}?tls=starttls")
        assert verdict.says.endswith("the server does not offer STARTTLS")


class TestTls:
    @pytest.mark.parametrize("tls", ["starttls", "implicit"])
    async def test_a_certificate_that_nobody_trusts(self, tls: str) -> None:
        context = certificate().server
        starttls, implicit = (context, None) if tls == "starttls" else (None, context)
        async with SmtpServer(starttls=starttls, implicit=implicit) as server:
            verdict = await looked(f"{server.url}?tls={tls}")
            await server.emptied()
        assert verdict.level is Level.ERROR
        assert "certificate" in verdict.says.lower()
        assert "trust who signed it" in verdict.remedy

    async def test_one_that_this_machine_trusts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        trusted = tmp_path / "trusted.pem"
        trusted.write_text(pem())
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        async with SmtpServer(starttls=certificate().server) as server:
            verdict = await looked(f"{server.url}?tls=starttls")
        assert verdict.level is Level.OK
        assert server.verbs == ["CONNECT", "EHLO", "STARTTLS", "EHLO", "QUIT"]


def pem() -> str:
    """The certificate that the tests' servers show."""
    (shown,) = certificate().client.get_ca_certs(binary_form=True)
    return ssl.DER_cert_to_PEM_cert(shown)


class TestPostmark:
    async def looked(self, url: str) -> Verdict:
        settings = MailSettings(transport=Transport.POSTMARK, postmark_url=url, postmark_token="hush-hush")
        return await mail.mail_server(patient(mail=settings))

    async def test_the_token_is_tried_and_nothing_is_sent(self) -> None:
        asked: list[tuple[str, str, str]] = []

        async def server(request: web.Request) -> web.Response:
            asked.append((request.method, request.path, request.headers["X-Postmark-Server-Token"]))
            return web.json_response({"ID": 1})

        async with answering(server) as url:
            verdict = await self.looked(f"{url}/")
        assert (verdict.level, verdict.says) == (Level.OK, f"{url} takes the token")
        assert asked == [("GET", "/server", "hush-hush")]

    @pytest.mark.parametrize(
        ("status", "setting"),
        [(401, "POSTMARK_TOKEN"), (422, "POSTMARK_TOKEN"), (500, "POSTMARK_URL"), (404, "POSTMARK_URL")],
    )
    async def test_a_refusal_names_what_to_correct(self, status: int, setting: str) -> None:
        async def server(_: web.Request) -> web.Response:
            return web.Response(status=status)

        async with answering(server) as url:
            verdict = await self.looked(url)
        assert (verdict.level, verdict.says) == (Level.ERROR, f"{url} answered {status} to the token")
        assert setting in verdict.remedy
        assert "hush-hush" not in str(verdict)

    @pytest.mark.parametrize(
        "body", ["", "<!doctype html>", "[1]", "{}", '{"id": 1}', "[" * 4000, '{"ID": 1, "x": "' + "x" * 70_000 + '"}']
    )
    async def test_another_server_is_not_taken_for_postmark(self, body: str) -> None:
        async def server(_: web.Request) -> web.Response:
            return web.Response(text=body)

        async with answering(server) as url:
            verdict = await self.looked(url)
        assert (verdict.level, verdict.says) == (Level.ERROR, f"{url} answers, but is not Postmark's API")
        assert verdict.remedy == "Correct ZERO2PROD_MAIL_POSTMARK_URL"

    async def test_no_answer(self) -> None:
        verdict = await self.looked("http://127.0.0.1:1")
        assert verdict.level is Level.ERROR
        assert verdict.says == "http://127.0.0.1:1 does not answer (connection refused)"

    async def test_a_certificate_that_nobody_trusts(self) -> None:
        async def server(_: web.Request) -> web.Response:
            return web.json_response({"ID": 1})

        async with answering(server, tls=True) as url:
            verdict = await self.looked(url)
        assert verdict.level is Level.ERROR
        assert verdict.says == f"{url} does not answer (its certificate is not valid: self-signed certificate)"
        assert verdict.remedy.endswith("in ZERO2PROD_MAIL_POSTMARK_URL, or have this machine trust who signed it")


@pytest.mark.parametrize("transport", [Transport.CONSOLE, Transport.MEMORY])
async def test_mail_that_is_not_sent_is_a_warning(transport: Transport) -> None:
    verdict = await mail.mail_server(patient(mail=MailSettings(transport=transport)))
    assert verdict.level is Level.WARNING
    assert transport in verdict.says


class TestSender:
    @pytest.mark.parametrize(
        ("http", "settings", "level"),
        [
            (HttpSettings(), MailSettings(), Level.OK),
            (PUBLIC, MailSettings(), Level.OK),
            (HttpSettings(base_url="https://198.51.100.7"), MailSettings(), Level.WARNING),
            (HttpSettings(base_url="https://198.51.100.7"), MailSettings(sender="news@example.org"), Level.OK),
        ],
    )
    async def test_it_must_be_at_a_domain(self, http: HttpSettings, settings: MailSettings, level: Level) -> None:
        verdict = await mail.sender(patient(http, settings))
        assert verdict.level is level
        assert ("ZERO2PROD_MAIL_SENDER" in verdict.remedy) == (level is Level.WARNING)
