import asyncio

import pytest
from structlog.testing import capture_logs

from tests.support.waiting import eventually
from zero2prod.services import Kept


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
