import pytest

from zero2prod.testing.builders import idempotency_record
from zero2prod_core.domain.idempotency import LONGEST_KEY, IdempotencyKey
from zero2prod_core.errors import FieldInvalid, FieldMissing, IdempotencyKeyReused


@pytest.mark.parametrize("raw", ["x", " ", "ключ ☕", "x" * LONGEST_KEY])
def test_a_key_is_any_printable_text(raw: str) -> None:
    assert IdempotencyKey.parse(raw).text == raw


@pytest.mark.parametrize("raw", ["x" * (LONGEST_KEY + 1), "a\nb", "a\0b", "\ud800"])
def test_what_is_long_or_unprintable_is_refused(raw: str) -> None:
    with pytest.raises(FieldInvalid, match=r"^idempotency_key: must be 1 to 50 printable characters"):
        IdempotencyKey.parse(raw)


def test_an_empty_one_is_missing() -> None:
    with pytest.raises(FieldMissing):
        IdempotencyKey.parse("")


def test_the_same_content_gets_the_first_ones_issue() -> None:
    record = idempotency_record()
    assert record.answer_to(record.fingerprint) == record.issue


def test_other_content_is_refused() -> None:
    with pytest.raises(IdempotencyKeyReused):
        idempotency_record().answer_to(b"other")
