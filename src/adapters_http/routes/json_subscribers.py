from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import attrs
from aiohttp import hdrs, web

from adapters_http.config import HttpConfig
from adapters_http.doors import Door
from adapters_http.json_bodies import Tags, Texts, read_json, structured
from adapters_http.middleware.headers import SIGN_UPS_OF_PROGRAMS
from adapters_http.middleware.requests import origin_of
from adapters_http.patience import promptly
from adapters_http.refusals import ChallengeRequired, FieldsRefused
from zero2prod_core.application import Application
from zero2prod_core.domain.challenges import Answer
from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.fields import parse_answers
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Slug
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.errors import FieldInvalid, FieldMissing, NewsletterUnknown, Refusal, Unavailable

__all__ = ["JsonSubscribers"]

ACCEPTED: Final = {
    "status": "accepted",
    "detail": "If this e-mail address can receive the newsletter and does not do so yet, a mail with a link is on its "
    "way.",
}

# What a page of another site may send: no credentials, and no header but the body's type. A day is more than any
# browser keeps it.
PREFLIGHT: Final = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: hdrs.METH_POST,
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: hdrs.CONTENT_TYPE,
    hdrs.ACCESS_CONTROL_MAX_AGE: "86400",
}


@attrs.frozen
class Answers:
    """The members of a sign-up that its newsletter must know."""

    newsletter: Slug = DEFAULT_NEWSLETTER.slug
    fields: Texts = attrs.field(factory=dict)
    tags: Tags = ()


@attrs.frozen
class SignUpBody:
    """A sign-up as JSON. Every member is known: one that is not is a mistake that its sender wants to hear of."""

    name: SubscriberName
    email: EmailAddress
    newsletter: Slug = DEFAULT_NEWSLETTER.slug
    fields: Texts = attrs.field(factory=dict)
    tags: Tags = ()
    challenge: str = ""
    answer: str = ""

    def sign_up(self, origin: Origin) -> SignUp:
        return SignUp(self.newsletter, self.email, self.name, Evidence(origin, "json"), self.fields, self.tags)


@attrs.frozen
class JsonSubscribers:
    """Signing up for programs, and for scripts in pages of other sites."""

    application: Application
    config: HttpConfig
    door: Door

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.post(SIGN_UPS_OF_PROGRAMS, self.subscribe), web.options(SIGN_UPS_OF_PROGRAMS, self.preflight)]

    async def preflight(self, _: web.Request) -> web.Response:
        return web.Response(status=204, headers=PREFLIGHT)

    async def subscribe(self, request: web.Request) -> web.Response:
        """The answer is the same whatever is known of the e-mail address: 202, for what follows is not yet done."""
        value = await read_json(request, self.config.largest_form, self.config.body_seconds)
        try:
            body = structured(value, SignUpBody)
        except FieldsRefused as refused:
            raise FieldsRefused([*refused.refusals, *await self._more(value)]) from None
        sign_up = body.sign_up(origin_of(request))
        challenge = self.door.asks_of_program(Answer(body.challenge, body.answer), sign_up)
        if challenge is not None:
            raise ChallengeRequired(challenge, SIGN_UPS_OF_PROGRAMS)
        try:
            await promptly(self.application.subscribe(sign_up))
        except (FieldMissing, FieldInvalid, NewsletterUnknown) as refusal:
            raise FieldsRefused([refusal, *refusal.also]) from None
        return web.json_response(ACCEPTED, status=202)

    async def _more(self, value: object) -> Sequence[Refusal]:
        """What the newsletter refuses of a body that is refused already, as far as that can be read and asked."""
        readable = _readable(value) if isinstance(value, dict) else {}
        if "newsletter" not in readable:
            return []
        try:
            answers = Answers(**readable)
            newsletter = await promptly(self.application.find_newsletter(answers.newsletter.text))
            fields = newsletter.fields if "fields" in readable else ()
            parse_answers(fields, newsletter.tags, answers.fields, answers.tags)
        except Unavailable:
            return []
        except (FieldMissing, FieldInvalid, NewsletterUnknown) as refusal:
            return [refusal, *refusal.also]
        return []


def _readable(given: Mapping[str, object]) -> dict[str, Any]:
    """What is given, or stands for what is not, of the members that are about one newsletter; those that cannot be read
    are left out.
    """
    found = dict[str, Any]()
    for member in attrs.fields(Answers):
        with suppress(FieldsRefused):
            alone = {member.name: given[member.name]} if member.name in given else {}
            found[member.name] = getattr(structured(alone, Answers), member.name)
    return found
