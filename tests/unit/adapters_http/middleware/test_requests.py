"""Request ids, origins and the log."""

import asyncio
import re
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import attrs
import pytest
from structlog.testing import capture_logs

from adapters_http.instruments import NO_INSTRUMENTS, Instruments
from adapters_system.telemetry import PrometheusTelemetry
from tests.support.http import CONFIG, House, serving
from tests.support.outages import Outage
from zero2prod_core.domain.audit import Action, AuditEvent
from zero2prod_core.domain.origins import ActorKind

LOOPBACK = (ip_network("127.0.0.0/8"),)
SIGN_UP = {"name": "Ada Lovelace", "email": "ada@example.com"}


async def _sign_up_event(house: House, **headers: str) -> AuditEvent:
    await house.post("/subscriptions", SIGN_UP, headers=headers)
    async with house.uow.reading() as tx:
        (event,) = await tx.audit.tail(1)
    assert event.action is Action.SUBSCRIBER_SIGNED_UP
    return event


async def test_every_answer_has_an_id_of_its_own(house: House) -> None:
    ids = [(await house.get(path)).headers["X-Request-Id"] for path in ("/", "/nowhere", "/health_check", "/")]
    assert len({UUID(id_) for id_ in ids}) == len(ids)


async def test_the_id_reaches_the_audit_event(house: House) -> None:
    event = await _sign_up_event(house)
    assert event.origin.request_id is not None
    assert UUID(event.origin.request_id).version == 7
    assert event.origin.actor.kind is ActorKind.VISITOR


async def test_a_stranger_s_id_is_not_taken(house: House) -> None:
    answer = await house.get("/", headers={"X-Request-Id": "stranger-0001"})
    assert answer.headers["X-Request-Id"] != "stranger-0001"


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ("0af7651916cd43dd8448eb211c80319c", True),
        ("trace.A_b-01", True),
        ("short", False),
        ("x" * 65, False),
        ("with a space", False),
        ("semi;colon=1234", False),
        ("<script>alert(1)</script>", False),
        ("é" * 10, False),
    ],
)
async def test_a_proxy_s_id_is_taken_if_it_is_a_sane_one(given: str, *, is_taken: bool) -> None:
    async with serving(attrs.evolve(CONFIG, trusted_proxies=LOOPBACK)) as house:
        answer = await house.get("/", headers={"X-Request-Id": given})
    assert (answer.headers["X-Request-Id"] == given) is is_taken


async def test_the_client_behind_a_proxy_is_noted() -> None:
    async with serving(attrs.evolve(CONFIG, trusted_proxies=LOOPBACK)) as house:
        event = await _sign_up_event(house, **{"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})
    assert event.origin.network_address == "198.51.100.7"


@pytest.mark.parametrize(
    ("sent", "noted"),
    [("Mozilla/5.0 (X11)", "Mozilla/5.0 (X11)"), ("x" * 1000, "x" * 256), ("caf\u00e9\u202e\t!", "caf\u00e9??!")],
)
async def test_a_user_agent_is_noted_as_far_as_it_can_be_printed(house: House, sent: str, noted: str) -> None:
    event = await _sign_up_event(house, **{"User-Agent": sent})
    assert event.origin.user_agent == noted


@pytest.mark.parametrize(("header", "noted"), [(b"User-Agent: a\xff\xfe\r\n", "a??"), (b"", None)])
async def test_octets_that_are_no_text_and_silence_harm_nothing(house: House, header: bytes, noted: str | None) -> None:
    body = urlencode(SIGN_UP).encode()
    head = b"POST /subscriptions HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n" % (header, len(body))
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body)
    assert b" 200 " in await reader.readline()
    writer.transport.abort()
    async with house.uow.reading() as tx:
        (event,) = await tx.audit.tail(1)
    assert event.origin.user_agent == noted


def _lines(logged: list[Any]) -> list[dict[str, Any]]:
    return [line for line in logged if line["event"] == "request"]


async def test_a_line_names_the_route_and_nobody(house: House) -> None:
    with capture_logs() as logged:
        await house.post("/subscriptions", SIGN_UP)
        await house.get("/subscriptions/confirm?token=" + "secret" * 5)
        await house.get("/nowhere/ada@example.com?q=secret")
        await house.post("/login", {"username": "ada", "password": "secret"})
    routes = [(line["method"], line["route"], line["status"]) for line in _lines(logged)]
    assert routes == [
        ("POST", "/subscriptions", 200),
        ("GET", "/subscriptions/confirm", 401),
        ("GET", "unknown", 404),
        ("POST", "/login", 303),
    ]
    assert not any(word in str(logged) for word in ("secret", "ada@", "Ada"))


async def test_checks_are_logged_quietly_unless_they_fail(house: House) -> None:
    with capture_logs() as logged:
        await house.get("/health_check")
        await house.get("/static/style.css")
        await house.get("/static/nothing.css")
    assert [line["log_level"] for line in _lines(logged)] == ["debug", "debug", "info"]


async def test_what_nobody_expected_is_logged_with_its_trace(house: House) -> None:
    await house.post("/subscriptions", SIGN_UP)
    token = await house.confirmation_token()
    house.uow.outage = Outage.BROKEN
    with capture_logs() as logged:
        answer = await house.get("/subscriptions/confirm?token=" + token)
    assert answer.status == 500
    assert [(line["event"], line["log_level"], line.get("exc_info")) for line in logged] == [
        ("unexpected", "error", True),
        ("request", "info", None),
    ]


async def test_a_fault_that_passes_is_a_warning(house: House) -> None:
    house.uow.outage = Outage.AWAY
    with capture_logs() as logged:
        await house.post("/subscriptions", SIGN_UP)
    assert ("unavailable", "store_unavailable") in [(line["event"], line.get("code")) for line in logged]


async def test_requests_are_counted_by_route_method_and_status() -> None:
    telemetry = PrometheusTelemetry()
    async with serving(instruments=Instruments(telemetry, NO_INSTRUMENTS.tell)) as house:
        await house.get("/health_check")
        await house.get("/health_check")
        await house.get("/unsubscribe/" + "secret" * 5)
        await house.send("PURGE", "/nowhere/ada@example.com")
    text = telemetry.exposition().decode()
    counted = re.findall(r"^zero2prod_requests_total({.*}) (.*)$", text, re.MULTILINE)
    assert counted == [
        ('{method="GET",route="/health_check",status="200"}', "2.0"),
        ('{method="GET",route="/unsubscribe/{token}",status="401"}', "1.0"),
        ('{method="other",route="unknown",status="404"}', "1.0"),
    ]
    assert 'zero2prod_request_duration_seconds_count{method="GET",route="/health_check"} 2.0' in text
    assert not any(word in text for word in ("secret", "ada@", "PURGE"))
