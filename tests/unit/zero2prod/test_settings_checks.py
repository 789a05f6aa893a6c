"""What has the right type and cannot work."""

from pathlib import Path

import pytest

from zero2prod.settings import SecretSettings, Settings
from zero2prod.settings_checks import check_keys
from zero2prod.settings_loading import load
from zero2prod_core.errors import SettingInvalid

KEY = "11" * 32


def with_settings(**given: str) -> Settings:
    """Loaded from an environment alone."""
    return load(None, {f"ZERO2PROD_{name}": value for name, value in given.items()}, Path("/nowhere/zero2prod.toml"))


def refusal(**given: str) -> str:
    with pytest.raises(SettingInvalid) as refused:
        with_settings(**given)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("HTTP_PORT", ("0", "-1", "65536"), "Give a whole number from 1 to 65535."),
        ("WORKER_PORT", ("-1", "65536"), "Give a whole number from 0 to 65535."),
        ("DELIVERY_BATCH", ("0", "10001"), "Give a whole number from 1 to 10000."),
        ("MAIL_SMTP_CONNECTIONS", ("0", "101"), "Give a whole number from 1 to 100."),
        ("MAIL_POSTMARK_BATCH", ("0", "501"), "Give a whole number from 1 to 500."),
        ("MAIL_TIMEOUT", ("0s", "1ms", "999ms", "367d"), "Give at least 1s and at most 366d."),
        ("SUBSCRIPTIONS_TOKEN_TTL", ("0", "999999999d"), "Give more than 0s and at most 366d."),
        ("DELIVERY_LEASE", ("0",), "Give more than 0s and at most 366d."),
        ("DELIVERY_RENEWAL", ("0",), "Give more than 0s and at most 366d."),
        ("DELIVERY_POLL", ("0",), "Give more than 0s and at most 366d."),
        ("DELIVERY_GIVE_UP", ("0", "367d"), "Give more than 0s and at most 366d."),
        ("DELIVERY_RETENTION", ("0", "23h", "367d"), "Give at least 86400s and at most 366d."),
        ("LIMITS_CONNECTIONS", ("0", "50001"), "Give a whole number from 1 to 50000."),
        ("LIMITS_CONNECTIONS_PER_NETWORK", ("0", "50001"), "Give a whole number from 1 to 50000."),
        ("LIMITS_CONNECTIONS_PER_SITE", ("0", "50001"), "Give a whole number from 1 to 50000."),
        ("LIMITS_BODY_SIZE", ("1023", "1048577"), "Give a whole number from 1024 to 1048576."),
        ("LIMITS_HEADER_DEADLINE", ("0", "367d"), "Give more than 0s and at most 366d."),
        ("LIMITS_BODY_DEADLINE", ("0",), "Give more than 0s and at most 366d."),
        ("LIMITS_READ_DEADLINE", ("0",), "Give more than 0s and at most 366d."),
        ("LIMITS_IDLE", ("0",), "Give more than 0s and at most 366d."),
    ],
)
def test_numbers_and_durations_have_ranges(name: str, values: tuple[str, ...], said: str) -> None:
    for value in values:
        refused = refusal(**{name: value})
        assert refused.startswith(f"ZERO2PROD_{name}: cannot be ")
        assert refused.endswith(said)


def test_the_ends_of_a_range_belong_to_it() -> None:
    settings = with_settings(HTTP_PORT="1", DELIVERY_BATCH="10000", MAIL_SMTP_CONNECTIONS="100", MAIL_TIMEOUT="366d")
    assert (settings.http.port, settings.delivery.batch, settings.mail.smtp_connections) == (1, 10000, 100)
    assert settings.mail.timeout.days == 366


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DELIVERY_RETRIES", "5m,soon", "cannot have the step 'soon'"),
        ("DELIVERY_RECIPIENT_RATES", "fast", "is 'fast'. Write N/period"),
        ("DELIVERY_RECIPIENT_RATES", "1/s, 2/s", "says twice what holds for all domains"),
        ("DELIVERY_SENDER_RATES", "example.com=", "is ''. Write N/period"),
    ],
)
def test_schedules_and_rates_say_what_is_wrong(name: str, value: str, said: str) -> None:
    assert refusal(**{name: value}).startswith(f"ZERO2PROD_{name}: {said}")


