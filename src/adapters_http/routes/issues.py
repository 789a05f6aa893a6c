from collections.abc import Sequence
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
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.idempotency import IdempotencyKey
from zero2prod_core.domain.issues import LARGEST_BODY, LONGEST_TITLE, Content
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Slug
from zero2prod_core.errors import FieldInvalid, FieldMissing, IdempotencyKeyReused, Refusal
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.issues import Publication

__all__ = ["Issues"]

ACCEPTED = "The newsletter issue has been accepted - emails will go out shortly."

# A year of weekly issues, on a page that is still read from top to bottom.
LISTED = 50


@attrs.frozen
class Issues:
    """Publishing, and what became of it."""

    pages: Pages
    application: Application
    config: HttpConfig
    ids: Ids

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/admin/newsletters", self.show_all),
            web.post("/admin/newsletters", self.publish),
            web.get("/admin/newsletters/{id:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}}", self.show),
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

    async def show(self, request: web.Request) -> web.Response:
        progress = await promptly(self.application.show_issue(UUID(request.match_info["id"])))
        return self.pages.staff(request, "issue.html", progress=progress, states=DeliveryState)

    async def _form(
        self, request: web.Request, form: Form, refusal: Refusal | None = None, status: int = 200
    ) -> web.Response:
        """The form with what was typed before, over the list of issues."""
        newsletters = await promptly(self.application.list_newsletters())
        return self.pages.staff(
            request,
            "newsletters.html",
            status,
            form=form,
            refusal=refusal,
            key=self._key(form, refusal),
            newsletters=newsletters,
            names={newsletter.id: newsletter.name for newsletter in newsletters},
            issues=await promptly(self.application.list_issues(LISTED)),
            longest_title=LONGEST_TITLE,
            largest_body=LARGEST_BODY,
        )

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
    content = Content.parse(form.text("title"), form.text("text_content"), form.text("html_content"))
    slug = form.text("newsletter")
    newsletter = Slug.parse(slug) if slug else DEFAULT_NEWSLETTER.slug
    return Publication(newsletter, content, IdempotencyKey.parse(form.text("idempotency_key")))
