"""The setting that names a relay."""

import pytest

from adapters_email.smtp_url import Credentials, SmtpUrl, Tls, is_loopback
from zero2prod_core.errors import SettingInvalid


@pytest.mark.parametrize(
    ("raw", "url"),
    [
        ("smtp://mail.example.com", SmtpUrl("mail.example.com", 587, Tls.STARTTLS)),
        ("smtp://mail.example.com:2525/", SmtpUrl("mail.example.com", 2525, Tls.STARTTLS)),
        ("smtp://mail.example.com:465", SmtpUrl("mail.example.com", 465, Tls.IMPLICIT)),
        ("smtp://mail.example.com?tls=implicit", SmtpUrl("mail.example.com", 465, Tls.IMPLICIT)),
        ("smtp://relay?tls=none", SmtpUrl("relay", 25, Tls.NONE)),
        ("smtp://localhost:1025", SmtpUrl("localhost", 1025, Tls.NONE)),
        ("smtp://[::1]:1025", SmtpUrl("::1", 1025, Tls.NONE)),
        ("smtp://127.0.0.1:1025?tls=starttls", SmtpUrl("127.0.0.1", 1025, Tls.STARTTLS)),
        (
            "smtp://a%40b.de:p%2Fss%3Aw%23rd@mail.example.com",
            SmtpUrl("mail.example.com", 587, Tls.STARTTLS, Credentials("a@b.de", "p/ss:w#rd")),
        ),
        ("smtp://me:secret@127.0.0.1", SmtpUrl("127.0.0.1", 25, Tls.NONE, Credentials("me", "secret"))),
    ],
)
def test_what_may_be_written(raw: str, url: SmtpUrl) -> None:
    assert SmtpUrl.parse(raw) == url


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("", "does not begin with smtp://"),
        ("mail.example.com:25", "does not begin with smtp://"),
        ("smtps://mail.example.com", "does not begin with smtp://"),
        ("smtp://[::1", "is no URL"),
        ("smtp://", "names no host"),
        ("smtp://:25", "names no host"),
        ("smtp://two words", "names no host"),
        (f"smtp://{'a' * 64}.com", "names no host"),
        ("smtp://mail.example.com:0", "a port that is no number"),
        ("smtp://mail.example.com:65536", "a port that is no number"),
        ("smtp://mail.example.com:smtp", "a port that is no number"),
        ("smtp://mail.example.com/inbox", "something after the port"),
        ("smtp://mail.example.com?tls=maybe", "a tls that is none of"),
        ("smtp://mail.example.com?ssl=yes", "an option other than tls"),
        ("smtp://me@mail.example.com", "without the other"),
        ("smtp://:hunter2@mail.example.com", "without the other"),
        ("smtp://me:hunter2@mail.example.com?tls=none", "plain text"),
        ("smtp://me:hunter2#x@mail.example.com", "Percent-encode"),
        ("smtp://me:hunter2%00@mail.example.com", "a NUL"),
    ],
)
def test_what_may_not(raw: str, rule: str) -> None:
    with pytest.raises(SettingInvalid, match=rule) as caught:
        SmtpUrl.parse(raw)
    assert caught.value.fields["setting"] == "ZERO2PROD_MAIL_SMTP_URL"
    assert "hunter2" not in str(caught.value)


def test_a_password_is_never_shown() -> None:
    assert "hunter2" not in repr(SmtpUrl.parse("smtp://me:hunter2@mail.example.com"))


@pytest.mark.parametrize(
    ("host", "ours"), [("127.8.9.1", True), ("::1", True), ("LOCALHOST", True), ("10.0.0.1", False)]
)
def test_loopback_is_told_by_the_name_alone(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours
