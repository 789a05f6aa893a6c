import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.support.waiting import eventually
from zero2prod.services import WORKER_PORT, Kept, Services, running_services


async def breaks() -> None:
    raise ZeroDivisionError


async def test_a_kept_task_that_fails_is_logged_at_once() -> None:
    async def logged() -> bool:
        return bool(lines)

    with capture_logs() as lines:
        kept = Kept(breaks())
        assert await eventually(logged)
        await kept.end()
    assert [(line["event"], line["log_level"]) for line in lines] == [("task_failed", "error")]
    assert isinstance(lines[0]["exc_info"], ZeroDivisionError)


@pytest.mark.parametrize("turns", [0, 1])
async def test_one_that_is_ended_has_not_failed(turns: int) -> None:
    with capture_logs() as lines:
        kept = Kept(asyncio.sleep(60))
        for _ in range(turns):
            await asyncio.sleep(0)
        await kept.end()
        await asyncio.sleep(0)
    assert lines == []


@pytest.mark.parametrize(("first", "ports"), [("0", [None, None, None]), ("8100", ["8100", "8101", "8102"])])
async def test_workers_on_one_machine_have_ports_that_follow(
    first: str, ports: list[str | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[str, str | None]] = []

    async def start(_: Services, name: str, *_arguments: str, **changed: str) -> None:
        begun.append((name, changed.get(WORKER_PORT)))

    monkeypatch.setattr(Services, "start", start)
    async with running_services({WORKER_PORT: first}, tmp_path, 3, asyncio.Event()):
        names = ["worker 1", "worker 2", "worker 3"]
        assert begun == [("serve", None), *zip(names, ports, strict=True)]
