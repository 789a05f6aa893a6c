"""Limits on visitors, in front of everything that a request can cost.

Each request takes from its network's cell in this process, and from its site's. Sign-ups and passwords are limited by
their verbs, in the store; here it is only remembered what the store has refused, so that repeating it costs no
transaction.
"""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

import attrs
import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from adapters_http.local_limits import LocalLimits
from adapters_http.middleware.requests import Handler, origin_of
from adapters_http.middleware.sessions import is_staff_page
from adapters_http.refusal_tally import RefusalTally
from zero2prod_core.domain.origins import Origin
from zero2prod_core.errors import LimitExceeded, SessionRequired
from zero2prod_core.usecases.limits import Admission

__all__ = ["Kind", "VisitorLimits", "kind_of", "limiting"]

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Kind(Enum):
    """What a request may cost, and so what limits it."""

    REQUEST = auto()
    """A page, a link, a file: what a process can do by the thousand."""
    SIGN_UP = auto()
    """May send mail to somebody who has not asked for it."""
    PASSWORD = auto()
    """Has a password hashed."""
    UNSUBSCRIBING = auto()
    """Ends a subscription, and must work for everybody, in the hour after an issue too. Mail providers send one-click
    requests for all their readers from a handful of networks, so that these have a cell of their own, with more room;
    whatever fails here lets them pass.
    """
    STAFF = auto()
    """Needs a session. With one it is not counted. It is refused all the same where visitors have used up the network's
    requests: to look for a session costs a transaction, and anybody can claim to have one.
    """


# By method and route. Whatever is not named here is a request like any other.
KINDS: Final[Mapping[tuple[str, str], Kind]] = {
    (hdrs.METH_POST, "/subscriptions"): Kind.SIGN_UP,
    (hdrs.METH_POST, "/api/v1/subscriptions"): Kind.SIGN_UP,
    (hdrs.METH_POST, "/subscriptions/again"): Kind.SIGN_UP,
    (hdrs.METH_POST, "/preferences"): Kind.SIGN_UP,
    (hdrs.METH_POST, "/preferences/{token}/link"): Kind.SIGN_UP,
    (hdrs.METH_POST, "/login"): Kind.PASSWORD,
    (hdrs.METH_POST, "/setup"): Kind.PASSWORD,
    (hdrs.METH_POST, "/unsubscribe/{token}"): Kind.UNSUBSCRIBING,
    (hdrs.METH_POST, "/preferences/{token}/unsubscribe"): Kind.UNSUBSCRIBING,
    (hdrs.METH_POST, "/preferences/mine/{token}/unsubscribe"): Kind.UNSUBSCRIBING,
}


def kind_of(request: web.Request) -> Kind:
    resource = request.match_info.route.resource
    if is_staff_page(request):
        return Kind.STAFF
    return KINDS.get((request.method, resource.canonical if resource else ""), Kind.REQUEST)


@attrs.frozen
class VisitorLimits:
    admission: Admission
    local: LocalLimits
    tally: RefusalTally

    def refusal(self, kind: Kind, origin: Origin) -> LimitExceeded | None:
        """Whether the request is one too many, which costs no more than a look into this process's memory."""
        match kind:
            case Kind.STAFF:
                return self.local.look(self.admission.request(origin))
            case Kind.UNSUBSCRIBING:
                return self.local.take(self.admission.unsubscribing(origin))
            case _:
                return self.local.take(self.admission.request(origin)) or self._known(kind, origin)

    def _known(self, kind: Kind, origin: Origin) -> LimitExceeded | None:
        if kind is Kind.SIGN_UP:
            return self.local.known(self.admission.visitor(origin))
        if kind is Kind.PASSWORD:
            return self.local.known([*self.admission.login_places(origin), *self.admission.login_total()])
        return None

    def stranger(self, origin: Origin) -> LimitExceeded | None:
        """Somebody was at a staff page without a session that is alive, as a visitor."""
        return self.local.take(self.admission.request(origin))

    def note(self, refusal: LimitExceeded) -> None:
        """Count what was refused, here or by the store."""
        self.tally.note(refusal)


def limiting(limits: VisitorLimits) -> Middleware:
    """Raises LimitExceeded for one request too many."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        kind, origin = kind_of(request), origin_of(request)
        if refusal := _refusal(limits, kind, origin):
            limits.note(refusal)
            raise refusal
        try:
            return await handler(request)
        except LimitExceeded as refused:
            limits.local.learn(refused)
            limits.note(refused)
            raise
        except SessionRequired:
            if refusal := limits.stranger(origin):
                limits.note(refusal)
                raise refusal from None
            raise

    return middleware


def _refusal(limits: VisitorLimits, kind: Kind, origin: Origin) -> LimitExceeded | None:
    try:
        return limits.refusal(kind, origin)
    except Exception:
        if kind is not Kind.UNSUBSCRIBING:
            raise
        log.exception("limits_failed")
        return None
