"""What every request gets: an id, its origin, a line in the log, and the id in the answer."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from adapters_http.middleware.network_addresses import Network, is_trusted, network_address
from zero2prod_core.domain.origins import Actor, ActorKind, Origin
from zero2prod_core.ports.system import Ids
from zero2prod_core.ports.telemetry import SILENT, Telemetry

__all__ = ["REQUEST_ID", "Handler", "identified", "origin_of"]

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID: Final = "X-Request-Id"

# Whatever a proxy of ours makes: UUIDs, trace ids, ULIDs. It goes into a header, the log and the database.
SANE_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")

# Characters. Real ones have under 200; the rest says nothing about a browser.
LONGEST_USER_AGENT: Final = 256

# Asked every few seconds by machines, and of no interest unless it fails.
QUIET: Final = frozenset({"/health_check", "/health/ready", "/metrics", "/static/{name}"})

# Anybody can make up a method, and each would be a number of its own.
METHODS: Final = hdrs.METH_ALL

ORIGIN: Final = web.RequestKey("origin", Origin)

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def origin_of(request: web.Request) -> Origin:
    return request[ORIGIN]


def identified(ids: Ids, trusted: Sequence[Network], telemetry: Telemetry = SILENT) -> Middleware:
    """The outermost middleware. Log lines and numbers name the route, never the path or query, which may hold
    tokens.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        started = loop.time()
        request_id = _request_id(request, ids, trusted)
        request[ORIGIN] = _origin(request, request_id, trusted)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = await handler(request)
            response.headers[REQUEST_ID] = request_id
            _note(request, response.status, loop.time() - started, telemetry)
        return response

    return middleware


def _note(request: web.Request, status: int, seconds: float, telemetry: Telemetry) -> None:
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unknown"
    method = request.method if request.method in METHODS else "other"
    telemetry.count("requests", route=route, method=method, status=str(status))
    telemetry.observe("request_duration", seconds, route=route, method=method)
    write = log.debug if route in QUIET and status < 400 else log.info
    write("request", method=request.method, route=route, status=status, ms=round(seconds * 1000, 1))


def _request_id(request: web.Request, ids: Ids, trusted: Sequence[Network]) -> str:
    given = request.headers.get(REQUEST_ID, "")
    if SANE_ID.fullmatch(given) and is_trusted(request.remote, trusted):
        return given
    return str(ids.new())


def _origin(request: web.Request, request_id: str, trusted: Sequence[Network]) -> Origin:
    forwarded = request.headers.getall(hdrs.X_FORWARDED_FOR, [])
    return Origin(
        Actor(ActorKind.VISITOR),
        request_id,
        network_address(request.remote, forwarded, trusted),
        _user_agent(request.headers.get(hdrs.USER_AGENT)),
    )


def _user_agent(raw: str | None) -> str | None:
    """Printable, as the store and the audit log need it: a header may hold any octets, read as surrogates."""
    if raw is None:
        return None
    start = raw[:LONGEST_USER_AGENT]
    return start if start.isprintable() else "".join(each if each.isprintable() else "?" for each in start)
