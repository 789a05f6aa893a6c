from collections.abc import Sequence
from typing import Final

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.forms import Form, read_form
from adapters_http.middleware.sessions import staff_origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from adapters_http.people_paths import UNLISTED, path_of, unlisted_path
from adapters_http.person_histories import moments_of
from adapters_http.sealed_texts import SealedTexts
from adapters_http.wording import in_words
from zero2prod_core.application import Application
from zero2prod_core.domain import subscriber_words
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.origins import Origin
from zero2prod_core.domain.people import Person, person_as_data
from zero2prod_core.errors import FieldInvalid, FieldMissing, SubscriberUnknown

__all__ = ["Unlisted"]

LIFTED: Final = "What kept mail away is lifted. Whoever it belongs to may sign up."
NOTHING_LIFTED: Final = "Nothing kept mail away any more."
SUPPRESSED: Final = "Nothing is mailed to this e-mail address, should it sign up."


@attrs.frozen
class Unlisted:
    """An e-mail address that subscribes to nothing: it may still be kept from mail, by a list that was imported, and by
    what happened before an erasure.
    """

    pages: Pages
    application: Application
    config: HttpConfig
    sealed: SealedTexts

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get(UNLISTED, self.show),
            web.post(f"{UNLISTED}/lift", self.lift),
            web.post(f"{UNLISTED}/suppress", self.suppress),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Of whom a newsletter knows, the page is another. The look goes on record where anything is known."""
        sealed = request.query.get("search", "")
        person = await promptly(self._person(staff_origin_of(request), self._email(sealed)))
        if wants_json(request):
            return web.json_response(person_as_data(person, for_staff=True))
        if person.subscriptions:
            return self.pages.see_other(path_of(person.subscriptions[0].subscriber.id))
        return self.pages.staff(
            request,
            "unlisted.html",
            person=person,
            sealed=sealed,
            moments=await moments_of(self.application, person),
            words=subscriber_words,
        )

    async def _person(self, origin: Origin, email: EmailAddress) -> Person:
        try:
            return await self.application.people.find(origin, email.text)
        except SubscriberUnknown:
            return Person(email, [], [], [])

    def _email(self, sealed: str) -> EmailAddress:
        """Raises FieldInvalid: the link was cut off, or is as old as a retired key."""
        try:
            return EmailAddress.parse(self.sealed.open(sealed))
        except (FieldInvalid, FieldMissing):
            raise FieldInvalid("search", "holds no whole e-mail address", "Search for it again") from None

    async def lift(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        origin, email = staff_origin_of(request), self._email(form.text("search"))
        try:
            lifted = await promptly(self.application.people.lift(origin, email, form.text("reason")))
        except (FieldInvalid, FieldMissing) as refusal:
            return self._refused(request, form, refusal)
        return self.pages.see_other(unlisted_path(form.text("search")), LIFTED if lifted else NOTHING_LIFTED)

    async def suppress(self, request: web.Request) -> web.Response:
        form = await self._form(request)
        origin, email = staff_origin_of(request), self._email(form.text("search"))
        try:
            await promptly(self.application.people.suppress(origin, email, form.text("note")))
        except FieldInvalid as refusal:
            return self._refused(request, form, refusal)
        return self.pages.see_other(unlisted_path(form.text("search")), SUPPRESSED)

    async def _form(self, request: web.Request) -> Form:
        return await read_form(request, self.config.largest_form, self.config.body_seconds)

    def _refused(self, request: web.Request, form: Form, refusal: FieldInvalid | FieldMissing) -> web.Response:
        if wants_json(request):
            raise refusal
        return self.pages.see_other(unlisted_path(form.text("search")), in_words(refusal), failed=True)
