"""Bad input over HTTP, to a process with a database: an answer that names field and rule, and no row."""

from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import quote, urlencode

import attrs
import orjson
import pytest
from markupsafe import escape

from adapters_http.wording import PLAINLY
from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.core import PASSWORD
from tests.support.databases import Database, migrated_database
from tests.support.http import FORM, JSON, Answer, Browser, browsing
from tests.support.ports import free_port
from tests.support.services import Installation
from zero2prod.testing.builders import number

EMAIL = "email=ada%40example.com"
GOOD = f"name=Ada&{EMAIL}".encode()

ROWS = """
SELECT (SELECT count(*) FROM subscriptions), (SELECT count(*) FROM sign_up_rounds), (SELECT count(*) FROM tokens),
    (SELECT count(*) FROM consent), (SELECT count(*) FROM deliveries), (SELECT count(*) FROM newsletter_issues),
    (SELECT count(*) FROM audit_events)
"""


@attrs.frozen
class Site:
    """A running service, its browser, and the database behind it."""

    browser: Browser
    database: Database

    @property
    def rows(self) -> list[tuple[int, ...]]:
        """How many there are of everything that a form could make."""
        return self.database.superuser.execute(ROWS).fetchall()


@pytest.fixture(scope="module")
def house(postgres_server: EmbeddedPostgres) -> Iterator[tuple[int, Database]]:
    """A service's port, and its database."""
    with migrated_database(postgres_server, f"http_input_{number()}") as database:
        installation = Installation.over(database.url, free_port())
        installation.told("admin", "create", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
        with installation.serving():
            yield installation.port, database


@pytest.fixture
async def site(house: tuple[int, Database]) -> AsyncIterator[Site]:
    port, database = house
    async with browsing(port) as browser:
        yield Site(browser, database)


async def refuse(
    site: Site, path: str, body: bytes | None, status: int, field: str, headers: Mapping[str, str] = FORM
) -> str:
    """Send it as a program and as a browser: both get the status and are told of the field, and no row is made.

    Returns:
        The rule, as the program is told.
    """
    before = site.rows
    as_program = await site.browser.send("POST", path, {**headers, **JSON}, body)
    as_browser = await site.browser.send("POST", path, headers, body)
    assert (as_program.status, as_browser.status) == (status, status)
    assert site.rows == before
    problem = details(as_program)
    assert problem["field"] == field
    words = "missing" if problem["rule"] == "required" else problem["rule"]
    assert words in problem["detail"]
    assert as_browser.headers["Content-Type"].startswith("text/html")
    assert escape(problem["remedy"] if problem["rule"] in PLAINLY else words) in as_browser.text
    return problem["rule"]


def details(answer: Answer) -> dict[str, str]:
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem: dict[str, str] = orjson.loads(answer.body)
    return problem


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(None, "name", id="no body"),
        pytest.param(b"", "name", id="an empty body"),
        pytest.param(b"&&=&", "name", id="a body of separators"),
        pytest.param(EMAIL.encode(), "name", id="no name"),
        pytest.param(f"name=&{EMAIL}".encode(), "name", id="an empty name"),
        pytest.param(f"name=+%20%09&{EMAIL}".encode(), "name", id="a name of white space"),
        pytest.param(f"name=A%00da&{EMAIL}".encode(), "name", id="NUL in the name"),
        pytest.param(f"name=Ada%0D%0ABcc%3A&{EMAIL}".encode(), "name", id="a line break in the name"),
        pytest.param(f"name=%3Cscript%3E&{EMAIL}".encode(), "name", id="markup in the name"),
        pytest.param(f"name={'a' * 257}&{EMAIL}".encode(), "name", id="a long name"),
        pytest.param(f"name={quote('é' * 1025)}&{EMAIL}".encode(), "name", id="a name of many code points"),
        pytest.param(f"name=%E2%80%AEada&{EMAIL}".encode(), "name", id="a name that turns the line"),
        pytest.param(f"name=%FF%FE&{EMAIL}".encode(), "name", id="a name in another encoding"),
        pytest.param(b"name=\xc4\xe4&" + EMAIL.encode(), "name", id="a name in Latin-1 without escapes"),
        pytest.param(f"name=%C0%80&{EMAIL}".encode(), "name", id="NUL in overlong UTF-8"),
        pytest.param(f"name=%ED%A0%80&{EMAIL}".encode(), "name", id="a surrogate"),
        pytest.param(f"name=Ada&name=Ada&{EMAIL}".encode(), "name", id="two names"),
        pytest.param(b"name=Ada", "email", id="no e-mail address"),
        pytest.param(b"name=Ada&email=", "email", id="an empty e-mail address"),
        pytest.param(b"name=Ada&email=ada", "email", id="an e-mail address without a domain"),
        pytest.param(b"name=Ada&email=%40example.com", "email", id="an e-mail address without a local part"),
        pytest.param(b"name=Ada&email=ada%40example.com%00", "email", id="NUL in the e-mail address"),
        pytest.param(b"name=Ada&email=ada%40example.com%0ABcc%3A+eve%40example.com", "email", id="a header in it"),
        pytest.param(f"name=Ada&email={'a' * 250}%40example.com".encode(), "email", id="a long e-mail address"),
        pytest.param(b"name=Ada&email=ada%40%E9xample.com", "email", id="an e-mail address in Latin-1"),
        pytest.param(f"name=Ada&{EMAIL}&{EMAIL}".encode(), "email", id="two e-mail addresses"),
        pytest.param(GOOD + b"&newsletter=a%00b", "newsletter", id="NUL in the newsletter's slug"),
        pytest.param(GOOD + b"&newsletter=N%C3%B6", "newsletter", id="a slug with a letter that none has"),
        pytest.param(GOOD + b"&x=1" * 200, "body", id="very many fields"),
    ],
)
async def test_a_sign_up_that_cannot_be(site: Site, body: bytes | None, field: str) -> None:
    headers = {} if body is None else FORM
    assert await refuse(site, "/subscriptions", body, 400, field, headers)


