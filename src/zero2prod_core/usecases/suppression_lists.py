"""Lists of e-mail addresses that are not to be mailed, from wherever the newsletters lived before."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice

import attrs

from zero2prod_core.domain.audit import Action, Resource
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.suppressions import Reason, Suppression, digests
from zero2prod_core.errors import Refusal, Unavailable
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.usecases.audit import Auditor

IMPORTED_AT_ONCE = 5_000
"""Lines in one transaction: a round trip costs nothing beside them, they take a few megabytes, and whoever wants one of
these readers meanwhile waits a fraction of a second.
"""


@attrs.frozen
class InvalidLine:
    """A line that is no e-mail address, counted from 1, and the rule that it breaks; its text is not repeated."""

    number: int
    rule: str


@attrs.frozen
class Imported:
    """What came of a list. ``known`` are e-mail addresses that were imported before. Empty lines, and those that repeat
    one before them, are not counted.
    """

    added: int
    known: int
    invalid: Sequence[InvalidLine]

    def and_then(self, other: "Imported") -> "Imported":
        return Imported(self.added + other.added, self.known + other.known, [*self.invalid, *other.invalid])


@attrs.frozen
class ImportSuppressions:
    """Suppress every e-mail address of a list, one to a line; nobody is mailed any more from the moment this returns.

    Only digests are stored, under every listed key. Lines that are no e-mail address are told by their number; the
    others are imported all the same. Each batch is a transaction: where something fails on the way, what came before
    stays and is on record, and the list can simply be imported again.

    Args of the call:
        lines: with or without line ends.
        progress: told how many lines were read since it was last told.
    """

    uow: UnitOfWork
    keys: KeyRing
    auditor: Auditor

    async def __call__(
        self, origin: Origin, lines: Iterable[str], progress: Callable[[int], object] = lambda _: None
    ) -> Imported:
        numbered, imported, seen = enumerate(lines, 1), Imported(0, 0, []), set[str]()
        try:
            while batch := list(islice(numbered, IMPORTED_AT_ONCE)):
                imported = imported.and_then(await self._import(batch, seen))
                progress(len(batch))
        except BaseException:
            if imported.added:
                with suppress(Unavailable):
                    await self._note(origin, imported)
            raise
        await self._note(origin, imported)
        return imported

    async def _note(self, origin: Origin, imported: Imported) -> None:
        after = {"added": imported.added, "known": imported.known, "invalid": len(imported.invalid)}
        resource = Resource("store", "suppressions")
        async with self.uow() as tx:
            event = self.auditor.event(Action.SUPPRESSIONS_IMPORTED, origin, resource, await tx.now(), after=after)
            await tx.audit.append_batch([event])

    async def _import(self, batch: Iterable[tuple[int, str]], seen: set[str]) -> Imported:
        """``seen`` are the keys of e-mail addresses in earlier batches."""
        invalid, added = list[InvalidLine](), 0
        different = {email.key: email for email in _parse(batch, invalid) if email.key not in seen}
        seen.update(different)
        if different:
            async with self.uow() as tx:
                added = await self._suppress(tx, [different[key] for key in sorted(different)])
        return Imported(added, len(different) - added, invalid)

    async def _suppress(self, tx: Transaction, emails: Sequence[EmailAddress]) -> int:
        """What is suppressed under older keys comes under the newest; so do subscribers, by whose digest claims ask.

        Who signs up meanwhile by a process that lists the keys in another order is met by one of the digests.
        """
        now, known = await tx.now(), [digests(self.keys, email) for email in emails]
        if len(self.keys.keys) > 1:
            await tx.subscribers.adopt_digests(known)
            await tx.suppressions.adopt(known)
        earlier = await tx.suppressions.reasons([[newest] for newest, *_ in known])
        await tx.suppressions.add_batch([Suppression(each, Reason.IMPORT, now) for keyed in known for each in keyed])
        return sum(Reason.IMPORT not in reasons for reasons in earlier)


def _parse(batch: Iterable[tuple[int, str]], invalid: list[InvalidLine]) -> Iterator[EmailAddress]:
    for number, line in batch:
        typed = line.strip()
        if not typed:
            continue
        try:
            yield EmailAddress.parse(typed)
        except Refusal as refusal:
            invalid.append(InvalidLine(number, refusal.fields["rule"]))
