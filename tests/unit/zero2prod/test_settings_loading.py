"""Where settings come from, and how a wrong one is refused."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import floats, sampled_from

from zero2prod.durations import UNITS, duration
from zero2prod.settings import Settings, Transport, is_secret, name_of, options
from zero2prod.settings_loading import LONGEST_SHOWN, load
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.errors import SettingInvalid

KEY = "11" * 32
NOTHING: Mapping[str, str] = {}


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "zero2prod.toml"


def refusal(toml: Path, environment: Mapping[str, str] = NOTHING, flags: Mapping[str, object] | None = None) -> str:
    with pytest.raises(SettingInvalid) as refused:
        load(flags, environment, toml)
    assert "\n" not in str(refused.value)
    return str(refused.value)


class TestPrecedence:
    def test_without_anything_defaults_hold(self, toml: Path) -> None:
        assert load(None, NOTHING, toml) == Settings()

    def test_each_source_overrides_the_one_before(self, toml: Path) -> None:
        toml.write_text("[http]\nport = 1\nhost = '127.0.0.2'\n[delivery]\nbatch = 7\n")
        environment = {"ZERO2PROD_HTTP_PORT": "2", "ZERO2PROD_HTTP_HOST": "127.0.0.3"}
        settings = load({"http.port": 3}, environment, toml)
        assert (settings.http.port, settings.http.host, settings.delivery.batch) == (3, "127.0.0.3", 7)
        assert settings.delivery.lease == timedelta(seconds=30)

    def test_the_process_has_an_environment(self, toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ZERO2PROD_HTTP_PORT", "8765")
        assert load(file=toml).http.port == 8765

    def test_other_programs_variables_are_none_of_ours(self, toml: Path) -> None:
        assert load(None, {"ZERO2PROD": "x", "PORT": "x", "zero2prod_http_port": "x"}, toml) == Settings()

    def test_every_kind_of_value_is_read_from_text(self, toml: Path) -> None:
        environment = {
            "ZERO2PROD_HTTP_COOKIE_SECURE": "false",
            "ZERO2PROD_MAIL_TRANSPORT": "console",
            "ZERO2PROD_DELIVERY_UNCERTAIN": "hold",
            "ZERO2PROD_DELIVERY_POLL": "250ms",
            "ZERO2PROD_SUBSCRIPTIONS_TOKEN_TTL": "2d",
        }
        settings = load(None, environment, toml)
        assert settings.http.cookie_secure is False
        assert settings.mail.transport is Transport.CONSOLE
        assert settings.delivery.uncertain is UncertainPolicy.HOLD
        assert settings.delivery.poll == timedelta(milliseconds=250)
        assert settings.subscriptions.token_ttl == timedelta(days=2)

    def test_and_from_toml(self, toml: Path) -> None:
        toml.write_text("[http]\ncookie_secure = false\n[mail]\ntransport = 'memory'\ntimeout = 90\n")
        settings = load(None, NOTHING, toml)
        assert settings.http.cookie_secure is False
        assert (settings.mail.transport, settings.mail.timeout) == (Transport.MEMORY, timedelta(seconds=90))


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("24h", 86400), ("2d", 172800), ("250ms", 0.25)]
    )
    def test_a_number_and_a_unit(self, text: str, seconds: float) -> None:
        assert duration(text) == timedelta(seconds=seconds)

    @given(floats(0, 1e6), sampled_from([*UNITS]))
    def test_what_is_written_is_read(self, number: float, unit: str) -> None:
        assert duration(f"{number:.3f}{unit}") == timedelta(seconds=float(f"{number:.3f}") * UNITS[unit])

    @pytest.mark.parametrize("text", ["", "soon", "-1s", "1 s", "1w", "1h30m", "1e3", "nan"])
    def test_anything_else_is_none(self, text: str) -> None:
        with pytest.raises(ValueError, match="no duration"):
            duration(text)


class TestSecretsInFiles:
    def test_every_secret_may_stand_in_a_file(self, toml: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(f"  {KEY}\n")
        settings = load(None, {"ZERO2PROD_SECRET_KEYS_FILE": str(tmp_path / "secret")}, toml)
        assert settings.secret.keys == KEY
        names = {f"{name_of(path)}_FILE" for path in options() if is_secret(path)}
        for name in names:
            assert refusal(toml, {name: "/nowhere"}).startswith(f"{name}: names a file that cannot be read")

    def test_an_empty_variable_does_not_hide_the_file(self, toml: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(KEY)
        environment = {"ZERO2PROD_SECRET_KEYS": "", "ZERO2PROD_SECRET_KEYS_FILE": str(tmp_path / "secret")}
        assert load(None, environment, toml).secret.keys == KEY

    def test_both_at_once_are_refused(self, toml: Path) -> None:
        environment = {"ZERO2PROD_SECRET_KEYS": KEY, "ZERO2PROD_SECRET_KEYS_FILE": "/nowhere"}
        said = refusal(toml, environment)
        assert said == "ZERO2PROD_SECRET_KEYS_FILE: stands beside ZERO2PROD_SECRET_KEYS. Give only one of them."

    def test_a_file_that_is_no_text_cannot_be_read(self, toml: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(b"\xff\xfe")
        said = refusal(toml, {"ZERO2PROD_SECRET_KEYS_FILE": str(tmp_path / "secret")})
        assert said.startswith("ZERO2PROD_SECRET_KEYS_FILE: names a file that cannot be read")

    def test_what_is_no_secret_stands_in_no_file(self, toml: Path) -> None:
        assert refusal(toml, {"ZERO2PROD_HTTP_PORT_FILE": "/nowhere"}).startswith("ZERO2PROD_HTTP_PORT_FILE: is not a")


class TestRefusals:
    @pytest.mark.parametrize("name", ["ZERO2PROD_HTTP_PROT", "ZERO2PROD_FILE", "ZERO2PROD_"])
    def test_an_unknown_variable_is_named(self, toml: Path, name: str) -> None:
        said = refusal(toml, {name: "1"})
        assert said == f"{name}: is not a setting of this program. Remove it, or correct its spelling."

    @pytest.mark.parametrize(
        ("text", "path"),
        [("[http]\nprot = 1\n", "http.prot"), ("[htpt]\nport = 1\n", "htpt.port"), ("http = 1\n", "http")],
    )
    def test_an_unknown_key_of_the_file_is_named(self, toml: Path, text: str, path: str) -> None:
        toml.write_text(text)
        assert refusal(toml) == f"{toml}: has no setting for {path}. Remove it, or correct its spelling."

    @pytest.mark.parametrize("content", [b"[http\n", b"\xff\xfe", b"http = \n"])
    def test_a_file_that_is_no_toml_is_named(self, toml: Path, content: bytes) -> None:
        toml.write_bytes(content)
        assert refusal(toml).startswith(f"{toml}: cannot be read: ")

    def test_a_directory_is_no_file(self, toml: Path) -> None:
        toml.mkdir()
        assert refusal(toml).startswith(f"{toml}: cannot be read: ")

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("HTTP_PORT", "http", "cannot be 'http'. Give a whole number."),
            ("HTTP_PORT", "8000.5", "cannot be '8000.5'. Give a whole number."),
            ("HTTP_PORT", "", "cannot be ''. Give a whole number."),
            ("HTTP_COOKIE_SECURE", "maybe", "cannot be 'maybe'. Give true or false."),
            ("MAIL_TRANSPORT", "pigeon", "cannot be 'pigeon'. Give one of smtp, postmark, memory, console."),
            ("DELIVERY_UNCERTAIN", "ask", "cannot be 'ask'. Give one of resend, hold."),
            ("LOG_FORMAT", "xml", "cannot be 'xml'. Give one of auto, json, text."),
            ("MAIL_POSTMARK_BATCH", "٥", "cannot be '٥'. Give a whole number."),
            ("MAIL_POSTMARK_BATCH", "50 ", "cannot be '50 '. Give a whole number."),
            ("MAIL_POSTMARK_BATCH", "5_0", "cannot be '5_0'. Give a whole number."),
            ("MAIL_TIMEOUT", "٥", "cannot be '٥'. Give a duration such as 90s, 10m or 24h."),
            ("MAIL_TIMEOUT", "soon", "cannot be 'soon'. Give a duration such as 90s, 10m or 24h."),
            ("MAIL_TIMEOUT", "9" * 400 + "d", "Give a duration such as 90s, 10m or 24h."),
        ],
    )
    def test_a_variable_of_another_type_is_named_with_its_value_and_what_would_be_right(
        self, toml: Path, name: str, value: str, said: str
    ) -> None:
        refused = refusal(toml, {f"ZERO2PROD_{name}": value})
        assert refused.startswith(f"ZERO2PROD_{name}: cannot be ")
        assert refused.endswith(said)

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[http]\nport = 8000.5", "HTTP_PORT: cannot be 8000.5. Give a whole number."),
            ("[http]\nport = true", "HTTP_PORT: cannot be True. Give a whole number."),
            ("[http]\nport = [1]", "HTTP_PORT: cannot be [1]. Give a whole number."),
            ("[http]\nhost = 1", "HTTP_HOST: cannot be 1. Give a text."),
            ("[mail]\ntimeout = -5", "MAIL_TIMEOUT: cannot be -5. Give a duration such as 90s, 10m or 24h."),
            ("[mail]\ntimeout = true", "MAIL_TIMEOUT: cannot be True. Give a duration such as 90s, 10m or 24h."),
        ],
    )
    def test_so_is_a_key_of_the_file(self, toml: Path, text: str, said: str) -> None:
        toml.write_text(text)
        assert refusal(toml) == f"ZERO2PROD_{said}"

    def test_a_long_value_is_cut(self, toml: Path) -> None:
        said = refusal(toml, {"ZERO2PROD_HTTP_PORT": "many " * 1000})
        assert len(said) < LONGEST_SHOWN + 80
        assert "…" in said

    @pytest.mark.parametrize("value", ["['hunter2']", "{ password = 'hunter2' }", "42"])
    def test_a_secrets_value_is_never_shown(self, toml: Path, value: str) -> None:
        toml.write_text(f"[secret]\nkeys = {value}\n")
        assert refusal(toml) == "ZERO2PROD_SECRET_KEYS: cannot be its value. Give a text."

    def test_flags_are_checked_too(self, toml: Path) -> None:
        assert refusal(toml, flags={"http.port": 99999}).startswith("ZERO2PROD_HTTP_PORT: cannot be 99999.")
