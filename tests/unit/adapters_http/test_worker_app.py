"""What a worker shows on a port of its own."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from adapters_http.app import make_worker_app
from adapters_http.connections import Connection, GuardLimits, Stage
from adapters_http.guard import Guard
from adapters_http.instruments import NO_INSTRUMENTS, Instruments
from adapters_memory import InMemoryHealth, InMemoryHeartbeats, InMemoryUnitOfWork
from adapters_system.ids import TimeOrderedIds
from adapters_system.telemetry import PrometheusTelemetry
from tests.support.http import CONFIG, JSON, Browser, browsing
from tests.support.waiting import eventually


@pytest.fixture
async def worker() -> AsyncIterator[Browser]:
    telemetry = PrometheusTelemetry()

    async def tell() -> bytes:
        return telemetry.exposition()

    heartbeats, instruments = InMemoryHeartbeats(InMemoryUnitOfWork()), Instruments(telemetry, tell)
    runner = web.AppRunner(make_worker_app(CONFIG, InMemoryHealth(), heartbeats, TimeOrderedIds(), instruments))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with browsing(runner.addresses[0][1]) as browser:
        yield browser
    await runner.cleanup()


async def test_it_tells_whether_it_is_well(worker: Browser) -> None:
    assert (await worker.get("/health_check")).status == 200
    assert json.loads((await worker.get("/health/ready")).body)["ready"] is True


async def test_its_numbers_count_its_own_requests(worker: Browser) -> None:
    await worker.get("/health_check")
    seen = (await worker.get("/metrics")).text
    assert 'zero2prod_requests_total{method="GET",route="/health_check",status="200"} 1.0' in seen


@pytest.mark.parametrize("path", ["/", "/login", "/admin/dashboard", "/subscriptions"])
async def test_it_is_no_site(worker: Browser, path: str) -> None:
    assert (await worker.get(path)).status == 404
    assert json.loads((await worker.get(path, JSON)).body)["status"] == 404


async def test_a_guard_in_front_of_it_is_told_of_its_requests() -> None:
    heartbeats = InMemoryHeartbeats(InMemoryUnitOfWork())
    runner = web.AppRunner(make_worker_app(CONFIG, InMemoryHealth(), heartbeats, TimeOrderedIds(), NO_INSTRUMENTS))
    await runner.setup()
    assert runner.server
    guard, connections = Guard(runner.server, GuardLimits()), list[Connection]()

    def let_in() -> Connection:
        connections.append(guard())
        return connections[-1]

    async def idles() -> bool:
        return connections[0].stage is Stage.IDLE

    server = await asyncio.get_running_loop().create_server(let_in, "127.0.0.1", 0)
    async with browsing(server.sockets[0].getsockname()[1]) as browser:
        assert (await browser.get("/health_check")).status == 200
        assert await eventually(idles)
    server.close()
    await runner.cleanup()


async def test_its_answers_are_as_safe_as_the_site_s(worker: Browser) -> None:
    answer = await worker.get("/metrics")
    assert answer.headers["Server"] == "zero2prod"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"]
