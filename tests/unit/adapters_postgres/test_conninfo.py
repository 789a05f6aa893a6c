import pytest
from psycopg.conninfo import conninfo_to_dict

from adapters_postgres.conninfo import conninfo, user_of
from zero2prod_core.errors import SettingInvalid


def test_what_the_url_says_wins_over_our_defaults() -> None:
    told = conninfo_to_dict(conninfo("postgresql://ada@db.test/news?keepalives_idle=60&application_name=mine", "ours"))
    assert (told["host"], told["user"], told["dbname"]) == ("db.test", "ada", "news")
    assert (told["keepalives_idle"], told["application_name"]) == ("60", "mine")
    assert (told["keepalives_count"], told["client_encoding"]) == ("3", "UTF8")


def test_the_session_is_in_utc_and_waits_for_locks_for_five_seconds_whatever_the_url_says() -> None:
    told = conninfo_to_dict(conninfo("host=db.test options='-c timezone=Asia/Tokyo -c work_mem=8MB'", "ours"))
    options = str(told["options"])
    assert "work_mem=8MB" in options
    assert options.rindex("timezone=UTC") > options.index("timezone=Asia/Tokyo")
    assert "lock_timeout=5s" in options
    assert told["application_name"] == "ours"


@pytest.mark.parametrize(
    "url", ["postgresql://ada:secret@[::1/news", "host", "postgresql://db.test/news?sslmod=require"]
)
def test_an_unreadable_url_is_refused_by_its_setting_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        conninfo(url, "ours", "ZERO2PROD_DATABASE_OWNER_URL")
    assert str(caught.value).startswith("ZERO2PROD_DATABASE_OWNER_URL: ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:sec@ret@db.test:5432/news",
        "postgres://ada:sec@ret@@db.test/news",
        "postgresql://ada:ret/x@db.test:5432/news",
        "postgresql://ada:12/ret@db.test:5432/news",
        "postgresql://ada:sec@12/ret@db.test:5432/news",
        "postgresql://ada:@/ret@db.test/news",
        "host=ret@db.test",
        "host=db.test port=ret",
        "host=db.test,other.test port=5432,ret",
    ],
)
def test_a_password_that_runs_into_the_other_parts_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(SettingInvalid) as caught:
        conninfo(url, "ours")
    assert str(caught.value).startswith("ZERO2PROD_DATABASE_URL: has an @, / or : where none can stand.")
    assert "%40" in str(caught.value)
    assert "ret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql://ada:sec%40ret%2F%3A@db.test:5432/news", "db.test"),
        ("postgresql://ada@/news?host=/run/a@b", "/run/a@b"),
        ("postgresql://ada@%2Frun%2Fa%40b/news", "/run/a@b"),
        ("postgresql:///news?host=@abstract", "@abstract"),
        ("postgresql://one.test:5432,two.test/news", "one.test,two.test"),
        ("postgresql://", None),
    ],
)
def test_sockets_and_several_hosts_are_no_passwords(url: str, host: str | None) -> None:
    assert conninfo_to_dict(conninfo(url, "ours")).get("host") == host


def test_the_user_is_the_urls_or_else_libpqs_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGUSER", "grace")
    assert user_of("postgresql://ada@db.test/news") == "ada"
    assert user_of("postgresql://db.test/news") == "grace"
