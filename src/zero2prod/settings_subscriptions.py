"""Settings of signing up and confirming."""

from datetime import timedelta

import attrs
import typed_settings as ts

from zero2prod_core.domain.challenges import Challenged


@attrs.frozen
class SubscriptionSettings:
    """Subscriptions."""

    confirm_on_get: bool = ts.option(
        default=False,
        help=(
            "Whether following the link in the mail confirms at once, without a button. Programs that scan mail "
            "follow links too."
        ),
    )
    token_ttl: timedelta = ts.option(
        default=timedelta(hours=24),
        help="How long the link in a confirmation mail works, and how long that mail is tried.",
    )
    challenge: Challenged = ts.option(
        default=Challenged.SUSPICIOUS,
        help=(
            "Who is asked for a second of their browser's time, or for 15 seconds of patience, before a sign-up is "
            "taken: `off`, nobody; `suspicious`, whoever fills in the hosted form as programs do; `always`, everybody, "
            "by forms on other sites and by JSON too."
        ),
    )


USUAL_SUBSCRIPTIONS = SubscriptionSettings()
"""A link of a day behind a button, and a challenge for whoever seems to be a program."""
