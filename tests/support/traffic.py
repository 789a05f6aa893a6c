"""Claiming and settling as a worker does, for tests of what holds mail back."""

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from tests.support.core import Core
from zero2prod_core.domain.deliveries import Outcome
from zero2prod_core.domain.issues import Issue
from zero2prod_core.ports.mailer import Parcel
from zero2prod_core.usecases.deliveries import Consignment

SECOND = timedelta(seconds=1)


def readers(count: int, domain: str = "fast.example") -> list[str]:
    return [f"reader-{place}@{domain}" for place in range(count)]


def domains(parcels: Iterable[Parcel]) -> Counter[str]:
    return Counter(parcel.delivery.email.domain for parcel in parcels)


async def claim(core: Core, limit: int = 100, *, urgent: bool = False, insist: bool = False) -> Consignment:
    return await core.application.deliveries.claim("worker", limit, urgent=urgent, insist=insist)


async def settle(core: Core, consignment: Consignment, outcome: Outcome) -> None:
    """As a desk does: the probes are told with their results."""
    await core.application.deliveries.settle([], [parcel.mark for parcel in consignment.parcels])
    reports = [parcel.report(outcome) for parcel in consignment.parcels]
    assert all((await core.application.deliveries.settle(reports, [], consignment.probing)).applied)
    await core.application.deliveries.release(consignment.lease)


async def due_at(core: Core, issue: Issue) -> Counter[float]:
    """How many mails of an issue may be claimed from which second on, as a claim that takes none of them sees it."""
    start, counted = core.clock.now, Counter[float]()
    async with core.store.reading() as tx:
        for second in range(3600):
            counted[second] = await tx.deliveries.unfinished(start + second * SECOND)
    return counted
