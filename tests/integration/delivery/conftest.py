"""A relay that records, and campaigns over databases of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.campaigns import Campaign, campaign
from tests.support.postgres_proxy import PostgresProxy, proxied
from tests.support.relays import Relay, recording


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    with recording(tmp_path) as running:
        yield running


@pytest.fixture
def issue(postgres_server: EmbeddedPostgres, relay: Relay) -> Iterator[Campaign]:
    """A campaign whose uncertain deliveries are sent again."""
    with campaign(postgres_server, relay) as made:
        yield made


@pytest.fixture
def proxy(issue: Campaign) -> Iterator[PostgresProxy]:
    """Between a worker and that campaign's database."""
    with proxied(issue.database.url) as running:
        yield running
