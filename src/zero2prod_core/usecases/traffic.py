"""Which claimed mails may go now: breakers and rates, over all workers."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain, repeat
from uuid import UUID

import attrs

from zero2prod_core.domain.breakers import TERMS, Breaker, BreakerKey
from zero2prod_core.domain.deliveries import Claimed, DeliveryKey, Postponed, Scope
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.limits import HORIZON, DomainRates, Rate, capped, queue_up, room, take_some
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.ports.store import Transaction
from zero2prod_core.ports.system import Randomness
from zero2prod_core.usecases.policy import Policy

RECIPIENT_DOMAIN, SENDER_DOMAIN = "mail_to_domain", "mail_from_domain"
QUEUE = "_queue"
"""Ends the scope of the cell that tells how far into the future a domain's places are given out."""

SPREAD = timedelta(seconds=30)
"""Mails that a breaker put off come back within it: long for a server that was flooded, short for a reader."""


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
        breaker = await self._relay(tx)
        if breaker is None:
            return None, None
        now = await tx.now()
        if breaker.is_open(now):
            return 0, None
        return TERMS[Scope.RELAY].probes, breaker.probed(now + self.policy.lease_lasts)

    async def broken(self, tx: Transaction, claimed: Sequence[Claimed]) -> tuple[list[Postponed], list[Breaker]]:
        """What the breakers of recipient domains put off, and those of them that this worker tries."""
        by_domain = _grouped(claimed, _recipient_domain)
        breakers = await self._domains(tx, by_domain)
        if not breakers:
            return [], []
        now, postponed, probed = await tx.now(), list[Postponed](), list[Breaker]()
        for key, breaker in sorted(breakers.items()):
            held, current = by_domain[key.subject], breaker
            if not breaker.is_open(now):
                held, current = held[TERMS[Scope.DOMAIN].probes :], breaker.probed(now + self.policy.lease_lasts)
                probed.append(current)
            postponed += [Postponed(each.key, self._later(current.open_until)) for each in held]
        return postponed, probed

    async def concerned(self, tx: Transaction, claimed: Sequence[Claimed]) -> Collection[BreakerKey]:
        """The breakers that hold any of these mails back, for whoever tries them all the same."""
        relay = await self._relay(tx)
        return [*([relay.key] if relay else []), *await self._domains(tx, _grouped(claimed, _recipient_domain))]

    async def paced(
        self, tx: Transaction, claimed: Sequence[Claimed], senders: Mapping[UUID, str]
    ) -> Sequence[Postponed]:
        """What the rates put off. ``senders``: the From domain of each letter."""
        to = _Lanes.of(claimed, _recipient_domain, RECIPIENT_DOMAIN, self.policy.recipient_rates)
        by = _Lanes.of(claimed, lambda each: senders[each.key.letter], SENDER_DOMAIN, self.policy.sender_rates)
        keys = [*to.keys, *by.keys]
        if not keys:
            return []
        now = await tx.now()
        # Missing cells are to be full at this very moment: a later one would cost a new domain its first mail.
        cells = dict(await tx.limits.hold_batch(keys, now))
        late = to.late(claimed, cells, now)
        late |= by.late([each for each in claimed if each.key not in late], cells, now)
        gone = [each for each in claimed if each.key not in late]
        to.take(gone, cells, now)
        by.take(gone, cells, now)
        await tx.limits.write_batch(cells)
        return [Postponed(key, place) for key, place in late.items()]

    async def _relay(self, tx: Transaction) -> Breaker | None:
        key = BreakerKey(Scope.RELAY, self.policy.relay)
        return (await tx.breakers.hold_batch([key])).get(key)

    async def _domains(self, tx: Transaction, domains: Collection[str]) -> Mapping[BreakerKey, Breaker]:
        return await tx.breakers.hold_batch([BreakerKey(Scope.DOMAIN, domain) for domain in domains])

    def _later(self, until: Instant) -> Instant:
        """A little after, so that what waited together does not come together."""
        return until + SPREAD * self.randomness.fraction()


@attrs.frozen
class _Lanes:
    """One kind of rate over claimed mails: who shares a cell, and the domains that have a rate."""

    domain_of: Callable[[Claimed], str]
    scope: str
    rates: Mapping[str, Rate]

    @classmethod
    def of(
        cls, claimed: Sequence[Claimed], domain_of: Callable[[Claimed], str], scope: str, rates: DomainRates
    ) -> "_Lanes":
        domains = sorted({domain_of(each) for each in claimed})
        return cls(domain_of, scope, {domain: rate for domain in domains if (rate := rates.of(domain))})

    @property
    def keys(self) -> Sequence[LimitKey]:
        """A cell for each domain, and one that tells how far its places are given out."""
        return [LimitKey(self.scope + part, domain) for domain in self.rates for part in ("", QUEUE)]

    def late(
        self, claimed: Sequence[Claimed], cells: dict[LimitKey, Instant], now: Instant
    ) -> dict[DeliveryKey, Instant]:
        """Those for whom there is no room now, each with the place in the queue that it gets."""
        late: dict[DeliveryKey, Instant] = {}
        for domain, rate, group in self._limited(claimed):
            cell = LimitKey(self.scope, domain)
            cells[cell] = capped(cells[cell], rate, now)
            rest = group[room(cells[cell], rate, now) :]
            queue = LimitKey(self.scope + QUEUE, domain)
            places = queue_up(cells[queue], rate, now, len(rest))
            cells[queue] = max([cells[queue], *places])
            late |= {each.key: place for each, place in zip(rest, chain(places, repeat(now + HORIZON)), strict=False)}
        return late

    def take(self, gone: Sequence[Claimed], cells: dict[LimitKey, Instant], now: Instant) -> None:
        """Count those that go."""
        for domain, rate, group in self._limited(gone):
            cell = LimitKey(self.scope, domain)
            _, cells[cell] = take_some(cells[cell], rate, now, len(group))

    def _limited(self, claimed: Sequence[Claimed]) -> Iterator[tuple[str, Rate, Sequence[Claimed]]]:
        for domain, group in _grouped(claimed, self.domain_of).items():
            if rate := self.rates.get(domain):
                yield domain, rate, group


def _recipient_domain(delivery: Claimed) -> str:
    return delivery.email.domain


def _grouped(claimed: Sequence[Claimed], domain_of: Callable[[Claimed], str]) -> Mapping[str, Sequence[Claimed]]:
    groups = defaultdict[str, list[Claimed]](list)
    for delivery in claimed:
        groups[domain_of(delivery)].append(delivery)
    return groups
