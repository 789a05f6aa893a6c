"""Sending mail: parcels go out over a relay's connections, and every step of them is settled at a desk.

The mailer pulls, because only it knows when a connection is free and how far it may run ahead (RFC 2920). The desk
keeps the promise: what a mailer completes without a granted mark, or does not report, could be lost or repeated.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from zero2prod_core.domain.deliveries import Claimed, Mark, Outcome, Report
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.letters import Letter
from zero2prod_core.domain.newsletters import Newsletter


@attrs.frozen
class Sender:
    """Whom a letter comes from: From's display name and e-mail address, and Reply-To where it differs."""

    name: str
    email: EmailAddress
    reply_to: EmailAddress | None = None


@attrs.frozen
class Listing:
    """What makes a mail one of a list's: the list's name (RFC 2919), and the recipient's own links; the one that
    unsubscribes takes a one-click POST (RFC 8058).
    """

    list_id: str
    unsubscribe_link: str
    preferences_link: str


@attrs.frozen
class Parcel:
    """One mail to send. ``letter`` and ``sender`` are the same objects for a whole batch, so that prepared forms can be
    kept.

    ``slots`` fill the letter: ``subscriber.name``, ``newsletter.name``, and ``confirmation.…`` or ``preferences.…``
    with ``link`` and ``lasts`` where the letter holds a link.
    ``listing`` is None where the letter is no issue's.
    """

    delivery: Claimed
    letter: Letter
    newsletter: Newsletter
    sender: Sender
    message_id: str
    dated_at: Instant
    slots: Mapping[str, str]
    listing: Listing | None = None

    @property
    def mark(self) -> Mark:
        return Mark(self.delivery.key, self.delivery.lease, self.delivery.attempt)

    def report(self, outcome: Outcome) -> Report:
        delivery = self.delivery
        return Report(delivery.key, delivery.lease, delivery.attempt, outcome, delivery.email.domain)


class Desk(Protocol):
    """Where a mailer's connections fetch parcels and settle them."""

    @abstractmethod
    async def take(self, most: int = 1, *, urgent: bool = False) -> Sequence[Parcel]:
        """Wait for 1 to ``most`` parcels, urgent ones first, or ``urgent`` ones only; empty means: finish and
        return.
        """

    @abstractmethod
    def take_now(self, most: int = 1, *, urgent: bool = False) -> Sequence[Parcel]:
        """As `take`, of what is there at once; empty says nothing of what may come."""

    @abstractmethod
    async def settle(self, reports: Sequence[Report], marks: Sequence[Mark]) -> Sequence[bool]:
        """Make results durable and ask for marks, together. Returns which marks are granted.

        When this returns the reports are committed. A mail whose mark was refused must not be completed, and must not
        be reported.
        """


class Mailer(Protocol):
    """A relay, reached over as many connections as the adapter was built with."""

    @abstractmethod
    async def run(self, desk: Desk) -> None:
        """Send what the desk hands out until it hands out nothing more, then close every connection.

        A relay that fails is an outcome of each mail, never an exception. Cancelled, it reports what it completed
        without an answer as Uncertain if it still can, and closes.
        """
