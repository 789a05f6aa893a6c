import asyncio
import json
from collections.abc import Mapping

import attrs
import pytest

from adapters_memory import InMemoryHealth
from tests.support.http import House, serving
from zero2prod_core.errors import StoreUnavailable
from zero2prod_core.ports.store import Health


@attrs.frozen
class Parts(Health):
    parts: Mapping[str, str]

    async def check(self) -> dict[str, str]:
        return dict(self.parts)


class Silent(Health):
    async def check(self) -> dict[str, str]:
        await asyncio.Event().wait()
        return {}


async def test_being_alive_is_an_empty_answer(house: House) -> None:
    answer = await house.get("/health_check")
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (200, b"", "0")


async def test_ready_names_each_part(house: House) -> None:
    answer = await house.get("/health/ready")
    assert answer.status == 200
    assert json.loads(answer.body) == {
        "ready": True,
        "failing": [],
        "parts": {"database": "ok", "schema": "ok", "worker": "never seen"},
    }


async def test_a_worker_is_reported(house: House) -> None:
    await house.heartbeats.beat("worker-1")
    assert json.loads((await house.get("/health/ready")).body)["parts"]["worker"] == "seen 0 s ago"


async def test_a_worker_that_cannot_be_asked_for_decides_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(type(house.heartbeats), "last", fail)
    answer = await house.get("/health/ready")
    assert (answer.status, json.loads(answer.body)["parts"]["worker"]) == (200, "unknown")


@pytest.mark.parametrize(
    ("health", "failing"),
    [
        (Parts({"database": "ok", "schema": "behind by 2 migrations: run zero2prod migrate"}), ["schema"]),
        (Parts({"database": "refuses connections", "schema": "unknown"}), ["database", "schema"]),
        (Silent(), ["database"]),
    ],
)
async def test_what_fails_is_named_with_a_503(health: Health, failing: list[str]) -> None:
    async with serving(health=health) as house:
        answer = await house.get("/health/ready")
        assert (await house.get("/health_check")).status == 200
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    told = json.loads(answer.body)
    assert (told["ready"], told["failing"], told["parts"]["worker"]) == (False, failing, "unknown")


async def test_memory_is_always_ready() -> None:
    assert set((await InMemoryHealth().check()).values()) == {"ok"}
