from tests.support.core import Core, publication, sign_up, token_in
from zero2prod.testing.builders import KEY, T0, evidence, origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.domain.suppressions import Reason, Suppression, digest

NEWER = Key("newer", bytes(range(1, 33)))
BOTH = KeyRing((NEWER, KEY))


async def test_digests_and_suppressions_move_to_the_newest_key(core: Core) -> None:
    known = await core.confirmed()
    async with core.store() as tx:
        await tx.suppressions.add_batch([Suppression(known.digest, Reason.MANUAL, T0)])
    application = core.over(core.store, keys=BOTH)
    assert await application.jobs.rewrite_digests() == 1
    newest = digest(NEWER, known.email)
    assert (await core.subscriber()).digest == newest
    async with core.store.reading() as tx:
        assert await tx.suppressions.reasons([[newest], [known.digest]]) == [{Reason.MANUAL}, frozenset()]
    assert (await core.actions())[-1] is Action.DIGESTS_REWRITTEN
    assert await application.jobs.rewrite_digests() == 0


async def test_links_of_before_a_rotation_work_after_it(core: Core) -> None:
    confirmation = await core.token()
    application = core.over(core.store, keys=BOTH)
    await application.confirm(confirmation, evidence())
    await application.publish(publication(), origin())
    (parcel,) = (await application.deliveries.claim("worker", 10, urgent=False)).parcels
    await application.jobs.rewrite_digests()
    assert parcel.listing is not None
    await application.unsubscribe(token_in(parcel.listing.unsubscribe_link), evidence())
    assert (await core.subscriber()).status is Status.UNSUBSCRIBED


async def test_a_sign_up_finds_what_suppresses_it_and_renews_it(core: Core) -> None:
    asked = sign_up()
    old = digest(KEY, asked.email)
    async with core.store() as tx:
        await tx.suppressions.add_batch([Suppression(old, Reason.COMPLAINT, T0)])
    await core.over(core.store, keys=BOTH).subscribe(asked)
    async with core.store.reading() as tx:
        assert await tx.suppressions.reasons([[old], [digest(NEWER, asked.email)]]) == [
            frozenset(),
            {Reason.COMPLAINT},
        ]
