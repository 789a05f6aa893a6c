"""The how-to about steering an issue, typed as it stands; what relays would answer is reported by the test."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import TypeVar

import attrs
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import APPLICATION
from tests.support.core import SENT, publication
from tests.support.databases import migrated_database
from tests.support.documentation import blocks
from tests.support.machines import url_of
from tests.support.postgres import scratch_directory
from tests.support.services import Installation
from tests.support.shells import Shell
from zero2prod.runtime import Runtime, running
from zero2prod.settings_loading import load
from zero2prod.testing.builders import number, origin, subscriber
from zero2prod_core.domain.deliveries import DeliveryState, Outcome, Rejected, Reply, Uncertain
from zero2prod_core.domain.issues import Issue, IssueState
from zero2prod_core.domain.progress_reports import IssueProgress
from zero2prod_core.domain.subscribers import Subscriber

pytestmark = pytest.mark.untraced

Result = TypeVar("Result")

ISSUE = "01a20570-c2b8-7034-adee-dcdea2a5a4b8"
RECIPIENT = "01a20571-0a3c-7c5e-9f0e-3d6c1b2a4f58"

NOBODY_LISTENS = 1

LOST = Uncertain(Reply(None, "connection lost"))
REFUSED = Rejected(Reply(550, "5.7.1 not today"))


@attrs.frozen
class Machine:
    """A shell with an installation's settings, and the application beside it."""

    shell: Shell
    environment: Mapping[str, str]

    def ask(self, verb: Callable[[Runtime], Awaitable[Result]]) -> Result:
        async def answer() -> Result:
            async with running(load(None, self.environment)) as runtime:
                return await verb(runtime)

        return asyncio.run(answer())

    def published(self, *readers: Subscriber) -> Issue:
        async def publish(runtime: Runtime) -> Issue:
            async with runtime.container.uow()() as tx:
                await tx.subscribers.claim_batch(readers)
            return await runtime.application.publish(publication(), origin())

        return self.ask(publish)

    def settle(self, *outcomes: tuple[Subscriber, Outcome]) -> None:
        """What becomes of each reader's mail; issues that have nothing more to send are finished."""
        by_id = {reader.id: outcome for reader, outcome in outcomes}

        async def send(runtime: Runtime) -> None:
            app = runtime.application
            parcels = (await app.deliveries.claim("test", 10, urgent=False)).parcels
            assert {parcel.delivery.key.recipient for parcel in parcels} == by_id.keys()
            await app.deliveries.settle([], [parcel.mark for parcel in parcels])
            await app.deliveries.settle([p.report(by_id[p.delivery.key.recipient]) for p in parcels], [])
            await app.jobs.finish_issues()

        self.ask(send)

    def shown(self, issue: Issue) -> IssueProgress:
        return self.ask(lambda runtime: _awaited(runtime.application.show_issue(issue.id)))

    def types(self, block: str, issue: Issue, recipient: Subscriber | None = None) -> str:
        """What it prints."""
        exchanges = {ISSUE: str(issue.id), RECIPIENT: str(recipient.id if recipient else RECIPIENT)}
        return self.shell.exchanging(exchanges).succeeds(block)


async def _awaited(shown: Awaitable[IssueProgress]) -> IssueProgress:
    return await shown


@pytest.fixture
def machine(postgres_server: EmbeddedPostgres) -> Iterator[Machine]:
    name = f"steered_{number()}"
    with scratch_directory() as place, migrated_database(postgres_server, name):
        house = Installation.over(url_of(postgres_server, APPLICATION, name), NOBODY_LISTENS)
        environment = {f"ZERO2PROD_{name}": str(value) for name, value in house.settings.items()}
        yield Machine(Shell.in_checkout(place, {}, environment), environment)


def test_an_issue_is_watched_held_and_decided(machine: Machine) -> None:
    watch, hold, decide, failed, again, *_ = blocks("steer-an-issue", "sh")
    there, believed, lost, refused = readers = [subscriber() for _ in range(4)]
    issue = machine.published(*readers)
    said = machine.types(hold, issue)
    assert f"Paused {issue.id}." in said
    assert f"Resumed {issue.id}." in said
    machine.settle((there, SENT), (believed, LOST), (lost, LOST), (refused, REFUSED))
    said = machine.types(decide, issue, believed)
    assert believed.email.text in said
    assert lost.email.text in said
    assert "Counted 1 mail as sent." in said
    assert "Sending 1 mail once more." in said
    machine.settle((lost, SENT))
    said = machine.types(failed, issue)
    assert refused.email.text in said
    assert str(REFUSED.reply.code) in said
    assert f"Sending what failed of {issue.id} again." in machine.types(again, issue)
    machine.settle((refused, SENT))
    said = machine.types(watch, issue)
    assert "possibly twice\t1" in said
    assert "finished   100 %   4 of 4   sent 4   possibly twice 1" in said


def test_an_issue_is_stopped_for_good(machine: Machine) -> None:
    *_, cancel, _ = blocks("steer-an-issue", "sh")
    issue = machine.published(subscriber())
    assert f"Cancelled {issue.id}." in machine.types(cancel, issue)
    assert machine.shown(issue).issue.state is IssueState.CANCELLED


def test_rates_are_taken(machine: Machine) -> None:
    *_, slower = blocks("steer-an-issue", "sh")
    issue = machine.published()
    assert "Nothing was tried." in machine.types(slower, issue)
    assert machine.shown(issue).sums.get(DeliveryState.FAILED, 0) == 0
