from collections.abc import Mapping, Sequence
from typing import Final

import attrs
from aiohttp import hdrs, web

from adapters_http.patience import promptly
from zero2prod_core.errors import Unavailable
from zero2prod_core.ports.store import Health, Heartbeats

__all__ = ["HealthChecks"]

OK: Final = "ok"
SILENT: Final = {"database": "does not answer"}

# As for every other answer while the store is away.
RETRY_AFTER: Final = {hdrs.RETRY_AFTER: "2"}


@attrs.frozen
class HealthChecks:
    """For whatever watches over this process: is it alive, and may it have visitors."""

    health: Health
    heartbeats: Heartbeats

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/health_check", self.alive), web.get("/health/ready", self.ready)]

    async def alive(self, _: web.Request) -> web.Response:
        return web.Response()

    async def ready(self, _: web.Request) -> web.Response:
        """The state of each part; a worker that is away keeps nobody from visiting."""
        parts = await self._parts()
        failing = [name for name, state in parts.items() if state != OK]
        body = {"ready": not failing, "failing": failing, "parts": {**parts, "worker": await self._worker(failing)}}
        return web.json_response(body, status=503 if failing else 200, headers=RETRY_AFTER if failing else None)

    async def _parts(self) -> Mapping[str, str]:
        try:
            return await promptly(self.health.check())
        except Unavailable:
            return SILENT

    async def _worker(self, failing: Sequence[str]) -> str:
        """How long ago a worker last gave a sign of life; without the database nobody knows."""
        try:
            ago = None if failing else await promptly(self.heartbeats.last())
        except Unavailable:
            return "unknown"
        if failing:
            return "unknown"
        return "never seen" if ago is None else f"seen {ago.total_seconds():.0f} s ago"
