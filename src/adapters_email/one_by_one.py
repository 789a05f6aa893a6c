"""The desk's protocol for mailers without connections: one parcel after the other."""

from collections.abc import Callable

from adapters_email.composing import Mail, compose
from adapters_email.preparing import Preparing
from zero2prod_core.domain.deliveries import Outcome, Reply, SenderFault
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Desk, Parcel

__all__ = ["run_one_by_one"]


async def run_one_by_one(desk: Desk, send: Callable[[Parcel, Mail], Outcome]) -> None:
    """Give each parcel whose mark is granted to ``send``, and report what comes of it, until there are no more."""
    async with Preparing() as prepare:
        while parcels := await desk.take():
            for parcel in parcels:
                await _handle(desk, parcel, prepare, send)


async def _handle(desk: Desk, parcel: Parcel, prepare: Preparing, send: Callable[[Parcel, Mail], Outcome]) -> None:
    try:
        await prepare(parcel)
        mail = compose(parcel)
    except Defect as error:
        await desk.settle((parcel.report(SenderFault(Reply.of(None, str(error)))),), ())
        return
    if all(await desk.settle((), (parcel.mark,))):
        await desk.settle((parcel.report(send(parcel, mail)),), ())
