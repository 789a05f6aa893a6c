"""PostgreSQL dies amid an issue, again and again, and the workers live on: nobody is lost, nobody gets two, and sending
goes on by itself.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import attrs
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.campaigns import Campaign, campaign
from tests.support.postgres import scratch_directory
from tests.support.relays import Relay
from tests.support.server_faults import end_immediately, kill
from tests.support.waiting import until
from zero2prod_core.domain.deliveries import DeliveryState

pytestmark = pytest.mark.alone

SEED = 3

DEATHS = (end_immediately, kill)
"""In turn."""

BETWEEN_DEATHS = 150
"""Mails."""


@pytest.fixture
def mortal() -> Iterator[EmbeddedPostgres]:
    """A server of the test's own, as durable as a user's: its commits wait for the disk."""
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data") as server:
        yield server


@contextmanager
def reconnected(it: Campaign, server: EmbeddedPostgres, database: str) -> Iterator[Campaign]:
    """The same campaign after its own connection has died with the server."""
    with psycopg.connect(make_conninfo(server.superuser_url, dbname=database), autocommit=True) as superuser:
        yield attrs.evolve(it, database=attrs.evolve(it.database, superuser=superuser))


def goes_on(relay: Relay, allowed: int) -> bool:
    """Whether more was accepted than the relay would take at the time of death."""
    return len(relay.mails) > allowed


@pytest.mark.parametrize("deaths", [2, pytest.param(10, marks=pytest.mark.soak)])
def test_a_database_that_dies_again_and_again_loses_nobody_and_repeats_nobody(
    mortal: EmbeddedPostgres, relay: Relay, deaths: int
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same moments every time
    readers = (deaths + 1) * BETWEEN_DEATHS
    with campaign(mortal, relay) as it:
        name = it.database.superuser.info.dbname
        it.readers(readers)
        relay.quota(BETWEEN_DEATHS)
        it.publish()
        with it.working() as one, it.working() as two:
            for death in range(deaths):
                before = death * BETWEEN_DEATHS
                relay.accepted(before + chance.randrange(1, BETWEEN_DEATHS))
                DEATHS[death % 2](mortal)
                relay.quota(before + 2 * BETWEEN_DEATHS)
                mortal.start()
                assert until(partial(goes_on, relay, before + BETWEEN_DEATHS))
            relay.quota(None)
            with reconnected(it, mortal, name) as again:
                again.finish()
            assert [worker.stop() for worker in (one, two)] == [0, 0]
        with reconnected(it, mortal, name) as again:
            verdict = again.verdict()
            assert verdict.is_clean, verdict
            assert verdict.repeated == {}
            assert again.sums() == {DeliveryState.SENT: readers}
