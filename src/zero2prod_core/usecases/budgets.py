"""Which mails to a reader limits hold back just now: the answer to “I never got it”."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import attrs

from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.limits import Cells
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.subscribers import Status, Subscriber
from zero2prod_core.errors import SubscriberUnknown
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.usecases.limits import Admission, Asked


@attrs.frozen
class HeldBack:
    """A mail that would not be sent to a subscriber before ``until``, whoever asks for it."""

    subscriber: UUID
    newsletter: Newsletter
    kind: LetterKind
    until: Instant


@attrs.frozen
class ShowBudgets:
    """What limits hold back from the person who is this subscriber, in each newsletter: the mail that a sign-up would
    be answered with, and the link to the preferences. Nothing is taken. Raises SubscriberUnknown.
    """

    uow: UnitOfWork
    admission: Admission

    async def __call__(self, id_: UUID) -> Sequence[HeldBack]:
        async with self.uow.reading() as tx:
            found: Subscriber | None = (await tx.subscribers.get_batch([id_])).get(id_)
            if found is None:
                raise SubscriberUnknown
            sharing = await tx.subscribers.of_email(found.email)
            newsletters = await tx.newsletters.get_batch({each.newsletter for each in sharing})
            return await self._held_back(tx, sharing, newsletters)

    async def _held_back(
        self, tx: Transaction, sharing: Sequence[Subscriber], newsletters: Mapping[UUID, Newsletter]
    ) -> Sequence[HeldBack]:
        mails = [(each, *mail) for each in sharing for mail in self._mails(each, newsletters[each.newsletter])]
        tats = await tx.limits.peek_batch({key for *_, asked in mails for key, _ in asked})
        now = await tx.now()
        refusals = [(each, kind, Cells(tats, now).take(asked)) for each, kind, asked in mails]
        return [
            HeldBack(each.id, newsletters[each.newsletter], kind, now + refused[1])
            for each, kind, refused in refusals
            if refused
        ]

    def _mails(self, subscriber: Subscriber, newsletter: Newsletter) -> Iterator[tuple[LetterKind, Sequence[Asked]]]:
        email = subscriber.email
        asked = self.admission.mail(newsletter, email)
        if subscriber.status is Status.CONFIRMED:
            yield LetterKind.NOTICE, [*asked, *self.admission.notice(newsletter, email)]
        elif subscriber.status is not Status.COMPLAINED:
            yield LetterKind.CONFIRMATION, asked
        yield LetterKind.PREFERENCES, self.admission.link(email)
