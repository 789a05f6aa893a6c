"""One installation for all these tests, over a database that is emptied before each."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.contract_http.mails import Post, receiving
from tests.contract_http.ports import Installation
from tests.contract_http.sites import USERNAME, Site, implementation, settings
from tests.contract_http.visitors import PASSWORD, Visitor


@pytest.fixture(scope="session")
def post() -> Iterator[Post]:
    with receiving() as made:
        yield made


@pytest.fixture(scope="session")
def installation(request: pytest.FixtureRequest, post: Post) -> Iterator[Installation]:
    """With a worker that delivers at once."""
    with implementation().installation(request, settings(post)) as made, made.working():
        yield made


@pytest.fixture(scope="session")
def delivers() -> bool:
    """Whether somebody is at work."""
    return True


@pytest.fixture(scope="session")
def database(installation: Installation) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(installation.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def url(installation: Installation) -> Iterator[str]:
    with installation.serving({}) as made:
        yield made


@pytest.fixture
def site(
    installation: Installation, url: str, post: Post, database: psycopg.Connection[Any], delivers: bool
) -> Iterator[Site]:
    """Nobody has come yet."""
    installation.empty()
    post.forget()
    yield Site(installation, url, post, database)
    if delivers:
        installation.settle()  # or a mail that is under way would come to the next test


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    with Visitor.at(site.url) as made:
        yield made


@pytest.fixture
def staff(site: Site) -> Iterator[Visitor]:
    """Somebody who is logged in, at a browser of their own."""
    site.installation.create_account(USERNAME, PASSWORD)
    with Visitor.at(site.url) as made:
        made.log_in(USERNAME)
        yield made
