import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis.strategies import binary, lists, text

from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.errors import SettingInvalid

FIRST, SECOND = "11" * 32, "22" * 32


def test_a_mac_is_made_with_a_sub_key_of_its_purpose() -> None:
    sub_key = hmac.digest(b"secret", b"purpose", "sha256")
    assert Key("id", b"secret").mac("purpose", b"data") == hmac.digest(sub_key, b"data", "sha256")


@given(text(max_size=9), text(max_size=9), binary(max_size=9), binary(max_size=9))
def test_macs_agree_only_where_purpose_and_data_do(one: str, other: str, data: bytes, more: bytes) -> None:
    key = Key("id", b"secret")
    assert (key.mac(one, data) == key.mac(other, more)) == ((one, data) == (other, more))


def test_a_key_does_not_show_its_secret() -> None:
    assert "secret" not in repr(KeyRing((Key("id", b"secret"),))).replace("secret=", "")


@given(lists(binary(min_size=32, max_size=64), min_size=1, max_size=4, unique=True))
def test_a_ring_keeps_the_order_newest_first(secrets: list[bytes]) -> None:
    ring = KeyRing.parse(", ".join(f"key-{number}:{secret.hex()}" for number, secret in enumerate(secrets)))
    assert [key.secret for key in ring] == secrets
    assert ring.newest == ring.keys[0]
    assert all(ring.find(key.id) == key for key in ring)
    assert ring.find("key-9") is None


def test_a_bare_key_is_named_by_its_own_digest_wherever_it_stands() -> None:
    name = hashlib.sha256(bytes.fromhex(FIRST)).hexdigest()[:8]
    assert KeyRing.parse(FIRST).newest.id == name
    assert [key.id for key in KeyRing.parse(f"new:{SECOND},{FIRST},")] == ["new", name]


@pytest.mark.parametrize(
    ("given_text", "rule"),
    [
        ("", "is empty"),
        (" , ", "is empty"),
        ("nothex", "not hexadecimal"),
        ("id:" + "1g" * 32, "not hexadecimal"),
        ("ab" * 31, "31 bytes. Use at least 32"),
        (f":{FIRST}", "empty id"),
        (f"a:{FIRST},a:{SECOND}", "one key id twice"),
        (f"{FIRST},{FIRST}", "one key id twice"),
    ],
)
def test_what_cannot_be_keys_is_refused_without_being_shown(given_text: str, rule: str) -> None:
    with pytest.raises(SettingInvalid, match=rule) as refused:
        KeyRing.parse(given_text)
    assert str(refused.value).startswith("ZERO2PROD_SECRET_KEYS: ")
    assert not any(part in str(refused.value) for part in ("11" * 8, "ab" * 8, "1g" * 8, "nothex"))
