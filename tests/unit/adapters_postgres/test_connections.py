import asyncio
from typing import cast

import attrs

from adapters_postgres.connections import Connection, _Watch
from tests.support.waiting import PATIENCE


@attrs.define
class Line:
    """What a watch sees of a connection."""

    silence: float = 0.001
    pending_input: bool = False
    answers: list[bool] = attrs.field(factory=list)
    asked: int = 0
    hung_up: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def server_answers(self) -> bool:
        self.asked += 1
        return self.answers.pop(0)

    def hang_up(self) -> None:
        self.hung_up.set()


async def test_a_silent_connection_is_hung_up_once_the_server_answers_nobody() -> None:
    line = Line(answers=[True, True, False])
    with _Watch(cast(Connection, line), []):
        async with asyncio.timeout(PATIENCE):
            await line.hung_up.wait()
    assert line.asked == 3


async def test_input_that_waits_to_be_read_is_no_silence() -> None:
    line = Line(pending_input=True, answers=[False])
    with _Watch(cast(Connection, line), []):
        looked = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, looked.set)
        await looked.wait()
        assert line.asked == 0
        line.pending_input = False
        async with asyncio.timeout(PATIENCE):
            await line.hung_up.wait()


@attrs.define
class SlowLine(Line):
    """Its server takes all the time there is to answer."""

    asking: asyncio.Event = attrs.field(factory=asyncio.Event)
    given_up: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def server_answers(self) -> bool:
        self.asking.set()
        try:
            return await asyncio.Event().wait()
        finally:
            self.given_up.set()


async def test_after_its_end_a_watch_asks_no_more() -> None:
    line = SlowLine()
    async with asyncio.timeout(PATIENCE):
        with _Watch(cast(Connection, line), []):
            await line.asking.wait()
        await line.given_up.wait()
    assert not line.hung_up.is_set()
