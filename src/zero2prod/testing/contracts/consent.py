import attrs

from zero2prod.testing.builders import consent, later, new_id
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.consent import ConsentKind, Evidence
from zero2prod_core.domain.origins import Actor, ActorKind, Origin


class ConsentContract(Contract):
    """Evidence of consent: `zero2prod_core.ports.consent.ConsentRepository`."""

    async def test_records_of_consent_come_back_oldest_first(self) -> None:
        reader, other = new_id(), new_id()
        mail = "<a.b.c@example.com>"
        confirmed = consent(reader, kind=ConsentKind.CONFIRMED, occurred_at=later(60), message_id=mail)
        requested = consent(reader, occurred_at=later(0))
        async with self.uow() as tx:
            await tx.consent.add_batch([confirmed, requested])
            await tx.consent.add_batch([consent(new_id()), between := consent(other, occurred_at=later(30))])
        async with self.uow.reading() as tx:
            assert await tx.consent.of([reader]) == [requested, confirmed]
            assert await tx.consent.of([other, reader]) == [requested, between, confirmed]
            assert await tx.consent.of([]) == []

    async def test_evidence_may_know_little(self) -> None:
        bare = consent(new_id(), round=None, evidence=Evidence(Origin(Actor(ActorKind.TERMINAL, "root")), "terminal"))
        async with self.uow() as tx:
            await tx.consent.add_batch([bare])
        async with self.uow.reading() as tx:
            assert await tx.consent.of([bare.subscriber]) == [bare]

    async def test_nobody_has_no_records_of_consent(self) -> None:
        async with self.uow() as tx:
            await tx.consent.add_batch([])
            assert await tx.consent.of([new_id()]) == []

    async def test_evidence_is_forgotten_but_for_what_happened_when(self) -> None:
        known, other = consent(new_id(), message_id="<a.b@example.com>"), consent(new_id())
        async with self.uow() as tx:
            await tx.consent.add_batch([known, other])
            await tx.consent.forget([known.subscriber, new_id()])
            await tx.consent.forget([])
        bare = attrs.evolve(known.evidence.origin, network_address=None, user_agent=None)
        async with self.uow.reading() as tx:
            (found,) = await tx.consent.of([known.subscriber])
            assert found == attrs.evolve(known, evidence=attrs.evolve(known.evidence, origin=bare))
            assert await tx.consent.of([other.subscriber]) == [other]
