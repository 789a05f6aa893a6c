"""Which claimed mails may go now: breakers and rates, over all workers."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import attrs

from zero2prod_core.domain.breakers import PROBE_LASTS, TERMS, Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Claimed, Postponed, Scope
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.limits import DomainRates, Rate, queue_up, take_some
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.ports.store import Transaction
from zero2prod_core.ports.system import Randomness
from zero2prod_core.usecases.policy import Policy

RECIPIENT_DOMAIN, SENDER_DOMAIN = "mail_to_domain", "mail_from_domain"
QUEUE = "_queue"
"""Ends the scope of the cell that tells how far into the future a domain's places are given out."""


@attrs.frozen
class Traffic:
    """Holds back what a breaker or a rate keeps. A domain that is held back costs the others nothing: its mails are put
    off as they come up, each once for a pause, and those behind them take their places.
    """

    policy: Policy
    randomness: Randomness

    async def relay(self, tx: Transaction) -> tuple[int | None, Breaker | None]:
        """How many mails the relay's breaker lets through now, None for any number; and the breaker as it is then,
        where this worker is the one to try.
        """
        key = BreakerKey(Scope.RELAY, self.policy.relay)
        breaker = (await tx.breakers.hold_batch([key])).get(key)
        if breaker is None:
            return None, None
        now = await tx.now()
        if breaker.is_open(now):
            return 0, None
        return TERMS[Scope.RELAY].probes, breaker.probed(now)

    async def broken(self, tx: Transaction, claimed: Sequence[Claimed]) -> tuple[list[Postponed], list[Breaker]]:
        """What the breakers of recipient domains put off, and those of them that this worker tries."""
        by_domain = _grouped(claimed, lambda delivery: delivery.email.domain)
        breakers = await tx.breakers.hold_batch([BreakerKey(Scope.DOMAIN, domain) for domain in by_domain])
        if not breakers:
            return [], []
        now, postponed, probed = await tx.now(), list[Postponed](), list[Breaker]()
        for key, breaker in sorted(breakers.items()):
            held, current = by_domain[key.subject], breaker
            if not breaker.is_open(now):
                held, current = held[TERMS[Scope.DOMAIN].probes :], breaker.probed(now)
                probed.append(current)
            postponed += [Postponed(each.key, self._later(current.open_until)) for each in held]
        return postponed, probed

    async def paced(
        self, tx: Transaction, claimed: Sequence[Claimed], senders: Mapping[UUID, str]
    ) -> Sequence[Postponed]:
        """What the rates put off. ``senders``: the From domain of each letter."""
        to = await self._above(
            tx, claimed, RECIPIENT_DOMAIN, lambda each: each.email.domain, self.policy.recipient_rates
        )
        late = {each.key for each in to}
        rest = [each for each in claimed if each.key not in late]
        by = await self._above(tx, rest, SENDER_DOMAIN, lambda each: senders[each.key.letter], self.policy.sender_rates)
        return [*to, *by]

    async def _above(
        self,
        tx: Transaction,
        claimed: Sequence[Claimed],
        scope: str,
        domain_of: Callable[[Claimed], str],
        rates: DomainRates,
    ) -> Sequence[Postponed]:
        """Those for whom there is no room now, with the time at which there will be."""
        groups = _grouped(claimed, domain_of)
        limited = {domain: rate for domain in sorted(groups) if (rate := rates.of(domain))}
        if not limited:
            return []
        keys = [LimitKey(scope + part, domain) for domain in limited for part in ("", QUEUE)]
        now = await tx.now()
        # Missing cells are to be full at this very moment: a later one would cost a new domain its first mail.
        cells = dict(await tx.limits.hold_batch(keys, now))
        postponed = [
            late for domain, rate in limited.items() for late in _share(cells, scope, domain, rate, now, groups[domain])
        ]
        await tx.limits.write_batch(cells)
        return postponed

    def _later(self, until: Instant) -> Instant:
        """A little after, so that what waited together does not come together."""
        return until + PROBE_LASTS * self.randomness.fraction()


def _share(
    cells: dict[LimitKey, Instant], scope: str, domain: str, rate: Rate, now: Instant, group: Sequence[Claimed]
) -> Sequence[Postponed]:
    """Take what the rate has left for the first of a group, and give the others places in the queue."""
    cell, queue = LimitKey(scope, domain), LimitKey(scope + QUEUE, domain)
    taken, cells[cell] = take_some(cells[cell], rate, now, len(group))
    late = group[taken:]
    if not late:
        return []
    places = queue_up(cells[queue], rate, now, len(late))
    cells[queue] = places[-1]
    return [Postponed(each.key, place) for each, place in zip(late, places, strict=True)]


def _grouped(claimed: Sequence[Claimed], domain_of: Callable[[Claimed], str]) -> Mapping[str, Sequence[Claimed]]:
    groups = defaultdict[str, list[Claimed]](list)
    for delivery in claimed:
        groups[domain_of(delivery)].append(delivery)
    return groups
