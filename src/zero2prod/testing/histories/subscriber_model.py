"""What should become of subscribers, written over plain dicts and without any cleverness."""

from collections.abc import Collection
from uuid import UUID

import attrs

from zero2prod_core.domain.subscribers import TRANSITIONS as LIFE
from zero2prod_core.domain.subscribers import Event, Status
from zero2prod_core.domain.suppressions import LIFTED_BY_CONFIRMING, Reason


@attrs.define
class Life:
    """One e-mail address of one newsletter. ``links`` maps each mailed link to its name, ``used`` are the
    confirmed, and ``ended`` those from before an unsubscription.
    """

    status: Status
    name: str
    earlier: Status | None = None
    links: dict[str, str] = attrs.Factory(dict)
    used: set[str] = attrs.Factory(set)
    ended: set[str] = attrs.Factory(set)
    consents: list[str] = attrs.Factory(list)

    def on(self, event: Event) -> bool:
        """Whether the event may happen; then it has."""
        status = LIFE.get((self.status, event))
        if status is None:
            return False
        if status is not Status.PENDING:
            self.earlier = None
        elif self.status is not Status.PENDING:
            self.earlier = self.status
        self.status = status
        return True


Place = tuple[UUID, str]
"""A newsletter and an e-mail address's key."""


@attrs.define
class SubscriberModel:
    """Everybody's lives, and why e-mail addresses are suppressed."""

    lives: dict[Place, Life] = attrs.Factory(dict)
    reasons: dict[str, set[Reason]] = attrs.Factory(dict)

    def suppressed(self, key: str) -> set[Reason]:
        return self.reasons.setdefault(key, set())

    def sign_up(self, place: Place, name: str) -> bool:
        """Whether a confirmation mail follows."""
        if self.suppressed(place[1]) - LIFTED_BY_CONFIRMING:
            return False
        life = self.lives.setdefault(place, Life(Status.PENDING, name))
        mailed = life.on(Event.SIGN_UP)
        if mailed:
            life.consents.append("requested")
        return mailed

    def confirm(self, link: str) -> bool:
        """Whether the link is accepted."""
        (place, life) = next((place, life) for place, life in self.lives.items() if link in life.links)
        if link in life.ended:
            return False
        can_be = link not in life.used and (life.status, Event.CONFIRM) in LIFE
        accepted = can_be or life.status is Status.CONFIRMED
        if can_be and life.on(Event.CONFIRM):
            life.name = life.links[link]
            self.suppressed(place[1]).difference_update(LIFTED_BY_CONFIRMING)
        if accepted and link not in life.used:
            life.used.add(link)
            life.consents.append("confirmed")
        return accepted

    def happens(self, place: Place, event: Event) -> bool:
        """Unsubscribing, to one; or a bounce or complaint, to everyone of that e-mail address who has such an arrow."""
        if event is Event.UNSUBSCRIBE:
            return self._withdraw(self.lives[place])
        reason = Reason.BOUNCE if event is Event.BOUNCE else Reason.COMPLAINT
        self.suppressed(place[1]).add(reason)
        moved = [life.on(event) for other, life in self.lives.items() if other[1] == place[1]]
        return any(moved)

    def _withdraw(self, life: Life) -> bool:
        moved = life.on(Event.UNSUBSCRIBE)
        if moved:
            life.ended.update(life.links)
            life.consents.append("withdrawn")
        return moved

    def audience(self, newsletter: UUID) -> Collection[Place]:
        confirmed = [place for place, life in self.lives.items() if life.status is Status.CONFIRMED]
        return {place for place in confirmed if place[0] == newsletter and not self.suppressed(place[1])}

    def count(self, newsletter: UUID, status: Status) -> int:
        return sum((place[0], life.status) == (newsletter, status) for place, life in self.lives.items())

    def links(self) -> list[str]:
        return [link for life in self.lives.values() for link in life.links]
