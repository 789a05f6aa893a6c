"""A relay that keeps what it is given: for tests, and for programs that embed the core."""

from collections.abc import Callable

from adapters_email.composing import Mail
from adapters_email.one_by_one import run_one_by_one
from zero2prod_core.domain.deliveries import Outcome, Reply, Sent, Uncertain
from zero2prod_core.ports.mailer import Desk, Mailer, Parcel

__all__ = ["InMemoryMailer"]


def _always_sent(_parcel: Parcel) -> Outcome:
    return Sent(Reply(250, "2.0.0 kept"))


class InMemoryMailer(Mailer):
    """``mails`` has what arrived, in order: mails that were sent, and those whose answer was lost.

    Args:
        outcome: what comes of a parcel; by default it is sent.
    """

    def __init__(self, outcome: Callable[[Parcel], Outcome] = _always_sent) -> None:
        self.mails: list[Mail] = []
        self._outcome = outcome

    async def run(self, desk: Desk) -> None:
        await run_one_by_one(desk, self._keep)

    def _keep(self, parcel: Parcel, mail: Mail) -> Outcome:
        outcome = self._outcome(parcel)
        if isinstance(outcome, Sent | Uncertain):
            self.mails.append(mail)
        return outcome
