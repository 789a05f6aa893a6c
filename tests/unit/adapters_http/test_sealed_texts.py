import pytest

from adapters_http.sealed_texts import SealedTexts
from zero2prod.testing.builders import KEY, KEYS
from zero2prod_core.domain.keys import Key, KeyRing

NEWER = Key("newer", b"\x07" * 32)
TEXTS = SealedTexts.keyed(KEYS)


@pytest.mark.parametrize("text", ["ada@example.com", "Ада", "ü", "\N{ROCKET} and more", "'; DROP TABLE"])
def test_what_is_sealed_can_be_opened_by_us_alone(text: str) -> None:
    sealed = TEXTS.seal(text)
    assert text not in sealed
    assert TEXTS.open(sealed) == text
    assert SealedTexts.keyed(KeyRing((NEWER,))).open(sealed) == ""


def test_nothing_is_sealed_as_nothing() -> None:
    assert TEXTS.seal("") == TEXTS.open("") == ""


@pytest.mark.parametrize(
    "text",
    ["x", "é", "gAAAA", "ada@example.com", TEXTS.seal("ada")[:-4] + "AAA="],
    ids=["ASCII", "not ASCII", "a beginning", "a text", "changed"],
)
def test_what_we_did_not_seal_opens_as_nothing(text: str) -> None:
    assert TEXTS.open(text) == ""


def test_keys_can_be_rotated() -> None:
    rotated = SealedTexts.keyed(KeyRing((NEWER, KEY)))
    assert rotated.open(TEXTS.seal("ada")) == "ada"
    assert TEXTS.open(rotated.seal("ada")) == ""
