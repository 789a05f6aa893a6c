"""Argon2id in bounded threads."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import NoReturn

import argon2
import pytest
from argon2.exceptions import HashingError, VerificationError

from adapters_system.passwords import Argon2PasswordHasher
from tests.support.waiting import PATIENCE
from zero2prod_core.errors import Defect, HasherBusy
from zero2prod_core.ports.accounts import Verification

PASSWORD = "correct horse battery staple"


class Gate:
    """Stands in for a slow hash: holds every thread that enters until the test opens it."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.opened = threading.Event()

    def hash(self, password: bytes) -> str:
        self.entered.release()
        assert self.opened.wait(PATIENCE)
        return password.decode()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(argon2.PasswordHasher, "hash", gate.hash)
    return gate


@pytest.fixture
def hasher() -> Iterator[Argon2PasswordHasher]:
    """One that is cheap enough for tests."""
    cheap = Argon2PasswordHasher(memory_kib=64, passes=1)
    yield cheap
    cheap.close()


async def test_a_password_matches_its_own_hash(hasher: Argon2PasswordHasher) -> None:
    encoded = await hasher.hash(PASSWORD)
    assert await hasher.verify(PASSWORD, encoded) == Verification(matches=True, outdated=False)


@pytest.mark.parametrize("other", ["", PASSWORD + " ", PASSWORD.upper(), "\ud800"])
async def test_no_other_password_matches(hasher: Argon2PasswordHasher, other: str) -> None:
    encoded = await hasher.hash(PASSWORD)
    assert await hasher.verify(other, encoded) == Verification(matches=False, outdated=False)


async def test_nothing_is_truncated(hasher: Argon2PasswordHasher) -> None:
    encoded = await hasher.hash("é" * 5_000 + "a")
    assert not (await hasher.verify("é" * 5_000 + "b", encoded)).matches


async def test_the_same_password_has_another_hash_each_time(hasher: Argon2PasswordHasher) -> None:
    assert await hasher.hash(PASSWORD) != await hasher.hash(PASSWORD)


async def test_the_default_cost_is_what_the_security_page_says() -> None:
    hasher = Argon2PasswordHasher()
    encoded = await hasher.hash(PASSWORD)
    hasher.close()
    assert encoded.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize(("memory", "passes", "lanes"), [(128, 1, 1), (64, 2, 1), (64, 1, 2)])
async def test_a_hash_of_another_cost_is_outdated(
    hasher: Argon2PasswordHasher, memory: int, passes: int, lanes: int
) -> None:
    encoded = argon2.PasswordHasher(memory_cost=memory, time_cost=passes, parallelism=lanes).hash(PASSWORD)
    assert await hasher.verify(PASSWORD, encoded) == Verification(matches=True, outdated=True)
    assert await hasher.verify("wrong", encoded) == Verification(matches=False, outdated=False)


async def test_an_unknown_user_never_matches_and_costs_a_real_verification(
    hasher: Argon2PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = argon2.PasswordHasher.verify

    def verify(self: argon2.PasswordHasher, encoded: str, password: bytes) -> bool:
        seen.append(encoded)
        return real(self, encoded, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    for _ in range(2):
        assert await hasher.verify(PASSWORD, None) == Verification(matches=False, outdated=False)
    known = await hasher.hash(PASSWORD)
    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert seen[0].split("$")[:4] == known.split("$")[:4]


async def test_hashing_does_not_hold_up_the_event_loop() -> None:
    hasher = Argon2PasswordHasher(passes=8)
    hashing = asyncio.create_task(hasher.hash(PASSWORD))
    turns = 0
    deadline = time.monotonic() + 10
    while not hashing.done() and time.monotonic() < deadline:
        turns += 1
        await asyncio.sleep(0)
    hasher.close()
    assert hashing.done()
    assert turns > 10


async def test_one_call_more_than_the_queue_holds_is_refused_until_there_is_room(gate: Gate) -> None:
    hasher = Argon2PasswordHasher(threads=1, waiting=2)
    calls = [asyncio.create_task(hasher.hash(name)) for name in ("one", "two", "three")]
    await asyncio.to_thread(gate.entered.acquire)
    with pytest.raises(HasherBusy):
        await hasher.hash("four")
    gate.opened.set()
    assert await asyncio.gather(*calls) == ["one", "two", "three"]
    assert await hasher.hash("four") == "four"
    hasher.close()


async def test_a_cancelled_call_leaves_its_place_in_the_queue(gate: Gate) -> None:
    hasher = Argon2PasswordHasher(threads=1, waiting=1)
    first = asyncio.create_task(hasher.hash("first"))
    await asyncio.to_thread(gate.entered.acquire)
    second = asyncio.create_task(hasher.hash("second"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    third = asyncio.create_task(hasher.hash("third"))
    gate.opened.set()
    assert list(await asyncio.gather(first, third)) == ["first", "third"]
    hasher.close()


@pytest.mark.parametrize("stored", ["", "plain text", "$2b$12$abcdefghijklmnopqrstuv"])
async def test_a_stored_value_that_is_no_argon2_hash_is_a_defect(hasher: Argon2PasswordHasher, stored: str) -> None:
    with pytest.raises(Defect, match="stored password hash"):
        await hasher.verify(PASSWORD, stored)


async def test_without_memory_for_a_hash_the_hasher_is_busy(
    hasher: Argon2PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = await hasher.hash(PASSWORD)
    await hasher.verify(PASSWORD, encoded)

    def fail(error: Exception) -> NoReturn:
        raise error

    monkeypatch.setattr(argon2.PasswordHasher, "hash", lambda *_: fail(HashingError("Memory allocation error")))
    monkeypatch.setattr(argon2.PasswordHasher, "verify", lambda *_: fail(VerificationError("Memory allocation error")))
    with pytest.raises(HasherBusy):
        await hasher.hash(PASSWORD)
    with pytest.raises(HasherBusy):
        await hasher.verify(PASSWORD, encoded)


async def test_a_closed_hasher_refuses() -> None:
    hasher = Argon2PasswordHasher()
    hasher.close()
    hasher.close()
    with pytest.raises(Defect, match="closed"):
        await hasher.hash(PASSWORD)
