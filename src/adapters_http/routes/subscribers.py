from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import attrs
from aiohttp import hdrs, web

from adapters_http.config import HttpConfig
from adapters_http.content_types import ContentType
from adapters_http.form_texts import ASK_AGAIN_FORM, CONFIRM_FORM, UNSUBSCRIBE_FORM
from adapters_http.forms import FORM_TYPE, Form, read_body, read_form
from adapters_http.middleware.requests import origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from adapters_http.problems import HEADERS, STATUSES
from zero2prod_core.application import Application
from zero2prod_core.errors import FieldInvalid, TokenExpired

__all__ = ["Subscribers"]

AGAIN: Final = "/subscriptions/again"

# The token is any text, even none, so that a link that was cut off is told what is wrong with it.
UNSUBSCRIBE: Final = "/unsubscribe/{token:[^/]*}"


@attrs.frozen
class Subscribers:
    """Confirming and leaving: for anybody who has a link, without cookies."""

    pages: Pages
    application: Application
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post(AGAIN, self.ask_again),
            web.get("/subscriptions/confirm", self.show_confirmation),
            web.post("/subscriptions/confirm", self.confirm),
            web.get(UNSUBSCRIBE, self.show_unsubscription),
            web.post(UNSUBSCRIBE, self.unsubscribe),
        ]

    async def show_confirmation(self, request: web.Request) -> web.Response:
        """A page with a button: mail scanners follow every link, and HEAD never acts."""
        token = _token(request)
        if self.config.confirm_on_get and request.method == hdrs.METH_GET:
            return await self._confirm(request, token, version="")
        try:
            newsletter = await promptly(self.application.check_confirmation(token))
        except TokenExpired as refusal:
            return self._expired(request, token, refusal)
        return self.pages.about(request, "confirm.html", newsletter, text=CONFIRM_FORM, token=token)

    async def confirm(self, request: web.Request) -> web.Response:
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        return await self._confirm(request, form.text("subscription_token"), form.text("form"))

    async def _confirm(self, request: web.Request, token: str, version: str) -> web.Response:
        evidence = CONFIRM_FORM.evidence(origin_of(request), "mail", version)
        try:
            newsletter = await promptly(self.application.confirm(token, evidence))
        except TokenExpired as refusal:
            return self._expired(request, token, refusal)
        return self.pages.about(request, "confirmed.html", newsletter)

    def _expired(self, request: web.Request, token: str, refusal: TokenExpired) -> web.Response:
        """A page with a button for a new mail; a program is told where to ask for one."""
        if wants_json(request):
            raise refusal
        status = HTTPStatus(STATUSES[refusal.code])
        response = self.pages.shown(request, "expired.html", status, text=ASK_AGAIN_FORM, token=token)
        response.headers.update(HEADERS[status])
        return response

    async def ask_again(self, request: web.Request) -> web.Response:
        """The mail goes to where the old link went; the answer is that of a sign-up, whatever has become of it."""
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        evidence = ASK_AGAIN_FORM.evidence(origin_of(request), "mail", form.text("form"))
        newsletter = await promptly(self.application.ask_again(form.text("subscription_token"), evidence))
        return self.pages.about(request, "subscribed.html", newsletter)

    async def show_unsubscription(self, request: web.Request) -> web.Response:
        """A page with a button: mail scanners follow this link too, and so does whoever a mail was forwarded to."""
        newsletter = await promptly(self.application.check_unsubscription(request.match_info["token"]))
        return self.pages.about(request, "unsubscribe.html", newsletter, text=UNSUBSCRIBE_FORM)

    async def unsubscribe(self, request: web.Request) -> web.Response:
        """The page's button and a mail program's (RFC 8058 §3.1). The link alone decides.

        A body says no more than which page was seen. So of a type or form that we cannot read, it is no reason to keep
        anybody subscribed; only its length and time are limited.
        """
        body = await read_body(request, self.config.largest_form, self.config.body_seconds)
        version = _version_shown(request, body)
        evidence = UNSUBSCRIBE_FORM.evidence(origin_of(request), "mail" if version else "one-click", version)
        newsletter = await promptly(self.application.unsubscribe(request.match_info["token"], evidence))
        return self.pages.about(request, "unsubscribed.html", newsletter)


def _token(request: web.Request) -> str:
    """Under its own name, or the shorter one that older mails used."""
    for field in ("subscription_token", "token"):
        values = request.query.getall(field, [])
        if len(values) > 1:
            raise FieldInvalid(field, "must be given once")
        if values:
            return str(values[0])
    return ""


def _version_shown(request: web.Request, body: bytes) -> str:
    """Which text of ours was on the page; empty for a mail program, which shows a button of its own."""
    if ContentType.of(request).media_type != FORM_TYPE:
        return ""
    try:
        return Form.parse(body).text("form")
    except FieldInvalid:
        return ""
