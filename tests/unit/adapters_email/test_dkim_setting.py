"""The setting that names DKIM keys."""

from pathlib import Path

import pytest

from adapters_email.dkim_setting import KeyFile, parse_key_files
from zero2prod_core.errors import SettingInvalid


def test_each_key_has_a_selector_a_file_and_maybe_a_domain() -> None:
    assert parse_key_files(" mail=/etc/a.pem , Ed.2026@News.example.org=/etc/b=c.pem,") == [
        KeyFile("mail", None, Path("/etc/a.pem")),
        KeyFile("ed.2026", "news.example.org", Path("/etc/b=c.pem")),
    ]
    assert parse_key_files("") == []


@pytest.mark.parametrize(
    "setting", ["/etc/a.pem", "=a.pem", "mail=", "ma il=a", "mail@=a", "mail@org=a", "-a=b", "ä=b"]
)
def test_what_cannot_be_read_is_refused_with_its_shape(setting: str) -> None:
    with pytest.raises(SettingInvalid, match=r"ZERO2PROD_MAIL_DKIM_KEYS: cannot be read\. Write selector="):
        parse_key_files(setting)


def test_a_selector_names_one_key_of_a_domain() -> None:
    assert len(parse_key_files("mail=a,mail@example.org=b,mail@example.com=c")) == 3
    with pytest.raises(SettingInvalid, match="names the selector mail twice"):
        parse_key_files("mail=a,MAIL=b")
