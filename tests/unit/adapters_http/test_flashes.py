"""Sentences in signed cookies."""

import pytest

from adapters_http.flashes import Flashes
from tests.support.http import House
from zero2prod.testing.builders import KEY, KEYS
from zero2prod_core.domain.keys import Key, KeyRing

FLASH = "<p><i>Authentication failed</i></p>"
NEWER = Key("newer", b"\x07" * 32)


async def _fail(house: House) -> None:
    answer = await house.post("/login", {"username": "ada", "password": "wrong"})
    assert (answer.status, answer.location) == (303, "/login")


async def test_a_flash_is_shown_once(house: House) -> None:
    await _fail(house)
    assert FLASH in (await house.get("/login")).text
    assert FLASH not in (await house.get("/login")).text


async def test_a_failure_is_told_as_one(house: House) -> None:
    await _fail(house)
    assert '<div class="note wrong" role="alert">' in (await house.get("/login")).text
    await house.log_in()
    await house.post("/admin/logout", {})
    assert '<div class="note" role="status">' in (await house.get("/login")).text


async def test_a_cookie_of_another_shape_is_not_shown(house: House) -> None:
    for value in ("a sentence", ["one", True, "more"]):
        cookie = Flashes.keyed(KEYS, secure=False).cookie.serializer.dumps(value)
        answer = await house.get("/login", headers={"Cookie": f"flash={cookie!s}"})
        assert (answer.status, "<i>" in answer.text) == (200, False)


async def test_head_does_not_use_the_flash_up(house: House) -> None:
    await _fail(house)
    await house.send("HEAD", "/login")
    assert FLASH in (await house.get("/login")).text


async def test_the_cookie_is_for_us_alone(house: House) -> None:
    answer = await house.post("/login", {"username": "ada", "password": "wrong"})
    morsel = answer.cookies["flash"]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["max-age"]) == (True, "Lax", "/", "300")


@pytest.mark.parametrize("value", ["", "nonsense", "IlNlbmQgbWUgbW9uZXki.awNw2Q.V1O_K1445FRaqCYWA57bVa4e", "é" * 50])
async def test_a_forged_flash_is_not_shown(house: House, value: str) -> None:
    answer = await house.get("/login", headers={"Cookie": f"flash={value}"})
    assert answer.status == 200
    assert "<i>" not in answer.text


def test_a_flash_is_read_under_every_key_and_made_under_the_newest() -> None:
    old, rotated, new = (
        Flashes.keyed(ring, secure=True).cookie.serializer for ring in (KEYS, KeyRing((NEWER, KEY)), KeyRing((NEWER,)))
    )
    assert rotated.loads(old.dumps("before")) == "before"
    assert new.loads(rotated.dumps("after")) == "after"
