"""What an operator decides and every verb obeys."""

from collections.abc import Container, Sequence
from datetime import timedelta
from urllib.parse import urlencode

import attrs

from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, RETRY_SCHEDULE
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.domain.limits import UNLIMITED, USUAL_LIMITS, DomainRates, Limits

MANAGE_LASTS = timedelta(hours=2)
"""How long a link to a person's data works: enough for a slow mail, and little for whoever finds it later. Another
is one question away.
"""


@attrs.frozen
class Policy:
    """Settings of the verbs.

    ``base_url`` is the public URL without a trailing slash: every link is built from it, never from a request.
    ``sender`` is the From of newsletters that have none of their own. ``relay`` names whom mail is handed to, so that
    all its workers share a breaker. ``retention``: how long each delivery of what is over is kept.
    """

    base_url: str
    sender: EmailAddress
    token_lasts: timedelta = timedelta(hours=24)
    set_up_lasts: timedelta = timedelta(hours=24)
    lease_lasts: timedelta = timedelta(seconds=30)
    uncertain: UncertainPolicy = UncertainPolicy.RESEND
    retries: Sequence[timedelta] = RETRY_SCHEDULE
    give_up_after: timedelta = GIVE_UP_AFTER
    retention: timedelta = timedelta(days=30)
    relay: str = "relay"
    recipient_rates: DomainRates = UNLIMITED
    sender_rates: DomainRates = UNLIMITED
    limits: Limits = USUAL_LIMITS
    common_passwords: Container[str] = frozenset()

    @property
    def mail_domain(self) -> str:
        """The right-hand side of every Message-ID."""
        return self.sender.domain

    @property
    def limits_mail(self) -> bool:
        """Whether there is a rate, of any recipient or sender domain."""
        return self.recipient_rates.limits or self.sender_rates.limits

    def link(self, path: str, **query: str) -> str:
        return f"{self.base_url}{path}?{urlencode(query)}"

    @property
    def preferences_page(self) -> str:
        """Where a link to one's preferences is asked for, as one types it: for a mail that shall hold no link."""
        return f"{self.base_url.partition('://')[2]}/preferences"

    def unsubscribe_link(self, token: str) -> str:
        """The token is part of the path: some mail programs drop the query of a List-Unsubscribe field."""
        return f"{self.base_url}/unsubscribe/{token}"

    def preferences_link(self, token: str) -> str:
        """For every issue: it shows nothing personal."""
        return f"{self.base_url}/preferences/{token}"

    def manage_link(self, token: str) -> str:
        """For the mail that was asked for: it shows all that is known of a person."""
        return f"{self.base_url}/preferences/mine/{token}"
