from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import UUID

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.forms import Form, read_form
from adapters_http.issue_paths import ISSUE, issue_of, path_of
from adapters_http.middleware.sessions import staff_origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import COUNTING, PUBLISHING, promptly
from zero2prod_core.application import Application
from zero2prod_core.domain.deliveries import Resolution
from zero2prod_core.domain.issues import Issue
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.progress_reports import told_of_doubt, told_of_failure, told_of_issue, words_of_reply
from zero2prod_core.errors import FieldInvalid, FieldMissing

__all__ = ["IssueSteering"]

Verb = Callable[[Origin, UUID], Awaitable[Issue]]

PAUSED: Final = "The issue is paused. Mails that were under way in that moment still arrive."
RESUMED: Final = "The issue goes on."
CANCELLED: Final = "The issue is cancelled. What was sent stays sent; what waits is never sent."
RESENT: Final = "What had failed is sent again."

# Deliveries in doubt on one page, each with two buttons: a worker that dies leaves one for each of its connections.
LISTED: Final = 50

EVERYONE: Final = "all"


@attrs.frozen
class IssueSteering:
    """What a person does with an issue that is out: hold it, stop it, send again, decide about what is in doubt."""

    pages: Pages
    application: Application
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        app = self.application
        return [
            web.post(f"{ISSUE}/pause", self._steering(app.pause_issue, PAUSED)),
            web.post(f"{ISSUE}/resume", self._steering(app.resume_issue, RESUMED)),
            web.get(f"{ISSUE}/cancel", self.ask_to_cancel),
            web.post(f"{ISSUE}/cancel", self._steering(app.cancel_issue, CANCELLED)),
            web.post(f"{ISSUE}/resend", self._steering(app.resend_issue, RESENT)),
            web.get(f"{ISSUE}/failures", self.show_failures),
            web.get(f"{ISSUE}/uncertain", self.show_uncertain),
            web.post(f"{ISSUE}/uncertain", self.resolve),
        ]

    def _steering(self, verb: Verb, sentence: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler that does it, and leads back to the issue with a sentence."""

        async def handler(request: web.Request) -> web.Response:
            await read_form(request, self.config.largest_form, self.config.body_seconds)
            issue = await promptly(verb(staff_origin_of(request), issue_of(request)), PUBLISHING)
            if wants_json(request):
                return web.json_response(told_of_issue(issue))
            return self.pages.see_other(path_of(issue.id), sentence)

        return handler

    async def ask_to_cancel(self, request: web.Request) -> web.Response:
        progress = await promptly(self.application.show_issue(issue_of(request)), COUNTING)
        return self.pages.staff(request, "issue_cancel.html", progress=progress, here=path_of(progress.issue.id))

    async def show_uncertain(self, request: web.Request) -> web.Response:
        issue, after = issue_of(request), request.query.get("after")
        behind = _recipient(after, "after") if after else None
        found = await promptly(self.application.list_uncertain(issue, LISTED, behind))
        if wants_json(request):
            return web.json_response([told_of_doubt(doubt) for doubt in found])
        progress = await promptly(self.application.show_issue(issue), COUNTING)
        following = found[-1].key.recipient if len(found) == LISTED else None
        return self.pages.staff(
            request, "issue_uncertain.html", here=path_of(issue), progress=progress, doubts=found, next=following
        )

    async def show_failures(self, request: web.Request) -> web.Response:
        issue, after = issue_of(request), request.query.get("after")
        behind = _recipient(after, "after") if after else None
        found = await promptly(self.application.list_failures(issue, LISTED, behind))
        if wants_json(request):
            return web.json_response([told_of_failure(failed) for failed in found])
        following = found[-1].key.recipient if len(found) == LISTED else None
        return self.pages.staff(
            request,
            "issue_failures.html",
            here=path_of(issue),
            progress=await promptly(self.application.show_issue(issue), COUNTING),
            failures=found,
            words=words_of_reply,
            next=following,
        )

    async def resolve(self, request: web.Request) -> web.Response:
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        resolution, recipients = _resolution(form), _recipients(form)
        resolving = self.application.resolve_uncertain(
            staff_origin_of(request), issue_of(request), resolution, recipients
        )
        count = await promptly(resolving, PUBLISHING)
        if wants_json(request):
            return web.json_response({"resolution": resolution.value, "deliveries": count})
        return self.pages.see_other(f"{path_of(issue_of(request))}/uncertain", _resolved(resolution, count))


def _resolved(resolution: Resolution, count: int) -> str:
    if not count:
        return "Nothing was in doubt any more."
    mails, verb = (f"{count:,} mails", "are") if count > 1 else ("One mail", "is")
    done = "sent once more" if resolution is Resolution.RESEND else "counted as sent"
    return f"{mails} {verb} {done}."


def _resolution(form: Form) -> Resolution:
    """Raises FieldMissing, FieldInvalid."""
    try:
        return Resolution(form.required("resolution"))
    except ValueError:
        raise FieldInvalid("resolution", f"must be one of {', '.join(Resolution)}") from None


def _recipients(form: Form) -> Sequence[UUID] | None:
    """Those named, or None for all. Raises FieldMissing, FieldInvalid."""
    texts = form.texts("recipient")
    if EVERYONE in texts:
        return None
    if not all(texts):
        raise FieldMissing("recipient")
    return [_recipient(text, "recipient") for text in texts]


def _recipient(text: str, field: str) -> UUID:
    """Raises FieldInvalid."""
    try:
        return UUID(text)
    except ValueError:
        raise FieldInvalid(field, "must be an id that the list has") from None
