from collections.abc import Mapping, Sequence
from typing import Final

import attrs
from aiohttp import hdrs, web

from adapters_http.config import HttpConfig
from adapters_http.content_types import ContentType
from adapters_http.doors import ANSWER, CHALLENGE, Door
from adapters_http.field_forms import PREFIX, TAG, chosen_tags, typed_fields
from adapters_http.form_texts import SUBSCRIBE_FORM
from adapters_http.forms import FORM_TYPE, Form, read_form
from adapters_http.json_bodies import JSON_TYPE
from adapters_http.middleware.headers import CHALLENGE_POLICY, SIGN_UPS_OF_PROGRAMS
from adapters_http.middleware.requests import origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from adapters_http.problems import STATUSES
from adapters_http.refusals import BodyTypeRefused, ChallengeRequired
from adapters_http.routes.home import Home
from zero2prod_core.application import Application
from zero2prod_core.domain.challenges import Challenge
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Slug
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.errors import LimitExceeded, Refusal

__all__ = ["SignUps"]

SUBSCRIPTIONS: Final = "/subscriptions"


@attrs.frozen
class SignUps:
    """Signing up by a form, ours or one pasted into any other site: for anybody, without cookies."""

    pages: Pages
    application: Application
    config: HttpConfig
    home: Home
    door: Door

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.post(SUBSCRIPTIONS, self.subscribe)]

    async def subscribe(self, request: web.Request) -> web.Response:
        """The answer is the same whatever is known of the e-mail address."""
        if ContentType.of(request).media_type == JSON_TYPE:
            raise BodyTypeRefused(hdrs.CONTENT_TYPE, f"must be {FORM_TYPE}; JSON is taken at {SIGN_UPS_OF_PROGRAMS}")
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        try:
            sign_up = await self._answered(form, _sign_up(form, origin_of(request)))
            challenge = self.door.asks_of_form(form, sign_up)
            if challenge is not None:
                return self._challenge(request, form, challenge)
            await promptly(self.application.subscribe(sign_up))
        except Refusal as refusal:
            if wants_json(request) or isinstance(refusal, LimitExceeded):
                raise
            return await self.again(request, form, refusal)
        return self.pages.shown(request, "subscribed.html")

    async def again(self, request: web.Request, form: Form, refusal: Refusal) -> web.Response:
        """The form, with what was typed and why that was refused."""
        return await self.home.ask(request, form, refusal, STATUSES[refusal.code])

    async def _answered(self, form: Form, sign_up: SignUp) -> SignUp:
        """With what the newsletter asks for. What it does not ask for, or asks for no more, is not looked at, so that
        no form that was pasted long ago is refused for it.
        """
        if not any(name == TAG or name.startswith(PREFIX) for name in form.fields):
            return sign_up
        newsletter = await promptly(self.application.find_newsletter(sign_up.newsletter.text))
        return attrs.evolve(sign_up, fields=typed_fields(form, newsletter), tags=chosen_tags(form, newsletter))

    def _challenge(self, request: web.Request, form: Form, challenge: Challenge) -> web.Response:
        """A page that goes on by itself, or by its button; it says nothing of why this visitor gets to see it."""
        refusal = ChallengeRequired(challenge, SUBSCRIPTIONS)
        if wants_json(request):
            raise refusal
        values: Mapping[str, object] = {
            "challenge": challenge,
            "kept": form.kept(),
            "again": ANSWER in form.fields,
            "early": form.typed(CHALLENGE) == challenge.text,
        }
        response = self.pages.shown(request, "challenge.html", STATUSES[refusal.code], **values)
        response.headers[hdrs.CONTENT_SECURITY_POLICY] = CHALLENGE_POLICY
        return response


def _sign_up(form: Form, origin: Origin) -> SignUp:
    """Field by field, the name first. No newsletter named: the default one."""
    name = SubscriberName.parse(form.text("name"))
    email = EmailAddress.parse(form.text("email"))
    slug = form.text("newsletter")
    newsletter = Slug.parse(slug) if slug else DEFAULT_NEWSLETTER.slug
    return SignUp(newsletter, email, name, SUBSCRIBE_FORM.evidence(origin, "form", form.text("form")))
