"""Waiting for a verb, and giving it up."""

import asyncio
from threading import Event

import pytest

from adapters_http.patience import PROMPT, promptly
from tests.support.http import House
from tests.support.outages import Outage
from zero2prod_core.errors import StoreUnavailable, TokenUnknown


async def _answer() -> str:
    return "answer"


async def _refuse() -> str:
    raise TokenUnknown


async def test_an_answer_and_a_refusal_come_through() -> None:
    assert await promptly(_answer()) == "answer"
    with pytest.raises(TokenUnknown):
        await promptly(_refuse())


async def test_a_future_is_as_good_as_a_coroutine() -> None:
    future = asyncio.get_running_loop().create_future()
    future.set_result("answer")
    assert await promptly(future) == "answer"


async def test_a_silent_verb_is_given_up_and_cleans_up_in_its_own_time() -> None:
    cleaning, allowed, clean = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def verb() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await allowed.wait()
            clean.set()

    with pytest.raises(StoreUnavailable):
        await promptly(verb(), 0.01)
    await cleaning.wait()
    assert not clean.is_set()
    allowed.set()
    await clean.wait()


async def test_while_the_machine_stands_still_no_verb_is_given_up() -> None:
    async def verb() -> str:
        Event().wait(0.5)
        await asyncio.sleep(0.01)
        return "answer"

    assert await promptly(verb(), 0.2) == "answer"


async def test_an_error_while_cleaning_up_is_nobody_s_any_more() -> None:
    broken = asyncio.Event()

    async def verb() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            broken.set()
            raise RuntimeError("too late")

    with pytest.raises(StoreUnavailable):
        await promptly(verb(), 0.01)
    await broken.wait()
    assert await promptly(_answer()) == "answer"


async def test_whoever_is_cancelled_gives_the_verb_up() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def verb() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(promptly(verb()))
    await started.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await ended.wait()
    assert waiting.cancelled()


def test_the_limit_is_below_two_seconds() -> None:
    assert PROMPT < 2


@pytest.mark.parametrize("outage", [Outage.AWAY, Outage.SILENT])
async def test_a_store_that_is_away_or_silent_is_a_503(house: House, outage: Outage) -> None:
    house.uow.outage = outage
    fields = {"name": "Ada", "email": "ada@example.com"}
    answer = await house.post("/subscriptions", fields, headers={"Accept": "application/json"})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    house.uow.outage = Outage.NONE
    assert (await house.post("/subscriptions", fields)).status == 200


async def test_a_verb_given_up_by_the_site_leaves_nothing_open(house: House) -> None:
    house.uow.outage = Outage.SILENT
    answer = await house.get("/subscriptions/confirm?token=" + "a" * 43)
    assert answer.status == 401  # refused by its MAC, without asking the store
    answer = await house.post("/login", {"username": "ada", "password": "p"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert not house.uow.cleaned_up.is_set()
    assert (await house.get("/")).status == 200
    await house.uow.cleaned_up.wait()
