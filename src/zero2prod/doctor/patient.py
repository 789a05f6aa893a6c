"""What the doctor looks at."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from adapters_email.smtp_url import is_loopback
from adapters_postgres.health import PostgresHeartbeats
from adapters_postgres.inspection import Inspection
from adapters_postgres.pool import Pool
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from zero2prod.settings import Settings
from zero2prod_core.ports.store import Heartbeats, UnitOfWork

__all__ = ["Patient", "Store", "is_public", "looking_at", "opened"]

PATIENCE = 4.5
"""Seconds: two thirds of it, 3 s, are for opening a connection, as TCP's first attempt may be lost and repeated."""

CONNECTIONS = 12
"""As many as there are questions at one time, so that none waits for another."""


@attrs.frozen
class Store:
    """The database, as far as checks ask it."""

    inspection: Inspection
    heartbeats: Heartbeats
    uow: UnitOfWork


@attrs.frozen
class Patient:
    """An installation; ``data_dir`` is that of the ``up`` it belongs to, None where everything is run by itself."""

    settings: Settings
    environment: Mapping[str, str]
    data_dir: Path | None
    store: Store

    @property
    def is_public(self) -> bool:
        return is_public(self.settings)


def is_public(settings: Settings) -> bool:
    """Whether the public URL leads to another place than the machine of whoever follows it."""
    return not is_loopback(urlsplit(settings.base_url).hostname or "")


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Pool]:
    """Connections to one database, until the block ends."""
    pool = Pool(url, size=CONNECTIONS, patience=PATIENCE, application="zero2prod doctor")
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def looking_at(
    settings: Settings, environment: Mapping[str, str], data_dir: Path | None
) -> AsyncIterator[Patient]:
    """The installation that the settings name."""
    async with opened(settings.database.url) as pool:
        store = Store(Inspection(pool), PostgresHeartbeats(pool), PostgresUnitOfWork(pool))
        yield Patient(settings, environment, data_dir, store)
