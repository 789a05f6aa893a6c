"""Very many readers, by the ordinary way: two workers, a relay that only counts, and sums that are right at the end."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.campaigns import BASE_URL, SOAK
from tests.support.counters import Counted, counting
from tests.support.counting_smtp import crowd_sum
from tests.support.crowds import gather, readers
from tests.support.databases import migrated_database
from tests.support.services import MEMORY_AT_MOST, SECRET_KEYS, Installation
from tests.support.waiting import until
from zero2prod.runtime import running
from zero2prod.settings import DatabaseSettings, HttpSettings, SecretSettings, Settings
from zero2prod.testing.builders import number, origin, publication
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.issues import IssueState

pytestmark = [pytest.mark.alone]

CONNECTIONS = 33

# Hours: the machine may be busy, and only what comes of it counts.
PATIENCE = 20_000.0


@pytest.mark.parametrize("audience", [2_000, pytest.param(1_000_000, marks=SOAK)])
def test_each_of_very_many_readers_gets_one_mail(postgres_server: EmbeddedPostgres, audience: int) -> None:
    with ExitStack() as stack:
        database = stack.enter_context(migrated_database(postgres_server, f"crowd_{number()}"))
        gather(database, audience)
        relay = stack.enter_context(counting())
        installation = Installation.over(
            database.url, relay.port, HTTP_BASE_URL=BASE_URL, MAIL_SMTP_CONNECTIONS=CONNECTIONS
        )
        workers = [stack.enter_context(installation.working()) for _ in range(2)]
        assert asyncio.run(publish(database.url)) == audience
        relay.accepted(audience, PATIENCE)
        assert until(lambda: asyncio.run(shown(database.url))[0] is IssueState.FINISHED)
        peaks = [worker.peak_memory for worker in workers]
        assert [worker.stop() for worker in workers] == [0, 0]
        assert relay.counted(audience, PATIENCE) == Counted(audience, crowd_sum(readers(audience)))
        assert asyncio.run(shown(database.url)) == (IssueState.FINISHED, {DeliveryState.SENT: audience})
        assert max(peaks) <= MEMORY_AT_MOST


async def publish(url: str) -> int:
    """An issue; how many it goes to."""
    async with running(settings(url)) as runtime:
        return (await runtime.application.publish(publication(), origin())).audience


async def shown(url: str) -> tuple[IssueState, Mapping[DeliveryState, int]]:
    """The state of the one issue, and its sums."""
    async with running(settings(url)) as runtime:
        (issue,) = await runtime.application.list_issues()
        return issue.state, (await runtime.application.show_issue(issue.id)).sums


def settings(url: str) -> Settings:
    return Settings(
        database=DatabaseSettings(url=url),
        http=HttpSettings(base_url=BASE_URL),
        secret=SecretSettings(keys=SECRET_KEYS),
    )
