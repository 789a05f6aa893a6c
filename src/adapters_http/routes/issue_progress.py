import json
from collections.abc import Sequence
from typing import Final

import attrs
from aiohttp import web

from adapters_http.issue_paths import ISSUE, issue_of, path_of
from adapters_http.issue_words import kind_of_page, told_to_page, words_of
from adapters_http.middleware.headers import LIVE_POLICY
from adapters_http.middleware.sessions import SessionCookie, visitor_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import COUNTING, promptly
from adapters_http.streams import Streams
from adapters_http.watching import Rhythm, Watches
from zero2prod_core.application import Application
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.progress_reports import ProgressReport
from zero2prod_core.domain.remedies import remedy_of
from zero2prod_core.domain.state_words import MEANINGS

__all__ = ["IssueProgressPages"]

# A query that asks for a page which does not reload by itself.
STILL: Final = "still"


@attrs.frozen
class IssueProgressPages:
    """How far an issue is: as a page, and as a stream of events that keeps the page up to date."""

    pages: Pages
    watches: Watches
    streams: Streams

    @classmethod
    def over(
        cls, pages: Pages, application: Application, cookie: SessionCookie, rhythm: Rhythm
    ) -> "IssueProgressPages":
        async def is_alive(request: web.Request) -> bool:
            return await application.read_session(cookie.read(request) or "", looking=True) is not None

        return cls(pages, Watches(application.show_issue, rhythm), Streams(is_alive, rhythm))

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get(ISSUE, self.show), web.get(f"{ISSUE}/events", self.events, allow_head=False)]

    async def show(self, request: web.Request) -> web.Response:
        report = await promptly(self.watches.look(issue_of(request)), COUNTING)
        if wants_json(request):
            return web.json_response(report.told())
        return self._page(request, report)

    def _page(self, request: web.Request, report: ProgressReport) -> web.Response:
        response = self.pages.staff(
            request,
            "issue.html",
            progress=report.progress,
            report=report,
            here=path_of(report.issue.id),
            kind=kind_of_page(report),
            words=words_of(report),
            remedy=remedy_of(report.issue),
            states=DeliveryState,
            meanings=MEANINGS,
            still=STILL in request.query,
        )
        response.headers["Content-Security-Policy"] = LIVE_POLICY
        return response

    async def events(self, request: web.Request) -> web.StreamResponse:
        watching = self.watches.watching(issue_of(request))
        return await self.streams.answer(request, visitor_of(request).session, watching, _told)


def _told(report: ProgressReport) -> str:
    return json.dumps(told_to_page(report), separators=(",", ":"))
