from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import attrs
from aiohttp import hdrs, web

from adapters_http.config import HttpConfig
from adapters_http.middleware.network_addresses import is_trusted, network_address

__all__ = ["Metrics"]

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


@attrs.frozen
class Metrics:
    """The numbers, for those whose network may see them; to everybody else there is no such page."""

    tell: Callable[[], Awaitable[bytes]]
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/metrics", self.shown)]

    async def shown(self, request: web.Request) -> web.Response:
        if not is_trusted(self._scraper(request), self.config.metrics_networks):
            raise web.HTTPNotFound
        return web.Response(body=await self.tell(), headers=TEXT)

    def _scraper(self, request: web.Request) -> str | None:
        """The network address that counts; None where it is not known.

        Behind a proxy on this machine everybody comes from loopback. So what was forwarded counts with the network
        address that a trusted proxy gives, and with none where there is no such proxy, or it names only itself.
        """
        if not any(header in request.headers for header in FORWARDING):
            return request.remote
        trusted = self.config.trusted_proxies
        if not is_trusted(request.remote, trusted):
            return None
        client = network_address(request.remote, request.headers.getall(hdrs.X_FORWARDED_FOR, []), trusted)
        return None if is_trusted(client, trusted) else client
