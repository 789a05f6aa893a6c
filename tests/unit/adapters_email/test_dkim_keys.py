"""The files with DKIM keys, and what their domains publish."""

import base64
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_der_public_key,
)

from adapters_email.dkim_keys import loaded, published
from adapters_email.dkim_setting import KeyFile
from tests.support.dkim_keys import ed25519_key, rsa_key, write_pem
from zero2prod_core.errors import SettingInvalid


def test_files_of_both_kinds_are_loaded(tmp_path: Path) -> None:
    rsa, ed = write_pem(tmp_path / "r.pem", rsa_key().private), write_pem(tmp_path / "e.pem", ed25519_key().private)
    first, second = loaded([KeyFile("mail", None, rsa), KeyFile("ed", "example.org", ed)])
    assert (first.selector, first.algorithm, first.domain) == ("mail", "rsa-sha256", None)
    assert (second.selector, second.algorithm, second.domain) == ("ed", "ed25519-sha256", "example.org")
    assert "private" not in repr(first)


def test_other_kinds_of_keys_are_refused(tmp_path: Path) -> None:
    file = KeyFile("mail", None, write_pem(tmp_path / "key.pem", generate_ec(SECP256R1())))
    with pytest.raises(SettingInvalid, match="neither RSA nor Ed25519"):
        loaded([file])


@pytest.mark.parametrize("bound", ["LEAST_RSA", "MOST_RSA"])
def test_the_size_of_an_rsa_key_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str) -> None:
    file = KeyFile("mail", None, write_pem(tmp_path / "key.pem", rsa_key().private))
    monkeypatch.setattr(f"adapters_email.dkim_keys.{bound}", 2048)
    assert loaded([file])
    monkeypatch.setattr(f"adapters_email.dkim_keys.{bound}", 2049 if bound == "LEAST_RSA" else 2047)
    with pytest.raises(SettingInvalid, match=r"whose RSA key has 2048 bits\. Make one of \d+ to \d+; 2048 is best"):
        loaded([file])


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("words")
    with (tmp_path / "large").open("wb") as large:
        large.truncate(2**30)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    locked = write_pem(tmp_path / "locked", Ed25519PrivateKey.generate(), b"password")
    for path, rule in (
        (tmp_path / "none", "cannot be read .No such file or directory."),
        (tmp_path, "no regular file"),
        (pipe, "no regular file"),
        (tmp_path / "large", "larger than 64 KiB"),
        (tmp_path / "text", "no private key in PEM"),
        (locked, "locked by a password"),
    ):
        with pytest.raises(SettingInvalid, match=rf"^ZERO2PROD_MAIL_DKIM_KEYS: names .*{rule}"):
            loaded([KeyFile("mail", None, path)])


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_with_a_passphrase_is_refused_in_whichever_form(tmp_path: Path, form: PrivateFormat) -> None:
    path = tmp_path / "locked"
    path.write_bytes(rsa_key().private.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"passphrase")))
    with pytest.raises(SettingInvalid, match=r"locked by a password\. Give a key without one"):
        loaded([KeyFile("mail", None, path)])


def test_the_record_has_the_public_key() -> None:
    record = published(rsa_key(), "example.org")
    assert record.name == "mail._domainkey.example.org"
    start, _, octets = record.value.partition("; p=")
    assert start == "v=DKIM1; k=rsa"
    assert load_der_public_key(base64.b64decode(octets)) == rsa_key().private.public_key()
    record = published(ed25519_key("example.com"), "example.org")
    assert record.name == "ed._domainkey.example.com"
    assert record.value.startswith("v=DKIM1; k=ed25519; p=")
    assert len(base64.b64decode(record.value.partition("p=")[2])) == 32
