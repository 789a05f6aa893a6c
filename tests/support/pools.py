"""Connections for tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters_postgres.pool import Limit, Pool
from tests.support.waiting import PATIENCE


@asynccontextmanager
async def opened_pool(
    url: str, size: int = 10, patience: float = PATIENCE, limit: Limit = asyncio.timeout
) -> AsyncIterator[Pool]:
    """An open pool of ``size`` connections at most."""
    pool = Pool(url, size=size, patience=patience, limit=limit)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()
