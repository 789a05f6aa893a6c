"""The how-tos about deployment, done: the configurations they show serve a real site, and systemd takes their units."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from adapters_http.config import LARGEST_FORM, LARGEST_ISSUE
from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.core import PASSWORD
from tests.support.databases import Database, migrated_database
from tests.support.documentation import blocks
from tests.support.http import FORM
from tests.support.ports import free_port
from tests.support.postgres import scratch_directory
from tests.support.proxies import HOST, SBIN, VISITOR, Proxy, caddy, nginx
from tests.support.services import Installation
from tests.support.shells import Shell
from tests.support.waiting import until
from zero2prod.testing.builders import KEY, new_id, number
from zero2prod_core.domain.keys import Key
from zero2prod_core.domain.tokens import Purpose, token_text

PROXIES = {
    "nginx": ("deploy-behind-nginx", "nginx", nginx),
    "caddy": ("deploy-behind-caddy", "caddyfile", caddy),
}

OTHER_KEY = Key("other", bytes(32))

CLAIMED = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7", "X-Request-Id": "claimed-by-visitor"}

EVIDENCE = """
SELECT network_address, request_id FROM consent JOIN subscriptions ON subscription_id = id WHERE email = %s
"""

DETAILS = "SELECT details FROM audit_details JOIN audit_events USING (event_id) WHERE request_id = %s"

# What RFC 8058 §3.1 has a mail provider send, in its two encodings.
ONE_CLICK = (
    (FORM["Content-Type"], b"List-Unsubscribe=One-Click"),
    (
        "multipart/form-data; boundary=it",
        b'--it\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--it--\r\n',
    ),
)


@pytest.fixture(scope="module")
def site(postgres_server: EmbeddedPostgres) -> Iterator[tuple[Installation, Database]]:
    """The site as the how-tos set it up; no worker, so no mail leaves."""
    with migrated_database(postgres_server, "deployed") as database:
        told = {"HTTP_BASE_URL": f"https://{HOST}", "HTTP_TRUSTED_PROXIES": "127.0.0.1", "HTTP_COOKIE_SECURE": True}
        installation = Installation.over(database.url, free_port(), **told)
        with installation.serving():
            yield installation, database


BOTH = [
    pytest.param("nginx", marks=pytest.mark.system_package("nginx", "nginx")),
    pytest.param("caddy", marks=pytest.mark.system_package("caddy", "caddy")),
]


@pytest.fixture(scope="module", params=BOTH)
def proxy(request: pytest.FixtureRequest, site: tuple[Installation, Database]) -> Iterator[Proxy]:
    with started(request.param, site[0]) as running:
        yield running


@contextmanager
def started(name: str, installation: Installation) -> Iterator[Proxy]:
    """The proxy as its page has it, before the site."""
    page, language, start = PROXIES[name]
    (configuration,) = blocks(page, language)
    with scratch_directory() as place, start(configuration, place, installation.port) as running:
        yield running


@pytest.fixture
def database(site: tuple[Installation, Database]) -> Database:
    return site[1]


def sign_up(proxy: Proxy) -> tuple[int, str]:
    """The status, and the e-mail address that signed up, with headers by which a visitor claims to be another."""
    email = f"reader-{number()}@example.com"
    fields = urlencode({"name": "Ada", "email": email}).encode()
    return proxy.ask("POST", "/subscriptions", fields, {**FORM, **CLAIMED}).status, email


def test_a_page_comes_with_the_headers_of_a_site_behind_tls(proxy: Proxy) -> None:
    reply = proxy.ask("GET", "/")
    assert reply.status == 200
    assert 'action="/subscriptions"' in reply.text
    assert reply.headers["Strict-Transport-Security"]
    assert not re.search(r"\d", reply.headers["Server"])


def test_plain_http_leads_to_https(proxy: Proxy) -> None:
    reply = proxy.ask_without_tls("/login")
    assert reply.status in {301, 308}
    assert reply.headers["Location"] == f"https://{HOST}/login"


def test_evidence_and_audit_know_the_visitor_and_not_what_was_claimed(proxy: Proxy, database: Database) -> None:
    status, email = sign_up(proxy)
    assert status == 200
    ((network_address, request_id),) = database.superuser.execute(EVIDENCE, [email]).fetchall()
    assert network_address == VISITOR
    assert request_id != CLAIMED["X-Request-Id"]
    ((details,),) = database.superuser.execute(DETAILS, [request_id]).fetchall()
    assert details["network_address"] == VISITOR


@pytest.mark.parametrize(("kind", "body"), ONE_CLICK)
def test_the_one_click_post_passes_through(proxy: Proxy, database: Database, kind: str, body: bytes) -> None:
    _, email = sign_up(proxy)
    found = database.superuser.execute("SELECT id FROM subscriptions WHERE email = %s", [email]).fetchall()
    link = f"/unsubscribe/{token_text(KEY, Purpose.UNSUBSCRIBE, found[0][0])}"
    assert proxy.ask("GET", link).status == 200
    reply = proxy.ask("POST", link, body, {"Content-Type": kind})
    assert (reply.status, "Set-Cookie" in reply.headers) == (200, False)
    assert link not in proxy.said()


def log_in(proxy: Proxy, installation: Installation) -> dict[str, str]:
    """What a browser would send with its next form."""
    username = f"ada-{number()}"
    installation.told("admin", "create", username, "--password-stdin", stdin=f"{PASSWORD}\n")
    own = {**FORM, "Origin": f"https://{HOST}"}
    fields = urlencode({"username": username, "password": PASSWORD}).encode()
    cookie = proxy.ask("POST", "/login", fields, own).headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    return {**own, "Cookie": cookie.partition(";")[0]}


def test_the_longest_issue_passes_and_a_longer_one_is_413(proxy: Proxy, site: tuple[Installation, Database]) -> None:
    own = log_in(proxy, site[0])
    assert proxy.ask("POST", "/admin/newsletters", b"x" * LARGEST_ISSUE, own).status == 400
    assert proxy.ask("POST", "/admin/newsletters", b"x" * (LARGEST_ISSUE + 1), own).status == 413


def test_a_form_that_is_too_long_is_413(proxy: Proxy) -> None:
    assert proxy.ask("POST", "/subscriptions", b"x" * (LARGEST_FORM + 1), FORM).status == 413


@pytest.mark.parametrize("name", BOTH)
def test_no_log_has_the_token_of_a_request_that_failed(name: str, database: Database) -> None:
    installation = Installation.over(database.url, free_port())
    link = f"/unsubscribe/{token_text(KEY, Purpose.UNSUBSCRIBE, new_id())}"
    with installation.serving() as service, started(name, installation) as proxy:
        assert proxy.ask("GET", link).status == 401
        service.kill()
        assert proxy.ask("GET", link).status == 502
        assert link not in proxy.said()


@pytest.mark.system_package("nginx", "nginx")
def test_nginx_limits_forms_and_never_unsubscribing(site: tuple[Installation, Database]) -> None:
    link = f"/unsubscribe/{token_text(OTHER_KEY, Purpose.UNSUBSCRIBE, new_id())}"
    with started("nginx", site[0]) as proxy:
        assert until(lambda: sign_up(proxy)[0] == 429)
        assert {proxy.ask("POST", link, b"", FORM).status for _ in range(30)} == {401}
        assert proxy.ask("GET", "/").status == 200


@pytest.mark.system_package("nginx", "nginx")
def test_a_site_of_nginx_is_switched_on(site: tuple[Installation, Database]) -> None:
    (switch_on,) = blocks("deploy-behind-nginx", "sh")
    with started("nginx", site[0]) as proxy:
        place, program = proxy.place, f"nginx -e {proxy.place}/error.log -p {proxy.place} -c {proxy.place}/nginx.conf"
        (place / "site").rename(place / "available")
        exchanges = {
            "/etc/nginx/sites-available/zero2prod": str(place / "available"),
            "/etc/nginx/sites-enabled/zero2prod": str(place / "site"),
            "nginx -t": f"{program} -t",
            "systemctl reload nginx": f"{program} -s reload",
        }
        Shell.in_checkout(place, exchanges, {"PATH": SBIN}).succeeds(switch_on)
        assert until(lambda: proxy.is_ready)


@pytest.mark.system_package("systemd", "systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("zero2prod")
    names = ("zero2prod-site.service", "zero2prod-worker@.service")
    for name, unit in zip(names, blocks("run-under-systemd", "ini"), strict=True):
        (tmp_path / name).write_text(unit.replace("/opt/zero2prod/bin/zero2prod", str(program)))
    files = [str(tmp_path / names[0]), str(tmp_path / names[1].replace("@", "@1"))]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
