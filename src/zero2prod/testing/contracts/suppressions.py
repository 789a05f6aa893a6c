from datetime import timedelta

import attrs

from zero2prod.testing.builders import KEY, email, suppression
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
