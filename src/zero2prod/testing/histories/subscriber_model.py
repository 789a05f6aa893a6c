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
    expired: set[str] = attrs.Factory(set)
    is_paused: bool = False

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

    def withdraw(self) -> None:
        """Consent is withdrawn, and every link of an earlier sign-up ends."""
        self.ended.update(self.links)
        self.consents.append("withdrawn")


Place = tuple[UUID, str]
"""A newsletter and an e-mail address's key."""


@attrs.define
class SubscriberModel:
    """Everybody's lives, and why e-mail addresses are suppressed."""

    lives: dict[Place, Life] = attrs.Factory(dict)
    reasons: dict[str, set[Reason]] = attrs.Factory(dict)
    gone: list[Life] = attrs.Factory(list)

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
        moved = [life for other, life in self.lives.items() if other[1] == place[1] and life.on(event)]
        for life in moved:
            if event is Event.COMPLAIN:
                life.withdraw()
        return bool(moved)

    def _withdraw(self, life: Life) -> bool:
        moved = life.on(Event.UNSUBSCRIBE)
        if moved:
            life.withdraw()
        return moved

    def readers(self) -> list[Place]:
        """Who is confirmed, paused or not."""
        return sorted(place for place, life in self.lives.items() if life.status is Status.CONFIRMED)

    def audience(self, newsletter: UUID) -> Collection[Place]:
        confirmed = [place for place, life in self.lives.items() if life.status is Status.CONFIRMED]
        return {
            place
            for place in confirmed
            if place[0] == newsletter and not self.suppressed(place[1]) and not self.lives[place].is_paused
        }

    def count(self, newsletter: UUID, status: Status) -> int:
        return sum((place[0], life.status) == (newsletter, status) for place, life in self.lives.items())

    def links(self) -> list[str]:
        """Every link that was ever mailed, of those too who are gone."""
        return [link for life in [*self.lives.values(), *self.gone] for link in life.links]

    def a_day_passes(self) -> None:
        for life in self.lives.values():
            life.expired.update(life.links)

    def rounds_lapse(self) -> int:
        """Everybody's unconfirmed sign-ups are over; how many subscribers that moves."""
        for life in self.lives.values():
            life.ended.update(life.links.keys() - life.used)
        pending = {place: life for place, life in self.lives.items() if life.status is Status.PENDING}
        for place, life in pending.items():
            if life.earlier is None:
                self.gone.append(self.lives.pop(place))
            else:
                life.status, life.earlier = life.earlier, None
        return len(pending)

    def pauses(self, place: Place, *, paused: bool) -> None:
        life = self.lives[place]
        life.is_paused = paused if life.status is Status.CONFIRMED else life.is_paused

    def lift(self, key: str) -> bool:
        """Whether there was anything that the staff may lift."""
        held, reasons = self.suppressed(key), set(Reason) - {Reason.ERASURE}
        lifted = bool(held & reasons)
        held -= reasons
        angry = [life for place, life in self.lives.items() if place[1] == key and life.on(Event.LIFT)]
        return lifted or bool(angry)

    def erase(self, key: str) -> int:
        """How many subscribers of this e-mail address there were."""
        self.suppressed(key).add(Reason.ERASURE)
        gone = [place for place in self.lives if place[1] == key]
        self.gone += [self.lives.pop(place) for place in gone]
        return len(gone)

    def is_gone(self, link: str) -> bool:
        """Whether it is a link of somebody who was erased, or removed as nobody confirmed."""
        return any(link in life.links for life in self.gone)

    def is_expired(self, link: str) -> bool:
        return any(link in life.expired for life in self.lives.values())

    def asks_again(self, link: str) -> tuple[Place, str] | None:
        """For whom a link asks once more; None where its round has ended or is gone."""
        for place, life in self.lives.items():
            if link in life.links and link not in life.ended:
                return place, life.links[link]
        return None
