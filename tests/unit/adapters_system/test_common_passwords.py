from importlib.resources import files

import pytest

from adapters_system.common_passwords import COMMENT, load_common_passwords
from zero2prod_core.domain.passwords import LONGEST, SHORTEST, Password
from zero2prod_core.errors import FieldInvalid

LINES = files("adapters_system").joinpath("common_passwords.txt").read_text(encoding="utf-8").splitlines()
LISTED = [line for line in LINES if not line.startswith(COMMENT)]


def test_the_list_holds_the_three_thousand_that_asvs_6_2_4_asks_for() -> None:
    assert len(load_common_passwords()) >= 3000


def test_the_file_is_sorted_unique_folded_and_only_of_lengths_that_matter() -> None:
    assert sorted(set(LISTED)) == LISTED
    assert all(word == word.casefold() and SHORTEST <= len(word) <= LONGEST for word in LISTED)
    assert load_common_passwords() == frozenset(LISTED)


def test_the_file_names_its_sources_and_their_licences() -> None:
    head = " ".join(line for line in LINES if line.startswith(COMMENT))
    assert "django" in head
    assert "BSD-3-Clause" in head
    assert "zxcvbn" in head
    assert "MIT" in head


@pytest.mark.parametrize("raw", ["passwordpassword", "Password1234", "qwertyuiop123", "123456789012", "Administrator"])
def test_what_everybody_uses_is_refused(raw: str) -> None:
    with pytest.raises(FieldInvalid, match="common"):
        Password.parse(raw, load_common_passwords())


def test_what_nobody_uses_is_taken() -> None:
    assert Password.parse("correct horse battery staple", load_common_passwords()).text
