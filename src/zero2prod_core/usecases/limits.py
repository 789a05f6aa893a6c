"""What a visitor may ask for and what a mailbox may be sent, over all processes: cells that the transaction holds."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from types import MappingProxyType
from typing import TypeAlias

import attrs

from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.limits import Cells, Limits, Rate
from zero2prod_core.domain.networks import network_of, site_of
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.origins import ActorKind, Origin
from zero2prod_core.errors import LimitExceeded
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.ports.store import Transaction
from zero2prod_core.ports.telemetry import Telemetry

Asked: TypeAlias = tuple[LimitKey, Rate]

EVERYBODY = "all"
"""The subject of a cell that all share."""

SHARED_BUDGETS = frozenset({"recipient_domain", "mail_total"})
"""Used up, they tell of an attack or of a success, and keep mail from people who did nothing: somebody must know."""


ALIASES = MappingProxyType({"googlemail.com": "gmail.com"})
"""Two names of one provider, under which it delivers to the same mailboxes."""


def mailbox(email: EmailAddress) -> str:
    """Whose mailbox it is, for budgets alone: a tag behind ``+``, dots and other forms of the same letters make no new
    one at the large providers, and a stranger who knows that would have ten thousand e-mail addresses of one victim.
    """
    typed, _, domain = unicodedata.normalize("NFKC", email.key).casefold().rpartition("@")
    return f"{typed.partition('+')[0].replace('.', '') or typed}@{ALIASES.get(domain, domain)}"


@attrs.frozen
class Admission:
    """Says which cells a wish takes from, and takes. Subjects are keyed digests: a dump tells of nobody."""

    keys: KeyRing
    limits: Limits

    def visitor(self, origin: Origin) -> Sequence[Asked]:
        """Cells of whoever asks; none for staff, who answer for what they do."""
        if origin.actor.kind is not ActorKind.VISITOR:
            return ()
        total = self._asked(("sign_up_total", EVERYBODY, self.limits.sign_up_total))
        return [*self._places(origin, "sign_up", self.limits.sign_up_network, self.limits.sign_up_site), *total]

    def request(self, origin: Origin) -> Sequence[Asked]:
        """The cells of whoever sends any request."""
        return self._places(origin, "request", self.limits.request_network, self.limits.request_site)

    def unsubscribing(self, origin: Origin) -> Sequence[Asked]:
        """The cells of whoever asks to be unsubscribed."""
        return self._places(origin, "unsubscribe", self.limits.unsubscribe_network, self.limits.unsubscribe_site)

    def login_places(self, origin: Origin) -> Sequence[Asked]:
        """The cells of where somebody shows a password from."""
        return self._places(origin, "login", self.limits.login_network, self.limits.login_site)

    def login_account(self, username: str) -> Sequence[Asked]:
        """The cell of the account that a password is shown for, whether there is such an account or not."""
        return self._asked(("login_account", username.lower(), self.limits.login_account))

    def login_total(self) -> Sequence[Asked]:
        """The cell of all passwords that are shown."""
        return self._asked(("login_total", EVERYBODY, self.limits.login_total))

    def mail(self, newsletter: Newsletter, email: EmailAddress) -> Sequence[Asked]:
        """Cells of whoever would be mailed because somebody asked."""
        first = self._asked(("confirmation", f"{newsletter.id}/{mailbox(email)}", self.limits.confirmation))
        return [*first, *self._budgets(email)]

    def link(self, email: EmailAddress) -> Sequence[Asked]:
        """The same for the link to what is kept of a person: one for all newsletters, as rare as a confirmation."""
        return [*self._asked(("preferences", mailbox(email), self.limits.confirmation)), *self._budgets(email)]

    def _budgets(self, email: EmailAddress) -> Sequence[Asked]:
        return self._asked(
            ("email", mailbox(email), self.limits.email),
            ("recipient_domain", email.domain, self.limits.recipient_domain),
            ("mail_total", EVERYBODY, self.limits.mail_total),
        )

    def notice(self, newsletter: Newsletter, email: EmailAddress) -> Sequence[Asked]:
        """The cell that keeps "you are subscribed already" rare."""
        return self._asked(("notice", f"{newsletter.id}/{mailbox(email)}", self.limits.notice))

    async def hold(self, tx: Transaction, asked: Iterable[Asked]) -> Cells[LimitKey]:
        """These cells, held by the transaction until its end; what is taken must still be written."""
        now, keys = await tx.now(), {key for key, _ in asked}
        return Cells(await tx.limits.hold_batch(keys, now), now)

    def _places(self, origin: Origin, verb: str, network: Rate | None, site: Rate | None) -> Sequence[Asked]:
        """The cells of the network that something comes from, and of the site around it."""
        place = origin.network_address
        return self._asked((f"{verb}_network", network_of(place), network), (f"{verb}_site", site_of(place), site))

    def _asked(self, *asked: tuple[str, str | None, Rate | None]) -> Sequence[Asked]:
        return [
            (self._key(scope, rate, subject), rate) for scope, subject, rate in asked if rate and subject is not None
        ]

    def _key(self, scope: str, rate: Rate, subject: str) -> LimitKey:
        """A cell for each rate: what was used up at one tells nothing of another, which therefore begins anew."""
        keyed = self.keys.newest.mac(f"limit/{scope}", f"{rate.count}/{rate.period} {subject}".encode())
        return LimitKey(scope, keyed.hex()[:SUBJECT_DIGITS])


SUBJECT_DIGITS = 32
"""Hex digits, 128 bits: no two subjects share a cell."""


async def note_withheld(tx: Transaction, withheld_by: Collection[LimitKey]) -> None:
    """Count what kept mails back, for the audit log: the visitor was not refused, so nobody else does."""
    if withheld_by:
        minute = (await tx.now()).replace(second=0, microsecond=0)
        await tx.limits.count_refusals(Counter(withheld_by), minute)


def tell_withheld(telemetry: Telemetry, withheld_by: Collection[LimitKey]) -> None:
    """Once it is committed, what kept mails back; a budget that all share is an alarm."""
    for scope, number in Counter(key.scope for key in withheld_by).items():
        telemetry.count("limit_refusals", number, scope=scope)
        if scope in SHARED_BUDGETS:
            telemetry.count("limit_alarms", number, scope=scope)


def refusal(cells: Cells[LimitKey], asked: Sequence[Asked]) -> LimitExceeded | None:
    """Take from a visitor's cells; the refusal, where one of them has nothing left."""
    refused = cells.take(asked)
    return LimitExceeded(refused[0].scope, refused[1], refused[0].subject) if refused else None
