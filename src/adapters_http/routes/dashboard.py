from collections.abc import Sequence

import attrs
from aiohttp import web

from adapters_http.middleware.sessions import visitor_of
from adapters_http.pages import Pages

__all__ = ["Dashboard"]


@attrs.frozen
class Dashboard:
    """Where the staff start."""

    pages: Pages

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/admin/dashboard", self.show), web.get("/admin", self.find)]

    async def find(self, _request: web.Request) -> web.Response:
        """What a person types from memory."""
        return self.pages.see_other("/admin/dashboard")

    async def show(self, request: web.Request) -> web.Response:
        return self.pages.staff(request, "dashboard.html", account=visitor_of(request).account)
