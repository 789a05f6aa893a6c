"""What follows from the settings; how they are loaded and checked stands beside."""

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import attrs
import pytest

from zero2prod.settings import HttpSettings, MailSettings, SecretSettings, Settings, is_secret, name_of, options
from zero2prod.settings_limits import LimitSettings
from zero2prod_core.domain.limits import NO_LIMITS, Limits, Rate
from zero2prod_core.errors import SettingInvalid


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


def test_limits_are_those_of_the_core_by_default() -> None:
    assert Settings().limits_policy == Limits()
    assert Settings().limits_off == []


def test_each_limit_is_a_setting_of_its_name() -> None:
    for field in attrs.fields(Limits):
        changed: dict[str, Any] = {field.name: "7/3h"}
        settings = Settings(limits=LimitSettings(**changed))
        rate = Rate(7, timedelta(hours=3), strict=field.name == "email")
        assert getattr(settings.limits_policy, field.name) == rate


def test_limits_can_be_lifted_one_by_one_or_all_together() -> None:
    some = Settings(limits=LimitSettings(email="off", login_total="OFF"))
    assert some.limits_policy == Limits(email=None, login_total=None)
    assert some.limits_off == ["ZERO2PROD_LIMITS_LOGIN_TOTAL", "ZERO2PROD_LIMITS_EMAIL"]
    none = Settings(limits=LimitSettings(enabled=False, email="3/24h"))
    assert none.limits_policy == NO_LIMITS
    assert none.limits_off == ["ZERO2PROD_LIMITS_ENABLED"]


@pytest.mark.parametrize("text", ["", "often", "0/m", "1/w", "1", "-1/m"])
def test_a_limit_that_is_none_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(SettingInvalid, match=r"^ZERO2PROD_LIMITS_EMAIL: is '.*'\. Write N/period"):
        _ = Settings(limits=LimitSettings(email=text)).limits_policy
