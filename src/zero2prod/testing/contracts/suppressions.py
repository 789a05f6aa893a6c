from datetime import timedelta

import attrs

from zero2prod.testing.builders import KEY, email, later, suppression
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.suppressions import LIFTED_BY_CONFIRMING, Digest, Reason, digest

OLD = Digest("old", b"\x01" * 32)
NEW = Digest("new", b"\x02" * 32)


class SuppressionsContract(Contract):
    """Suppressed e-mail addresses: `zero2prod_core.ports.suppressions.SuppressionRepository`."""

    async def test_reasons_of_suppression_are_those_of_every_digest_of_an_email_address(self) -> None:
        other = digest(KEY, email())
        async with self.uow() as tx:
            await tx.suppressions.add_batch([suppression(OLD, Reason.BOUNCE), suppression(NEW, Reason.COMPLAINT)])
            await tx.suppressions.add_batch([suppression(other, Reason.MANUAL)])
        async with self.uow.reading() as tx:
            found = await tx.suppressions.reasons([[NEW, OLD], [OLD], [digest(KEY, email())], [other], []])
        bounce, complaint = Reason.BOUNCE, Reason.COMPLAINT
        assert [set(each) for each in found] == [{bounce, complaint}, {bounce}, set(), {Reason.MANUAL}, set()]

    async def test_a_digest_is_told_apart_by_its_keys_id(self) -> None:
        async with self.uow() as tx:
            await tx.suppressions.add_batch([suppression(OLD)])
            assert await tx.suppressions.reasons([[attrs.evolve(OLD, key_id="new")]]) == [frozenset()]
            assert await tx.suppressions.reasons([]) == []

    async def test_a_suppression_that_exists_is_left_as_it_is(self) -> None:
        first = suppression(OLD, Reason.BOUNCE)
        again = attrs.evolve(first, created_at=first.created_at + timedelta(days=1))
        async with self.uow() as tx:
            await tx.suppressions.add_batch([first])
            await tx.suppressions.add_batch([again, suppression(OLD, Reason.IMPORT)])
            await tx.suppressions.add_batch([])
        async with self.uow() as tx:
            assert await tx.suppressions.reasons([[OLD]]) == [frozenset({Reason.BOUNCE, Reason.IMPORT})]
            assert await tx.suppressions.lift([OLD], [Reason.BOUNCE]) == 1

    async def test_lifting_suppressions_removes_the_given_reasons_of_the_given_digests(self) -> None:
        async with self.uow() as tx:
            await tx.suppressions.add_batch([suppression(OLD, reason) for reason in Reason])
            await tx.suppressions.add_batch([suppression(NEW, Reason.BOUNCE)])
        async with self.uow() as tx:
            assert await tx.suppressions.lift([OLD], LIFTED_BY_CONFIRMING) == 2
            assert await tx.suppressions.lift([OLD], LIFTED_BY_CONFIRMING) == 0
            assert await tx.suppressions.lift([], LIFTED_BY_CONFIRMING) == 0
            assert await tx.suppressions.reasons([[OLD], [NEW]]) == [
                frozenset({Reason.COMPLAINT, Reason.IMPORT, Reason.MANUAL}),
                frozenset({Reason.BOUNCE}),
            ]

    async def test_suppressions_are_adopted_by_the_newest_key(self) -> None:
        async with self.uow() as tx:
            await tx.suppressions.add_batch(
                [suppression(OLD, Reason.BOUNCE), suppression(OLD, Reason.MANUAL), suppression(NEW, Reason.MANUAL)]
            )
            await tx.suppressions.adopt([[NEW, OLD], [digest(KEY, email())]])
            await tx.suppressions.adopt([])
        async with self.uow() as tx:
            assert await tx.suppressions.reasons([[OLD], [NEW]]) == [frozenset(), {Reason.BOUNCE, Reason.MANUAL}]

    async def test_adding_suppressions_tells_how_many_are_new(self) -> None:
        both = [suppression(OLD, Reason.BOUNCE), suppression(OLD, Reason.IMPORT)]
        async with self.uow() as tx:
            assert await tx.suppressions.add_batch([*both, both[0]]) == 2
            assert await tx.suppressions.add_batch([both[0], suppression(NEW)]) == 1
            assert await tx.suppressions.add_batch([]) == 0

    async def test_suppressions_of_an_email_address_come_back_oldest_first(self) -> None:
        young = attrs.evolve(suppression(NEW, Reason.BOUNCE), created_at=later(60))
        old = attrs.evolve(suppression(OLD, Reason.MANUAL), note="She rang: Grüße")
        async with self.uow() as tx:
            await tx.suppressions.add_batch([young, old, suppression(digest(KEY, email()))])
        async with self.uow.reading() as tx:
            assert await tx.suppressions.of([NEW, OLD]) == [old, young]
            assert await tx.suppressions.of([]) == []

    async def test_notes_of_suppressions_can_be_forgotten(self) -> None:
        noted = [attrs.evolve(suppression(each, Reason.MANUAL), note="a note") for each in (OLD, NEW)]
        async with self.uow() as tx:
            await tx.suppressions.add_batch(noted)
            await tx.suppressions.forget_notes([OLD])
        async with self.uow.reading() as tx:
            assert await tx.suppressions.of([OLD]) == [attrs.evolve(noted[0], note=None)]
            assert await tx.suppressions.of([NEW]) == [noted[1]]
