import pytest
from hypothesis import given
from hypothesis.strategies import from_regex

from zero2prod.testing.builders import account
from zero2prod_core.domain.accounts import USERNAME, Username
from zero2prod_core.domain.checklist import Step
from zero2prod_core.errors import FieldInvalid, FieldMissing


@given(from_regex(USERNAME, fullmatch=True).filter(lambda text: len(text) <= 64))
def test_a_username_is_kept_as_typed_and_compared_without_case(raw: str) -> None:
    assert Username.parse(raw).text == raw
    assert Username.parse(raw).key == Username.parse(raw.swapcase()).key


@pytest.mark.parametrize("raw", ["-a", "a-", "a b", "é", "a\n", ".", "x" * 65, "a/b", "<b>"])
def test_what_does_not_fit_is_refused(raw: str) -> None:
    with pytest.raises(FieldInvalid, match=r"^username: must be 1 to 64 ASCII"):
        Username.parse(raw)


def test_an_empty_one_is_missing() -> None:
    with pytest.raises(FieldMissing, match=r"^name: missing"):
        Username.parse("", "name")


def test_steps_that_are_dismissed_stay_so() -> None:
    dismissed = account().dismissing([Step.SUBSCRIBE]).dismissing([Step.MAILBOX, Step.SUBSCRIBE])
    assert dismissed.dismissed == {Step.SUBSCRIBE, Step.MAILBOX}


def test_an_account_does_not_show_its_hash() -> None:
    assert "argon" not in repr(account(password_hash="argon2id"))