def test_rates_hold_for_all_domains_or_for_one() -> None:
    settings = with_settings(DELIVERY_RECIPIENT_RATES="20/s, example.com=2/s, example.org=off")
    rates = [settings.recipient_rates.of(domain) for domain in ("example.net", "example.com", "example.org")]
    assert [rate and rate.count for rate in rates] == [20, 2, None]
    assert settings.sender_rates.of("example.net") is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "127.0.0.1:25"),
        ({"MAIL_SMTP_URL": "smtp://me:secret@mail.example.org:587"}, "mail.example.org:587"),
        ({"MAIL_TRANSPORT": "postmark", "MAIL_POSTMARK_TOKEN": "secret"}, "postmark"),
        ({"MAIL_TRANSPORT": "console"}, "console"),
    ],
)
def test_a_relay_has_a_name_without_secrets(given: dict[str, str], name: str) -> None:
    assert with_settings(**given).relay_name == name


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", None),
        ("http://127.0.0.1:8025", "http://127.0.0.1:8025/"),
        ("http://127.0.0.1:8025/", "http://127.0.0.1:8025/"),
        ("https://mail.example.org/box", "https://mail.example.org/box/"),
    ],
)
def test_the_mailbox_has_a_url_that_ends_in_a_slash(given: str, url: str | None) -> None:
    assert with_settings(MAIL_MAILBOX_URL=given).mailbox_url == url


@pytest.mark.parametrize(
    "url", ["mailbox", "javascript:alert(1)", "ftp://a.example", "http://a.example/?x=1", "http://"]
)
def test_a_mailbox_that_no_browser_could_open_is_refused(url: str) -> None:
    assert refusal(MAIL_MAILBOX_URL=url).startswith("ZERO2PROD_MAIL_MAILBOX_URL: cannot be ")


@pytest.mark.parametrize(("renewal", "lease"), [("30s", "30s"), ("10s", "9s"), ("31s", "30s")])
def test_a_lease_is_renewed_before_it_ends(renewal: str, lease: str) -> None:
    said = refusal(DELIVERY_RENEWAL=renewal, DELIVERY_LEASE=lease)
    assert said == "ZERO2PROD_DELIVERY_RENEWAL: must be shorter than ZERO2PROD_DELIVERY_LEASE."


@pytest.mark.parametrize(
    "url",
    [
        "news.example.org",
        "ftp://news.example.org",
        "https://",
        "https://news.example.org:0",
        "https://news.example.org:99999",
        "https://[::1",
        "https://user:hunter2@news.example.org",
        "https://news.example.org/?a=b",
        "https://news.example.org/#a",
        "https://news example.org",
        "https://news.example.org/a\nb",
        'https://news.example.org/"',
    ],
)
def test_the_public_url_is_plain(url: str) -> None:
    assert refusal(HTTP_BASE_URL=url).startswith("ZERO2PROD_HTTP_BASE_URL: cannot be ")


@pytest.mark.parametrize(
    "url", ["https://news.example.org", "http://localhost:8000/", "https://[2001:db8::1]:8443/news"]
)
def test_a_plain_one_is_taken(url: str) -> None:
    assert with_settings(HTTP_BASE_URL=url).base_url == url.rstrip("/")


def test_a_service_bound_to_every_network_address_needs_a_public_url() -> None:
    for host in ("0.0.0.0", "::"):  # noqa: S104 - it is about these
        assert refusal(HTTP_HOST=host).startswith("ZERO2PROD_HTTP_BASE_URL: is missing.")
        assert with_settings(HTTP_HOST=host, HTTP_BASE_URL="https://news.example.org").http.host == host


def test_a_host_is_needed() -> None:
    assert refusal(HTTP_HOST="").startswith("ZERO2PROD_HTTP_HOST: must be a network address")
    assert refusal(WORKER_HOST="").startswith("ZERO2PROD_WORKER_HOST: must be a network address")


def test_an_insecure_cookie_stays_on_loopback() -> None:
    said = refusal(HTTP_COOKIE_SECURE="false", HTTP_HOST="192.0.2.1")
    assert said.startswith("ZERO2PROD_HTTP_COOKIE_SECURE: can only be false while ZERO2PROD_HTTP_HOST is a loopback")
    for host in ("127.0.0.1", "localhost", "::1"):
        assert with_settings(HTTP_COOKIE_SECURE="false", HTTP_HOST=host).http.cookie_secure is False


