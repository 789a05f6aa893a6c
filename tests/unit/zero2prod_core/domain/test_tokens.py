import string
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis.strategies import binary, from_regex, sampled_from, uuids

from zero2prod.testing.builders import KEY, KEYS, T0, new_id, token
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.tokens import SHAPE, Purpose, read_token, token_text
from zero2prod_core.errors import FieldMissing, TokenMalformed, TokenUnknown

OTHER = Key("other", bytes(range(32, 64)))


@given(uuids(), sampled_from(Purpose))
def test_what_is_written_is_read(id_: UUID, purpose: Purpose) -> None:
    text = token_text(KEY, purpose, id_)
    assert len(text) == 43
    assert SHAPE.fullmatch(text)
    assert read_token(KEYS, purpose, text) == (id_, KEY)


@given(uuids())
def test_a_token_of_one_purpose_is_useless_for_the_other(id_: UUID) -> None:
    with pytest.raises(TokenUnknown):
        read_token(KEYS, Purpose.SET_UP, token_text(KEY, Purpose.CONFIRM, id_))


def test_every_listed_key_reads_and_is_told() -> None:
    id_ = new_id()
    ring = KeyRing((OTHER, KEY))
    assert read_token(ring, Purpose.CONFIRM, token_text(KEY, Purpose.CONFIRM, id_)) == (id_, KEY)
    assert read_token(ring, Purpose.CONFIRM, token_text(OTHER, Purpose.CONFIRM, id_)) == (id_, OTHER)


def test_a_key_that_is_not_listed_reads_nothing() -> None:
    with pytest.raises(TokenUnknown):
        read_token(KeyRing((OTHER,)), Purpose.CONFIRM, token_text(KEY, Purpose.CONFIRM, new_id()))


@given(from_regex(SHAPE, fullmatch=True))
def test_whatever_has_the_shape_of_a_token_is_unknown(text: str) -> None:
    with pytest.raises(TokenUnknown):
        read_token(KEYS, Purpose.CONFIRM, text)


@given(binary(min_size=1, max_size=40).filter(any))
def test_a_changed_token_is_unknown(noise: bytes) -> None:
    text = token_text(KEY, Purpose.CONFIRM, UUID(int=1))
    changed = "".join(
        "-A"[character == "-"] if noise[at % len(noise)] % 2 else character for at, character in enumerate(text)
    )
    if changed == text:
        assert read_token(KEYS, Purpose.CONFIRM, changed)
        return
    with pytest.raises(TokenUnknown):
        read_token(KEYS, Purpose.CONFIRM, changed)


def test_of_the_spellings_of_one_token_only_its_own_is_taken() -> None:
    text = token_text(KEY, Purpose.CONFIRM, UUID(int=1))
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    others = {text[:-1] + last for last in alphabet} - {text}
    for other in others:
        with pytest.raises(TokenUnknown):
            read_token(KEYS, Purpose.CONFIRM, other)


@pytest.mark.parametrize(
    "text", ["x" * 15, "x" * 129, "x" * 42 + "=", "é" * 43, "x" * 43 + "\n", " " + "x" * 43, "a b" * 9]
)
def test_what_cannot_be_a_token_is_malformed(text: str) -> None:
    with pytest.raises(TokenMalformed, match=r"^token: not a token"):
        read_token(KEYS, Purpose.CONFIRM, text, "token")


def test_an_empty_one_is_missing() -> None:
    with pytest.raises(FieldMissing, match=r"^subscription_token: missing"):
        read_token(KEYS, Purpose.CONFIRM, "")


def test_a_token_has_expired_exactly_at_its_end() -> None:
    made = token(new_id(), expires_at=T0)
    assert not made.expired(T0 - timedelta(microseconds=1))
    assert made.expired(T0)
