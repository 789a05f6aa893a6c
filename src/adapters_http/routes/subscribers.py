from collections.abc import Sequence
from typing import Final

import attrs
from aiohttp import hdrs, web

from adapters_http.config import HttpConfig
from adapters_http.form_texts import CONFIRM_FORM, SUBSCRIBE_FORM, UNSUBSCRIBE_FORM
from adapters_http.forms import FORM_TYPE, Form, read_body, read_form
from adapters_http.middleware.requests import origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from adapters_http.problems import STATUSES
from adapters_http.routes.home import Home
from zero2prod_core.application import Application
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Slug
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.errors import FieldInvalid, Refusal

__all__ = ["Subscribers"]

# The token is any text, even none, so that a link that was cut off is told what is wrong with it.
UNSUBSCRIBE: Final = "/unsubscribe/{token:[^/]*}"


@attrs.frozen
class Subscribers:
    """Signing up, confirming and leaving: for anybody, without cookies."""

    pages: Pages
    application: Application
    config: HttpConfig
    home: Home

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post("/subscriptions", self.subscribe),
            web.get("/subscriptions/confirm", self.show_confirmation),
            web.post("/subscriptions/confirm", self.confirm),
            web.get(UNSUBSCRIBE, self.show_unsubscription),
            web.post(UNSUBSCRIBE, self.unsubscribe),
        ]

    async def subscribe(self, request: web.Request) -> web.Response:
        """The answer is the same whatever is known of the e-mail address."""
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        try:
            await promptly(self.application.subscribe(_sign_up(form, origin_of(request))))
        except Refusal as refusal:
            if wants_json(request):
                raise
            return await self.home.ask(request, form, refusal, STATUSES[refusal.code])
        return self.pages.shown(request, "subscribed.html")

    async def show_confirmation(self, request: web.Request) -> web.Response:
        """A page with a button: mail scanners follow every link, and HEAD never acts."""
        token = _token(request)
        if self.config.confirm_on_get and request.method == hdrs.METH_GET:
            return await self._confirm(request, token, version="")
        newsletter = await promptly(self.application.check_confirmation(token))
        return self.pages.about(request, "confirm.html", newsletter, text=CONFIRM_FORM, token=token)

    async def confirm(self, request: web.Request) -> web.Response:
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        return await self._confirm(request, form.text("subscription_token"), form.text("form"))

    async def _confirm(self, request: web.Request, token: str, version: str) -> web.Response:
        evidence = CONFIRM_FORM.evidence(origin_of(request), "mail", version)
        newsletter = await promptly(self.application.confirm(token, evidence))
        return self.pages.about(request, "confirmed.html", newsletter)

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


def _sign_up(form: Form, origin: Origin) -> SignUp:
    """Field by field, the name first. No newsletter named: the default one."""
    name = SubscriberName.parse(form.text("name"))
    email = EmailAddress.parse(form.text("email"))
    slug = form.text("newsletter")
    newsletter = Slug.parse(slug) if slug else DEFAULT_NEWSLETTER.slug
    return SignUp(newsletter, email, name, SUBSCRIBE_FORM.evidence(origin, "form", form.text("form")))


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
    if request.content_type != FORM_TYPE:
        return ""
    try:
        return Form.parse(body).text("form")
    except FieldInvalid:
        return ""
