import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zero2prod_core.domain.passwords import LONGEST, SHORTEST, Password, normalised
from zero2prod_core.errors import FieldInvalid, FieldMissing

NOTHING_COMMON = frozenset[str]()


@pytest.mark.parametrize(
    "raw",
    [
        "correct horse battery staple",
        "  spaces  stay  ",
        "x" * SHORTEST,
        "x" * LONGEST,
        "пароль на русском языке",
        "👩‍👩‍👧‍👦 and the می‌خواهم joiners",
        "\u3000" * SHORTEST,
    ],
)
def test_any_composition_of_the_right_length_will_do(raw: str) -> None:
    assert Password.parse(raw, NOTHING_COMMON).text == raw


def test_an_empty_one_is_missing() -> None:
    with pytest.raises(FieldMissing, match="new_password"):
        Password.parse("", NOTHING_COMMON)


@pytest.mark.parametrize("raw", ["x" * (SHORTEST - 1), "x" * (LONGEST + 1), "é" * (SHORTEST - 1), "e\u0301" * 11])
def test_length_is_counted_in_normalised_code_points(raw: str) -> None:
    with pytest.raises(FieldInvalid, match="12 to 128 characters"):
        Password.parse(raw, NOTHING_COMMON)


@pytest.mark.parametrize(
    "character", ["\x00", "\n", "\r", "\t", "\x7f", "\u0085", "\u2028", "\ud800", "\ue000", "\U000e0fff"]
)
def test_what_cannot_be_printed_is_refused(character: str) -> None:
    with pytest.raises(FieldInvalid, match="control"):
        Password.parse(f"{character}long enough otherwise", NOTHING_COMMON)


@pytest.mark.parametrize("raw", ["passwordpassword", "PasswordPassword", "straßenstraße"])
def test_common_ones_are_refused_in_any_case(raw: str) -> None:
    with pytest.raises(FieldInvalid, match="common"):
        Password.parse(raw, {"passwordpassword", "strassenstrasse"})


def test_the_field_is_named_and_the_password_is_not() -> None:
    with pytest.raises(FieldInvalid) as refused:
        Password.parse("hunter2", NOTHING_COMMON, "password")
    assert refused.value.fields["field"] == "password"
    assert "hunter2" not in str(refused.value)


def test_no_repr_shows_it() -> None:
    assert "secret" not in repr(Password.parse("secret and long enough", NOTHING_COMMON))


def test_two_keyboards_write_the_same_password() -> None:
    assert normalised("cafe\u0301") == normalised("caf\u00e9")
    assert normalised("x²") != normalised("x2")


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=SHORTEST * 3, max_size=LONGEST // 3))
def test_login_hashes_what_setting_hashed(raw: str) -> None:
    assume(len(normalised(raw)) >= SHORTEST)
    assert Password.parse(raw, NOTHING_COMMON).text == normalised(raw)
