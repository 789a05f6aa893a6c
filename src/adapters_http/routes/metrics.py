from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import attrs
from aiohttp import HttpVersion11, hdrs, web
from yarl import URL

from adapters_http.config import LOOPBACK, HttpConfig
from adapters_http.middleware.network_addresses import is_trusted, network_address

__all__ = ["Metrics"]

PATH: Final = "/metrics"
READING: Final = (hdrs.METH_GET, hdrs.METH_HEAD)

TEXT: Final = {hdrs.CONTENT_TYPE: "text/plain; version=0.0.4; charset=utf-8"}

# By any of these a proxy gives itself away; a Prometheus that scrapes sends none.
FORWARDING: Final = (
    hdrs.X_FORWARDED_FOR,
    hdrs.FORWARDED,
    hdrs.VIA,
    hdrs.X_FORWARDED_HOST,
    hdrs.X_FORWARDED_PROTO,
    "X-Real-IP",
)

# RFC 6761 §6.3; its other names end with it.
LOCALHOST: Final = "localhost"


@attrs.frozen
class Metrics:
    """The numbers, for those whose network may see them; to everybody else there is no such page."""

    tell: Callable[[], Awaitable[bytes]]
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get(PATH, self.shown), web.route(hdrs.METH_ANY, PATH, self.refused)]

    async def shown(self, request: web.Request) -> web.Response:
        self._check(request)
        return web.Response(body=await self.tell(), headers=TEXT)

    async def refused(self, request: web.Request) -> web.Response:
        """Any other method; only those who may see the page learn that it has one."""
        self._check(request)
        raise web.HTTPMethodNotAllowed(request.method, READING)

    def _check(self, request: web.Request) -> None:
        if not is_trusted(self._scraper(request), self.config.metrics_networks):
            raise web.HTTPNotFound

    def _scraper(self, request: web.Request) -> str | None:
        """The network address that counts; None where it is not known.

        Behind a proxy on this machine everybody comes from loopback. So what was forwarded counts with the network
        address that a trusted proxy gives, and with none where there is no such proxy, or it names only itself. The
        same where a proxy that adds nothing can be told by what it asks for: the public name, or HTTP/1.0.
        """
        if not any(header in request.headers for header in FORWARDING):
            return None if request.version < HttpVersion11 or self._asks_for_the_public(request) else request.remote
        trusted = self.config.trusted_proxies
        if not is_trusted(request.remote, trusted):
            return None
        client = network_address(request.remote, request.headers.getall(hdrs.X_FORWARDED_FOR, []), trusted)
        return None if is_trusted(client, trusted) else client

    def _asks_for_the_public(self, request: web.Request) -> bool:
        """Whether the request names the host under which the world knows the site, unless that is this machine."""
        public = (URL(self.config.base_url).raw_host or "").lower()
        return not _is_loopback(public) and _names(request.headers.get(hdrs.HOST, "").lower(), public)


def _names(host: str, public: str) -> bool:
    """Whether a Host header is about this host, at whatever port; some end a name with a dot."""
    beginning = f"[{public}]" if ":" in public else public
    rest = host.removeprefix(beginning).lstrip(".")
    return host.startswith(beginning) and (not rest or rest.startswith(":"))


def _is_loopback(host: str) -> bool:
    return f".{host}".endswith(f".{LOCALHOST}") or is_trusted(host, LOOPBACK)
