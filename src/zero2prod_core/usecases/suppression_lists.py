"""Lists of e-mail addresses that are not to be mailed, from wherever the newsletters lived before."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.suppressions import Reason, Suppression, digest, digests
from zero2prod_core.errors import Refusal
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.usecases.audit import Auditor

IMPORTED_AT_ONCE = 5_000
"""Lines in one statement: a round trip costs nothing beside them, and they take a few megabytes."""


@attrs.frozen
class InvalidLine:
    """A line that is no e-mail address, counted from 1, and the rule that it breaks; its text is not repeated."""

    number: int
    rule: str


@attrs.frozen
class Imported:
    """What came of a list. ``known`` are e-mail addresses that were imported before, or stand in it twice; empty lines
    are not counted.
    """

    added: int
    known: int
    invalid: Sequence[InvalidLine]


@attrs.frozen
class ImportSuppressions:
    """Suppress every e-mail address of a list, one to a line; nobody is mailed any more from the moment this returns.

    All in one transaction, so that it can simply be run again. Only digests are stored, under the newest key. Lines
    that are no e-mail address are told by their number; the others are imported all the same.

    Args of the call:
        lines: with or without line ends. They are read inside the transaction, so they must not be waited for.
        progress: told how many lines were read since it was last told.
    """

    uow: UnitOfWork
    keys: KeyRing
    auditor: Auditor

    async def __call__(
        self, origin: Origin, lines: Iterable[str], progress: Callable[[int], object] = lambda _: None
    ) -> Imported:
        numbered, invalid, added, valid = enumerate(lines, 1), list[InvalidLine](), 0, 0
        async with self.uow() as tx:
            while batch := list(islice(numbered, IMPORTED_AT_ONCE)):
                emails = list(_parse(batch, invalid))
                added += await self._suppress(tx, emails)
                valid += len(emails)
                progress(len(batch))
            imported = Imported(added, valid - added, invalid)
            after = {"added": added, "known": imported.known, "invalid": len(invalid)}
            resource = Resource("store", "suppressions")
            event = self.auditor.event(Action.SUPPRESSIONS_IMPORTED, origin, resource, await tx.now(), after=after)
            await tx.audit.append_batch([event])
        return imported

    async def _suppress(self, tx: Transaction, emails: Sequence[EmailAddress]) -> int:
        """What is suppressed under older keys comes under the newest; so do subscribers, by whose digest claims ask."""
        if not emails:
            return 0
        now, known = await tx.now(), [digests(self.keys, email) for email in emails]
        if len(self.keys.keys) > 1:
            await tx.subscribers.adopt_digests(known)
            await tx.suppressions.adopt(known)
        newest = self.keys.newest
        return await tx.suppressions.add_batch(
            [Suppression(digest(newest, email), Reason.IMPORT, now) for email in emails]
        )


def _parse(batch: Iterable[tuple[int, str]], invalid: list[InvalidLine]) -> Iterator[EmailAddress]:
    for number, line in batch:
        typed = line.strip()
        if not typed:
            continue
        try:
            yield EmailAddress.parse(typed)
        except Refusal as refusal:
            invalid.append(InvalidLine(number, refusal.fields["rule"]))
