from collections.abc import Sequence
from typing import Final

import attrs
from aiohttp import web

from adapters_http.middleware.sessions import visitor_of
from adapters_http.pages import Pages
from adapters_http.patience import promptly
from adapters_http.routes.checklist import Checklist, Line
from zero2prod_core.application import Application
from zero2prod_core.domain.accounts import Account
from zero2prod_core.domain.issues import Issue
from zero2prod_core.domain.newsletters import Newsletter

__all__ = ["Dashboard"]

# Issues. One is shown; the checklist of a beginner looks whether any of them has arrived.
LOOKED_AT: Final = 20


@attrs.frozen
class Dashboard:
    """Where the staff start."""

    pages: Pages
    application: Application
    checklist: Checklist

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/admin/dashboard", self.show), web.get("/admin", self.find)]

    async def find(self, _request: web.Request) -> web.Response:
        """What a person types from memory."""
        return self.pages.see_other("/admin/dashboard")

    async def show(self, request: web.Request) -> web.Response:
        account = visitor_of(request).account
        issues, lines, newsletters = await promptly(self._overview(account))
        return self.pages.staff(
            request, "dashboard.html", account=account, checklist=lines, issues=issues, newsletters=newsletters
        )

    async def _overview(self, account: Account) -> tuple[Sequence[Issue], Sequence[Line], Sequence[Newsletter]]:
        """The newest issues, what is left of the checklist, and every newsletter."""
        issues = await self.application.list_issues(LOOKED_AT)
        return issues, await self.checklist.lines(account, issues), await self.application.list_newsletters()
