"""What strangers may do: the settings of the section ``limits``."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import attrs
import typed_settings as ts

from zero2prod_core.domain.limits import NO_LIMITS, OFF, Limits, Rate, parse_rate


def _usual(name: str) -> str:
    """The core's own limit of that name, as one writes it."""
    rate: Rate | None = getattr(OF_THE_CORE, name)
    return rate.text if rate else OFF


OF_THE_CORE = Limits()


@attrs.frozen
class LimitSettings:
    """Limits."""

    enabled: bool = ts.option(
        default=True,
        help=(
            "Whether rates are limited at all; those below are written `N/period`, as in `5/10m`, or `off`. `false` is "
            "for sites that have limits of their own in front."
        ),
    )
    request_network: str = ts.option(
        default=_usual("request_network"),
        help=(
            "Requests from one network: an IPv4 network address, or an IPv6 /64. Each process counts its own. "
            "Staff who are logged in are not counted."
        ),
    )
    request_site: str = ts.option(
        default=_usual("request_site"),
        help="The same from one IPv6 /48, which holds 65536 networks. Each process counts its own.",
    )
    unsubscribe_network: str = ts.option(
        default=_usual("unsubscribe_network"),
        help=(
            "Requests to unsubscribe by a mail's link from one network, which may be a mail provider's with many "
            "readers behind it. Each process counts its own."
        ),
    )
    unsubscribe_site: str = ts.option(
        default=_usual("unsubscribe_site"), help="The same from one IPv6 /48. Each process counts its own."
    )
    sign_up_network: str = ts.option(
        default=_usual("sign_up_network"), help="Sign-ups and wishes for a new link from one network."
    )
    sign_up_site: str = ts.option(default=_usual("sign_up_site"), help="The same from one IPv6 /48.")
    sign_up_total: str = ts.option(default=_usual("sign_up_total"), help="The same from everywhere.")
    login_account: str = ts.option(
        default=_usual("login_account"),
        help="Passwords that are tried for one account, whether it exists or not.",
    )
    login_network: str = ts.option(
        default=_usual("login_network"),
        help="Passwords that are tried from one network. What succeeds does not count.",
    )
    login_site: str = ts.option(
        default=_usual("login_site"), help="The same from one IPv6 /48. What succeeds does not count."
    )
    login_total: str = ts.option(default=_usual("login_total"), help="Passwords that are tried from everywhere.")
    confirmation: str = ts.option(
        default=_usual("confirmation"),
        help=(
            "Confirmation mails to one e-mail address for one newsletter; mails that say that one is subscribed "
            "already count with them. Mails with a link to one's preferences have the same rate, counted as "
            "`preferences`."
        ),
    )
    notice: str = ts.option(
        default=_usual("notice"),
        help="Mails that say that one is subscribed already, to one e-mail address for one newsletter.",
    )
    email: str = ts.option(
        default=_usual("email"),
        help=(
            "Mails that strangers can cause to one e-mail address, of all newsletters; never more in any period, and "
            "once so many were sent, one in each period."
        ),
    )
    recipient_domain: str = ts.option(
        default=_usual("recipient_domain"),
        help="The same to all e-mail addresses of one domain. Used up, it raises an alarm.",
    )
    mail_total: str = ts.option(
        default=_usual("mail_total"), help="The same to everybody. Used up, it raises an alarm."
    )
    connections: int = ts.option(
        default=2000,
        help=(
            "Connections that the site holds open at once, 1 to 50000, and never more than the system's limit of open "
            "files allows. A newcomer beyond takes the place of whoever has kept the site waiting longest."
        ),
    )
    connections_per_network: int = ts.option(
        default=128,
        help=(
            "Connections of one network address (IPv6: of one /64), 1 to 50000. Trusted proxies are not held to it, "
            "since all visitors come through them."
        ),
    )
    connections_per_site: int = ts.option(
        default=512, help="Connections of one IPv6 /48, 1 to 50000. Trusted proxies are not held to it either."
    )
    header_deadline: timedelta = ts.option(
        default=timedelta(seconds=10),
        help="How long a client may take for the head of a request, from the connection or from the head's first byte.",
    )
    body_deadline: timedelta = ts.option(
        default=timedelta(seconds=10), help="How long a client may take to send the body of a request."
    )
    body_size: int = ts.option(
        default=16 * 1024,
        help="Bytes of a public form, 1024 to 1048576. The form that publishes has a limit of its own.",
    )
    read_deadline: timedelta = ts.option(
        default=timedelta(seconds=30),
        help="How long a client may leave an answer unread that waits for it.",
    )
    idle: timedelta = ts.option(
        default=timedelta(seconds=75),
        help=(
            "How long a connection is kept for the next request. Longer than a proxy in front keeps its own, or it "
            "writes to some that have just been closed."
        ),
    )

    def policy(self, name_of: Callable[[str], str]) -> Limits:
        """The rates, or none where they are off; raises SettingInvalid, with the name that ``name_of`` gives."""
        if not self.enabled:
            return NO_LIMITS
        options = [field.name for field in attrs.fields(Limits)]
        return Limits(*(parse_rate(getattr(self, option), name_of(option)) for option in options))

    @property
    def off(self) -> Sequence[str]:
        """The options by which something is not limited."""
        if not self.enabled:
            return ["enabled"]
        return [name for name, rate in attrs.asdict(self.policy(str), recurse=False).items() if rate is None]


USUAL_LIMITS = LimitSettings()