@pytest.mark.parametrize("networks", ["10.0.0.1/8", "proxy", "10.0.0.0/33", "10.0.0.0/8 10.1.0.0/16"])
@pytest.mark.parametrize("name", ["HTTP_TRUSTED_PROXIES", "HTTP_METRICS_NETWORKS"])
def test_networks_are_written_as_such(name: str, networks: str) -> None:
    said = refusal(**{name: networks})
    assert said.startswith(f"ZERO2PROD_{name}: ")
    assert said.endswith("Give networks such as 10.0.0.0/8.")


def test_without_a_word_loopback_alone_sees_the_metrics() -> None:
    assert [str(network) for network in with_settings().metrics_networks] == ["127.0.0.0/8", "::1/128"]
    assert with_settings(HTTP_METRICS_NETWORKS="").metrics_networks == ()


@pytest.mark.parametrize("sender", ["news", "news@", "News <news@example.org>", " "])
def test_the_sender_is_an_e_mail_address(sender: str) -> None:
    said = refusal(MAIL_SENDER=sender)
    assert said.startswith("ZERO2PROD_MAIL_SENDER: ")
    assert said.endswith("Give the e-mail address that mail comes from.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://zero2prod:hunter2@[::1/db"),
        ("DATABASE_OWNER_URL", "password=hunter2 nonsense"),
        ("MAIL_SMTP_URL", "smtp://ursula:hunter2@relay.example.org:99999"),
        ("SECRET_KEYS", "hunter2"),
        ("SECRET_KEYS", f"a:{KEY},a:{KEY}"),
    ],
)
def test_a_secret_that_cannot_work_is_named_and_not_shown(name: str, value: str) -> None:
    said = refusal(**{name: value})
    assert said.startswith(f"ZERO2PROD_{name}: ")
    assert "hunter2" not in said
    assert KEY not in said


def test_keys_are_asked_of_every_process_that_makes_something_keyed() -> None:
    with pytest.raises(SettingInvalid, match=r"^ZERO2PROD_SECRET_KEYS: is missing\. Give at least one key") as refused:
        check_keys(Settings())
    assert "secrets.token_hex(32)" in str(refused.value)
    assert check_keys(Settings(secret=SecretSettings(KEY))).newest.secret == bytes.fromhex(KEY)


class TestPostmark:
    def test_it_needs_a_token(self) -> None:
        said = refusal(MAIL_TRANSPORT="postmark")
        assert said.startswith("ZERO2PROD_MAIL_POSTMARK_TOKEN: is missing. Give the server API token")

    @pytest.mark.parametrize("token", ["two words", "line\nbreak", "Schlüssel"])
    def test_a_token_fits_into_a_header_and_is_never_shown(self, token: str) -> None:
        said = refusal(MAIL_TRANSPORT="postmark", MAIL_POSTMARK_TOKEN=token)
        assert said.startswith("ZERO2PROD_MAIL_POSTMARK_TOKEN: holds a character that no token has.")
        assert token not in said

    @pytest.mark.parametrize("url", ["", "ftp://api.example.org", "https://", "https://me:secret@a.org", "https://a b"])
    def test_its_url_is_one_of_http(self, url: str) -> None:
        assert "Give the URL of the API, such as https://api.postmarkapp.com." in refusal(MAIL_POSTMARK_URL=url)

    def test_no_token_goes_over_the_network_in_plain_text(self) -> None:
        said = refusal(MAIL_POSTMARK_URL="http://api.example.org")
        assert said.endswith("it would send the token in plain text. Give a URL that begins with https://.")

    @pytest.mark.parametrize("url", ["https://api.example.org/v1/", "http://127.0.0.1:8025", "http://localhost"])
    def test_others_and_this_machine_are_fine(self, url: str) -> None:
        account = with_settings(MAIL_TRANSPORT="postmark", MAIL_POSTMARK_TOKEN="t", MAIL_POSTMARK_URL=url).postmark
        assert (account.url, account.token) == (url.rstrip("/"), "t")
        assert "'t'" not in repr(account)


def test_keys_that_sign_have_a_selector_and_a_file() -> None:
    assert [file.selector for file in with_settings(MAIL_DKIM_KEYS="a=/k.pem,b@example.org=/l.pem").dkim_files] == [
        "a",
        "b",
    ]
    assert refusal(MAIL_DKIM_KEYS="/etc/key.pem").startswith(
        "ZERO2PROD_MAIL_DKIM_KEYS: cannot be read. Write selector="
    )
