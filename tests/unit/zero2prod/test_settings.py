"""What follows from the settings; how they are loaded and checked stands beside."""

from datetime import timedelta
from ipaddress import ip_network

import attrs
import pytest

from zero2prod.settings import HttpSettings, MailSettings, SecretSettings, Settings, is_secret, name_of, options


def test_names_are_those_of_the_environment() -> None:
    assert name_of("http.base_url") == "ZERO2PROD_HTTP_BASE_URL"


def test_options_are_all_settings_by_path() -> None:
    defaults = {path: option.default for path, option in options().items()}
    assert defaults["http.port"] == 8000
    assert defaults["subscriptions.token_ttl"] == timedelta(hours=24)
    assert len(defaults) == sum(
        len(attrs.fields(type(section))) for section in attrs.astuple(Settings(), recurse=False)
    )


def test_what_holds_a_password_or_a_key_is_secret() -> None:
    secrets = {path for path in options() if is_secret(path)}
    assert secrets == {"database.url", "database.owner_url", "secret.keys", "mail.smtp_url", "mail.postmark_token"}


def test_secrets_are_not_shown() -> None:
    assert "hunter2" not in repr(Settings(secret=SecretSettings("hunter2"), mail=MailSettings(smtp_url="hunter2")))


@pytest.mark.parametrize(
    ("http", "url"),
    [
        (HttpSettings(), "http://127.0.0.1:8000"),
        (HttpSettings(host="::1", port=80), "http://[::1]:80"),
        (HttpSettings(base_url="https://news.example.org/"), "https://news.example.org"),
        (HttpSettings(base_url="https://example.org/news/"), "https://example.org/news"),
    ],
)
def test_links_begin_with_the_public_url_or_with_what_the_service_is_bound_to(http: HttpSettings, url: str) -> None:
    assert Settings(http=http).base_url == url


@pytest.mark.parametrize(
    ("sender", "base_url", "email"),
    [
        ("news@example.com", "https://example.org", "news@example.com"),
        ("", "https://news.example.org:8443/path", "newsletter@news.example.org"),
        ("", "", "newsletter@localhost.localdomain"),
        ("", "http://localhost:8000", "newsletter@localhost.localdomain"),
        ("", "http://[2001:db8::1]", "newsletter@localhost.localdomain"),
    ],
)
def test_the_sender_is_the_one_given_or_at_the_public_host(sender: str, base_url: str, email: str) -> None:
    settings = Settings(http=HttpSettings(base_url=base_url), mail=MailSettings(sender=sender))
    assert settings.sender.text == email


def test_proxies_are_networks() -> None:
    settings = Settings(http=HttpSettings(trusted_proxies=" 10.0.0.0/8, 2001:db8::/32,,192.0.2.1"))
    assert settings.trusted_proxies == tuple(map(ip_network, ("10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32")))
    assert Settings().trusted_proxies == ()


def test_keys_are_parsed() -> None:
    assert [key.id for key in Settings(secret=SecretSettings(f"new:{'11' * 32},old:{'22' * 32}")).keys] == [
        "new",
        "old",
    ]