async def test_a_body_that_is_too_large(site: Site) -> None:
    assert "16384" in await refuse(site, "/subscriptions", GOOD + b"&x=" + b"x" * 16384, 413, "body")


@pytest.mark.parametrize(
    "type_",
    ["application/json", "text/plain", "multipart/form-data; boundary=x", f"{FORM['Content-Type']}; charset=latin-1"],
)
async def test_a_body_of_another_type(site: Site, type_: str) -> None:
    assert await refuse(site, "/subscriptions", GOOD, 415, "Content-Type", {"Content-Type": type_})


async def test_a_compressed_body(site: Site) -> None:
    headers = {**FORM, "Content-Encoding": "gzip"}
    assert await refuse(site, "/subscriptions", GOOD, 415, "Content-Encoding", headers)


@pytest.mark.parametrize("token", ["", "x", "a%00b", "%FF", "A" * 5000])
async def test_a_confirmation_with_something_that_is_no_token(site: Site, token: str) -> None:
    body = f"subscription_token={token}".encode()
    before = site.rows
    answer = await site.browser.send("POST", "/subscriptions/confirm", {**FORM, **JSON}, body)
    assert answer.status == 400
    assert "subscription_token" in answer.text
    answer = await site.browser.get(f"/subscriptions/confirm?subscription_token={token}", JSON)
    assert answer.status == 400
    assert "subscription_token" in answer.text
    assert site.rows == before


@pytest.mark.parametrize(
    ("body", "field"),
    [(b"", "username"), (b"password=x", "username"), (b"username=ada", "password"), (b"username=a%00", "username")],
)
async def test_a_login_that_cannot_be(site: Site, body: bytes, field: str) -> None:
    assert await refuse(site, "/login", body, 400, field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"text_content": ""}, "text_content"),
        ({"text_content": "a\0b"}, "text_content"),
        ({"text_content": "x" * (1024 * 1024 + 1)}, "text_content"),
        ({"html_content": "a\0b"}, "html_content"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"idempotency_key": "k" * 51}, "idempotency_key"),
        ({"idempotency_key": "a\nb"}, "idempotency_key"),
    ],
    ids=lambda value: f"{str(value)[:40]!r}",
)
async def test_an_issue_that_cannot_be(site: Site, changes: dict[str, str], field: str) -> None:
    assert (await site.browser.post("/login", {"username": "ada", "password": PASSWORD})).status == 303
    issue = {"title": "News", "text_content": "Some words.", "html_content": "", "idempotency_key": "1", **changes}
    assert await refuse(site, "/admin/newsletters", urlencode(issue).encode(), 400, field)


async def test_names_that_only_look_dangerous_are_stored_as_typed(site: Site) -> None:
    for name in ("Robert'; DROP TABLE subscriptions", "Maria Castillo", "中村 明", "%00", "${jndi}"):
        answer = await site.browser.post("/subscriptions", {"name": name, "email": f"n{number()}@example.com"})
        wrong = "{" in name
        assert answer.status == (400 if wrong else 200)
        found = site.database.superuser.execute("SELECT name FROM subscriptions WHERE name = %s", [name]).fetchall()
        assert found == ([] if wrong else [(name,)])
