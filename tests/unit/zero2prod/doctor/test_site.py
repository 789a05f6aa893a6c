import asyncio

import attrs
import pytest
from aiohttp import web

from tests.support.patients import PUBLIC, patient
from tests.support.sites import answering
from zero2prod.doctor import asking, site
from zero2prod.doctor.findings import Level
from zero2prod.settings import HttpSettings
from zero2prod.settings_limits import LimitSettings

PLAIN = HttpSettings(base_url="http://news.example.org")


async def ours(_: web.Request) -> web.Response:
    return web.Response(headers={"X-Request-Id": "1"})


class TestPublicUrl:
    @pytest.mark.parametrize(
        ("http", "level", "said"),
        [
            (HttpSettings(), Level.OK, "for this machine alone"),
            (PUBLIC, Level.OK, "private by TLS"),
            (PLAIN, Level.ERROR, "nobody can log in"),
            (HttpSettings(base_url="http://news.example.org", cookie_secure=False), Level.WARNING, "can be read"),
        ],
    )
    async def test_strangers_are_met_over_https(self, http: HttpSettings, level: Level, said: str) -> None:
        verdict = await site.public_url(patient(http))
        assert verdict.level is level
        assert said in verdict.says
        assert ("https://" in verdict.remedy) == (level is not Level.OK)


class TestSite:
    async def test_ours_is_recognised(self) -> None:
        async with answering(ours) as url:
            verdict = await site.site(patient(HttpSettings(base_url=url)))
        assert (verdict.level, verdict.says) == (Level.OK, f"{url} answers")

    @pytest.mark.parametrize(
        "reply",
        [
            {"status": 200, "text": "It works!", "headers": {"X-Request-Id": "1"}},
            {"status": 200},
            {"status": 404, "headers": {"X-Request-Id": "1"}},
            {"status": 301, "headers": {"Location": "https://elsewhere.example.org/", "X-Request-Id": "1"}},
        ],
    )
    async def test_another_programs_answer_is_a_warning(self, reply: dict[str, object]) -> None:
        async def theirs(_: web.Request) -> web.Response:
            return web.Response(**reply)  # type: ignore[arg-type] # the parameters above, whatever their types

        async with answering(theirs) as url:
            verdict = await site.site(patient(HttpSettings(base_url=url)))
        assert verdict.level is Level.WARNING
        assert f"answers {reply['status']}, but not as this service does" in verdict.says

    @pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.test"])
    async def test_no_answer_is_a_warning_with_its_reason(self, url: str) -> None:
        verdict = await site.site(patient(HttpSettings(base_url=url)))
        assert verdict.level is Level.WARNING
        assert "does not answer from here (" in verdict.says
        assert "zero2prod serve" in verdict.remedy

    async def test_a_wrong_certificate_is_told(self) -> None:
        async with answering(ours, tls=True) as url:
            verdict = await site.site(patient(HttpSettings(base_url=url)))
        assert verdict.level is Level.WARNING
        assert verdict.says.endswith("(its certificate is not valid: self-signed certificate)")
        assert verdict.remedy.startswith("Name the host as its certificate does in ZERO2PROD_HTTP_BASE_URL")

    async def test_a_silent_server_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def silent(request: web.Request) -> web.Response:
            await asyncio.Event().wait()
            return web.Response()

        monkeypatch.setattr(asking, "ANSWERS_WITHIN", 0.1)
        async with answering(silent) as url:
            verdict = await site.site(patient(HttpSettings(base_url=url)))
        assert "no answer within 0.1 s" in verdict.says


class TestLimits:
    async def test_all_is_well_with_those_that_come_with_the_program(self) -> None:
        for http in (
            HttpSettings(),
            attrs.evolve(PUBLIC, trusted_proxies="127.0.0.1"),
            attrs.evolve(PUBLIC, host="::"),
        ):
            assert (await site.limits(patient(http))).level is Level.OK

    async def test_behind_a_proxy_that_is_not_named_all_visitors_count_as_one(self) -> None:
        verdict = await site.limits(patient(PUBLIC))
        assert verdict.level is Level.WARNING
        assert "count as one" in verdict.says
        assert "ZERO2PROD_HTTP_TRUSTED_PROXIES" in verdict.remedy

    @pytest.mark.parametrize(
        ("limits", "names"),
        [
            (LimitSettings(enabled=False), "ZERO2PROD_LIMITS_ENABLED"),
            (LimitSettings(email="off", notice="off"), "ZERO2PROD_LIMITS_NOTICE, ZERO2PROD_LIMITS_EMAIL"),
        ],
    )
    async def test_those_that_are_off_are_named(self, limits: LimitSettings, names: str) -> None:
        usual = patient()
        verdict = await site.limits(attrs.evolve(usual, settings=attrs.evolve(usual.settings, limits=limits)))
        assert (verdict.level, verdict.says) == (Level.WARNING, f"off by {names}")
