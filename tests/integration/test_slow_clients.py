"""Many slow clients at a site that serves, and honest sign-ups amid them."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.databases import migrated_database
from tests.support.ports import free_port
from tests.support.services import Installation, Service
from tests.support.slow_clients import loopback, slow_clients
from tests.support.waiting import eventually
from zero2prod.processes import raise_file_limit
from zero2prod.testing.builders import number

pytestmark = pytest.mark.alone

SLOW = 1000
HONEST = 50

# So many at once, as people who come from one newsletter's mention elsewhere.
AT_ONCE = 10

FEW_FILES = 256
"""What the service finds at its start: too few for any of this."""

# In the other net of loopback, so that none of them is a slow one's neighbour.
ELSEWHERE = 1


@contextmanager
def few_files() -> Iterator[None]:
    """Whatever starts within may open few files until it asks for more; afterwards we take all we may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW_FILES, hard))
    try:
        yield
    finally:
        raise_file_limit()


def file_limit(service: Service) -> int:
    """The soft one."""
    limits = Path(f"/proc/{service.process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max open files")]
    return int(line.split()[3])


async def sign_up(port: int, who: int) -> int:
    """The answer's status, for somebody at a network address of their own."""
    connector = aiohttp.TCPConnector(local_addr=(loopback(who, ELSEWHERE), 0))
    async with aiohttp.ClientSession(connector=connector) as client:
        form = {"name": "Ada", "email": f"ada-{who}@example.com"}
        url = f"http://127.0.0.1:{port}/subscriptions"
        async with client.post(url, data=form, allow_redirects=False) as response:
            await response.read()
            return response.status


async def sign_ups(port: int) -> set[int]:
    """The statuses of all honest sign-ups."""
    statuses: set[int] = set()
    for first in range(0, HONEST, AT_ONCE):
        statuses |= set(await asyncio.gather(*(sign_up(port, who) for who in range(first, first + AT_ONCE))))
    return statuses


@pytest.mark.parametrize("connections", [2 * SLOW, SLOW // 2], ids=["room for all", "room for half of them"])
async def test_slow_clients_do_not_fail_one_honest_sign_up(postgres_server: EmbeddedPostgres, connections: int) -> None:
    with migrated_database(postgres_server, f"slow_{number()}") as database:
        installation = Installation.over(
            database.url,
            free_port(),
            LIMITS_CONNECTIONS=connections,
            LIMITS_HEADER_DEADLINE="2s",
            LIMITS_BODY_DEADLINE="2s",
            LIMITS_READ_DEADLINE="2s",
        )
        with few_files(), installation.serving() as service:
            raise_file_limit()
            assert file_limit(service) > FEW_FILES
            async with slow_clients(installation.port, SLOW) as crowd:
                assert await eventually(crowd.all_arrived)
                assert await sign_ups(installation.port) == {200}

                async def are_shown_out() -> bool:
                    return crowd.times_closed >= SLOW

                assert await eventually(are_shown_out)
                assert await sign_ups(installation.port) == {200}
            assert '"connections_dropped"' in service.said
            assert "Traceback" not in service.said
            assert service.stop() == 0
        ((subscriptions,),) = database.superuser.execute("SELECT count(*) FROM subscriptions").fetchall()
        assert subscriptions == HONEST
