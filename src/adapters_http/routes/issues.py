import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.forms import Form, read_form
from adapters_http.middleware.sessions import staff_origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import PUBLISHING, promptly
from adapters_http.problems import STATUSES
from zero2prod_core.application import Application
from zero2prod_core.domain.idempotency import IdempotencyKey
from zero2prod_core.domain.issues import LARGEST_BODY, LONGEST_TITLE, Content, Issue, IssueState
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Slug
from zero2prod_core.domain.progress import Standing
from zero2prod_core.errors import FieldInvalid, FieldMissing, IdempotencyKeyReused, Refusal, Unavailable
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.issues import Publication

__all__ = ["Issues"]

ACCEPTED = "The newsletter issue has been accepted - emails will go out shortly."

# A year of weekly issues, on a page that is still read from top to bottom.
LISTED = 50

OUT = frozenset({IssueState.SENDING, IssueState.PAUSED})

# Issues whose mails the list counts: more are hardly ever out at once.
COUNTED = 5

# Seconds. A person who wants to publish should not wait for numbers.
GLANCE = 0.5


@attrs.frozen
class Issues:
    """Publishing, over the list of what was published."""

    pages: Pages
    application: Application
    config: HttpConfig
    ids: Ids

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/admin/newsletters", self.show_all),
            web.post("/admin/newsletters", self.publish),
        ]

    async def show_all(self, request: web.Request) -> web.Response:
        return await self._form(request, Form({}))

    async def publish(self, request: web.Request) -> web.Response:
        """The same form sent twice is published once, and both requests get the same answer."""
        form = await read_form(request, self.config.largest_issue, self.config.body_seconds)
        try:
            await promptly(self.application.publish(_publication(form), staff_origin_of(request)), PUBLISHING)
        except Refusal as refusal:
            if wants_json(request):
                raise
            return await self._form(request, form, refusal, STATUSES[refusal.code])
        return self.pages.see_other("/admin/newsletters", ACCEPTED)

    async def _form(
        self, request: web.Request, form: Form, refusal: Refusal | None = None, status: int = 200
    ) -> web.Response:
        """The form with what was typed before, over the list of issues."""
        newsletters = await promptly(self.application.list_newsletters())
        issues = await promptly(self.application.list_issues(LISTED))
        return self.pages.staff(
            request,
            "newsletters.html",
            status,
            form=form,
            refusal=refusal,
            key=self._key(form, refusal),
            newsletters=newsletters,
            names={newsletter.id: newsletter.name for newsletter in newsletters},
            issues=issues,
            standings=await self._standings(issues),
            longest_title=LONGEST_TITLE,
            largest_body=LARGEST_BODY,
        )

    async def _standings(self, issues: Sequence[Issue]) -> Mapping[UUID, Standing]:
        """How far those are that are out; where the store takes long to count, the list goes without."""
        out = [issue.id for issue in issues if issue.state in OUT][:COUNTED]
        counted = (self.application.show_issue(id_) for id_ in out)
        try:
            found = await promptly(asyncio.gather(*counted), GLANCE)
        except Unavailable:
            return {}
        return {progress.issue.id: Standing.of(progress.sums) for progress in found}

    def _key(self, form: Form, refusal: Refusal | None) -> str:
        """The key that the form came with, so that sending it again stays one publication; else a new one."""
        match refusal:
            case IdempotencyKeyReused():
                return str(self.ids.new())
            case FieldMissing() | FieldInvalid() if refusal.fields["field"] == "idempotency_key":
                return str(self.ids.new())
        return form.typed("idempotency_key") or str(self.ids.new())


def _publication(form: Form) -> Publication:
    """Field by field, in the order in which the page has them."""
    content = Content.parse(
        form.text("title"), form.text("text_content"), form.text("html_content"), form.text("markdown_content")
    )
    slug = form.text("newsletter")
    newsletter = Slug.parse(slug) if slug else DEFAULT_NEWSLETTER.slug
    key = IdempotencyKey.parse(form.text("idempotency_key"))
    return Publication(newsletter, content, key, UncertainPolicy.parse(form.text("uncertain")))
