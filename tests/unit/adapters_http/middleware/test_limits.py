"""Every public route passes through the limits, each through its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network

import attrs
import orjson
import pytest
from aiohttp import web

from adapters_http.local_limits import LocalLimits
from adapters_http.middleware.limits import KINDS, Kind
from adapters_http.middleware.sessions import STAFF
from tests.support.http import CONFIG, JSON, PASSWORD, Answer, House, serving
from tests.support.outages import Outage
from zero2prod_core.domain.limits import NO_LIMITS, Limits, Rate
from zero2prod_core.errors import Defect

ONCE = Rate.parse("1/h")

ROUTES = {
    "GET /": Kind.REQUEST,
    "GET /admin": Kind.REQUEST,
    "GET /static/{name}": Kind.REQUEST,
    "GET /health_check": Kind.REQUEST,
    "GET /health/ready": Kind.REQUEST,
    "GET /metrics": Kind.REQUEST,
    "POST /subscriptions": Kind.SIGN_UP,
    "POST /subscriptions/again": Kind.SIGN_UP,
    "GET /subscriptions/confirm": Kind.REQUEST,
    "POST /subscriptions/confirm": Kind.REQUEST,
    "POST /api/v1/subscriptions": Kind.SIGN_UP,
    "OPTIONS /api/v1/subscriptions": Kind.REQUEST,
    "GET /unsubscribe/{token}": Kind.REQUEST,
    "POST /unsubscribe/{token}": Kind.UNSUBSCRIBING,
    "GET /preferences": Kind.REQUEST,
    "POST /preferences": Kind.SIGN_UP,
    "GET /preferences/{token}": Kind.REQUEST,
    "POST /preferences/{token}/name": Kind.REQUEST,
    "POST /preferences/{token}/pause": Kind.REQUEST,
    "POST /preferences/{token}/unsubscribe": Kind.UNSUBSCRIBING,
    "POST /preferences/{token}/link": Kind.SIGN_UP,
    "GET /preferences/mine/{token}": Kind.REQUEST,
    "POST /preferences/mine/{token}/name": Kind.REQUEST,
    "POST /preferences/mine/{token}/pause": Kind.REQUEST,
    "POST /preferences/mine/{token}/answers": Kind.REQUEST,
    "POST /preferences/mine/{token}/unsubscribe": Kind.UNSUBSCRIBING,
    "POST /preferences/mine/{token}/data": Kind.REQUEST,
    "GET /preferences/mine/{token}/erase": Kind.REQUEST,
    "POST /preferences/mine/{token}/erase": Kind.REQUEST,
    "GET /login": Kind.REQUEST,
    "POST /login": Kind.PASSWORD,
    "GET /setup": Kind.REQUEST,
    "POST /setup": Kind.PASSWORD,
}
"""What is public, and what limits it. A new route has to be thought about here."""

ADA = {"name": "Ada", "email": "ada@example.com"}
NOBODY = {"username": "nobody", "password": PASSWORD}
FROM_ELSEWHERE = {"X-Forwarded-For": "198.51.100.7"}


def limited(**rates: Rate | None) -> Limits:
    """Nothing is limited but what is named."""
    return attrs.evolve(NO_LIMITS, **rates)


@asynccontextmanager
async def house_with(**rates: Rate | None) -> AsyncIterator[House]:
    async with serving(attrs.evolve(CONFIG, limits=limited(**rates))) as house:
        yield house


def routes_of(house: House) -> list[web.AbstractRoute]:
    return [route for route in house.site.router.routes() if route.method not in {"HEAD", "*"} and route.resource]


def path_of(route: web.AbstractRoute) -> str:
    assert route.resource
    return route.resource.canonical


async def knock(house: House, route: str, headers: dict[str, str] | None = None) -> Answer:
    """Any request to the route."""
    method, path = route.split()
    for part in ("{token}", "{name}"):
        path = path.replace(part, "x")
    return await house.send(method, path, headers)


async def test_the_table_names_every_public_route(house: House) -> None:
    public = {f"{route.method} {path_of(route)}" for route in routes_of(house) if not path_of(route).startswith(STAFF)}
    assert public == ROUTES.keys()
    assert {route: kind for route, kind in ROUTES.items() if kind is not Kind.REQUEST} == {
        f"{method} {path}": kind for (method, path), kind in KINDS.items()
    }


async def test_every_route_is_closed_to_a_network_that_has_used_up_its_requests() -> None:
    async with house_with(request_network=ONCE, unsubscribe_network=ONCE) as house:
        await house.get("/")
        await house.post("/unsubscribe/x")
        for route in routes_of(house):
            answer = await knock(house, f"{route.method} {path_of(route)}".replace("{id}", "x").replace("{slug}", "x"))
            assert (route, answer.status) == (route, 429)
            assert 3500 < int(answer.headers["Retry-After"]) <= 3600
        assert (await house.get("/nowhere")).status == 429


async def test_unsubscribing_has_room_of_its_own() -> None:
    async with house_with(request_network=ONCE) as house:
        await house.get("/")
        refused = {route for route in ROUTES if (await knock(house, route)).status == 429}
        assert ROUTES.keys() - refused == {route for route, kind in ROUTES.items() if kind is Kind.UNSUBSCRIBING}


@pytest.mark.parametrize(
    ("rate", "kind"),
    [
        ("sign_up_network", Kind.SIGN_UP),
        ("sign_up_total", Kind.SIGN_UP),
        ("login_network", Kind.PASSWORD),
        ("login_total", Kind.PASSWORD),
    ],
)
async def test_what_the_store_refused_is_refused_at_once_on_every_route_of_its_kind(rate: str, kind: Kind) -> None:
    async with house_with(**{rate: ONCE}) as house:
        path, fields = ("/subscriptions", ADA) if kind is Kind.SIGN_UP else ("/login", NOBODY)
        assert [(await house.post(path, fields)).status == 429 for _ in range(2)] == [False, True]
        house.uow.outage = Outage.AWAY
        refused = {route for route in ROUTES if (await knock(house, route)).status == 429}
        assert refused == {route for route in ROUTES if ROUTES[route] is kind}


async def test_programs_that_sign_up_take_from_the_same_cell() -> None:
    async with house_with(sign_up_network=ONCE) as house:
        body, headers = orjson.dumps(ADA), {"Content-Type": "application/json"}
        statuses = [(await house.send("POST", "/api/v1/subscriptions", headers, body)).status for _ in range(2)]
        assert statuses == [202, 429]
        assert (await house.post("/subscriptions", ADA)).status == 429


async def test_choosing_a_password_by_a_link_counts_as_a_password() -> None:
    async with house_with(login_network=ONCE) as house:
        token = (await house.set_up_path()).partition("token=")[2]
        assert (await house.post("/login", NOBODY)).status == 303
        fields = {"token": token, "new_password": PASSWORD, "new_password_check": PASSWORD}
        answer = await house.post("/setup", fields)
        assert (answer.status, "Retry-After" in answer.headers) == (429, True)
        assert (await house.get(f"/setup?token={token}")).status == 200


async def test_a_browser_is_told_how_long_to_wait_and_a_program_in_json() -> None:
    async with house_with(request_network=ONCE) as house:
        await house.get("/")
        page = await house.get("/")
        assert "Many requests have come from your network. Try again in 60 minutes." in page.text
        assert page.headers["X-Request-Id"] in page.text
        told = orjson.loads((await house.get("/", JSON)).body)
        assert (told["status"], told["code"], told["scope"]) == (429, "limit_exceeded", "request_network")
        assert told["retry_after"] == page.headers["Retry-After"]


async def test_the_login_page_stays_where_one_is_told_to_wait() -> None:
    async with house_with(login_account=ONCE) as house:
        await house.post("/login", NOBODY)
        answer = await house.post("/login", NOBODY)
        assert answer.status == 429
        assert 'action="/login"' in answer.text
        assert 'role="alert"' in answer.text
        assert "Try again in 60 minutes." in answer.text


class TestStaff:
    async def test_is_not_counted(self) -> None:
        async with house_with(request_network=Rate.parse("3/h")) as house:
            await house.log_in()
            assert [(await house.get("/admin/dashboard")).status for _ in range(5)] == [200] * 5

    async def test_is_refused_where_visitors_have_used_up_the_network_and_no_session_is_looked_for(self) -> None:
        async with house_with(request_network=Rate.parse("5/h")) as house:
            await house.log_in()
            while (await house.get("/")).status == 200:
                pass
            house.uow.outage = Outage.AWAY
            assert (await house.get("/admin/dashboard")).status == 429

    async def test_without_a_session_counts_like_any_visitor(self) -> None:
        async with house_with(request_network=Rate.parse("2/h")) as house:
            headers = {"Cookie": f"session={'A' * 43}"}
            statuses = [(await house.get("/admin/dashboard", headers)).status for _ in range(3)]
            assert statuses == [303, 303, 429]
            assert (await house.get("/")).status == 429

    async def test_that_comes_just_too_late_is_refused_and_not_sent_to_the_login(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(LocalLimits, "look", lambda *_: None)
        async with house_with(request_network=ONCE) as house:
            assert [(await house.get("/admin/dashboard")).status for _ in range(2)] == [303, 429]


async def test_each_visitor_behind_a_trusted_proxy_is_counted_alone() -> None:
    config = attrs.evolve(CONFIG, limits=limited(request_network=ONCE), trusted_proxies=(ip_network("127.0.0.1"),))
    async with serving(config) as house:
        assert [(await house.get("/", FROM_ELSEWHERE)).status for _ in range(2)] == [200, 429]
        assert (await house.get("/", {"X-Forwarded-For": "198.51.100.8"})).status == 200


async def test_who_claims_to_be_another_is_counted_as_who_they_are() -> None:
    async with house_with(request_network=ONCE) as house:
        assert [(await house.get("/", headers)).status for headers in ({}, FROM_ELSEWHERE)] == [200, 429]


@pytest.mark.parametrize("number", [1, 2, 7])
async def test_a_whole_64_is_one_visitor_and_a_whole_48_has_its_own_limit(number: int) -> None:
    config = attrs.evolve(
        CONFIG,
        limits=limited(sign_up_network=ONCE, sign_up_site=Rate.parse("2/h")),
        trusted_proxies=(ip_network("127.0.0.1"),),
    )
    networks = [f"2001:db8:1:1::{number:x}", "2001:db8:1:1::ffff", "2001:db8:1:2::1", "2001:db8:1:3::1"]
    async with serving(config) as house:
        statuses = [
            (await house.post("/subscriptions", ADA, {"X-Forwarded-For": network})).status
            for network in (*networks, "2001:db8:2::1")
        ]
        assert statuses == [200, 429, 200, 429, 200]


@pytest.mark.parametrize(("verb", "method"), [("request", "GET"), ("unsubscribe", "POST")])
async def test_requests_from_a_48_have_a_limit_as_well(verb: str, method: str) -> None:
    rates = {f"{verb}_network": ONCE, f"{verb}_site": Rate.parse("2/h")}
    config = attrs.evolve(CONFIG, limits=limited(**rates), trusted_proxies=(ip_network("127.0.0.1"),))
    networks = ["2001:db8:1:1::1", "2001:db8:1:1::2", "2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:2::1"]
    async with serving(config) as house:
        answers = [await house.send(method, "/unsubscribe/x", {"X-Forwarded-For": each, **JSON}) for each in networks]
    assert [answer.status == 429 for answer in answers] == [False, True, False, True, False]
    assert [orjson.loads(answers[number].body)["scope"] for number in (1, 3)] == [f"{verb}_network", f"{verb}_site"]


async def test_a_filter_that_breaks_keeps_nobody_subscribed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise Defect("a mistake")

    monkeypatch.setattr(LocalLimits, "take", broken)
    async with house_with() as house:
        assert (await house.post("/unsubscribe/x")).status == 400
        assert (await house.get("/")).status == 500


async def test_what_was_refused_here_or_by_the_store_is_told_to_the_store_at_the_latest_when_the_site_stops() -> None:
    async with house_with(request_network=Rate.parse("4/h"), login_account=ONCE) as house:
        assert [(await house.post("/login", NOBODY)).status for _ in range(6)] == [303, 429, 429, 429, 429, 429]
    async with house.uow() as tx:
        told = await tx.limits.take_refusals(await tx.now() + timedelta(minutes=2), 10)
    assert [(each.scope, each.count) for each in told] == [("login_account", 3), ("request_network", 2)]


async def test_by_default_a_person_never_meets_a_limit(house: House) -> None:
    await house.log_in()
    assert {(await house.get(path)).status for path in ("/", "/login", "/static/style.css") for _ in range(30)} == {200}
    assert {(await house.post("/subscriptions", ADA)).status for _ in range(5)} == {200}
