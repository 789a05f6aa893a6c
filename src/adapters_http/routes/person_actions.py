from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.forms import Form, read_form
from adapters_http.middleware.sessions import staff_origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from adapters_http.people_paths import PERSON, SUBSCRIBERS, path_of, subscriber_of
from adapters_http.wording import in_words
from zero2prod_core.application import Application
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.origins import Origin
from zero2prod_core.errors import FieldInvalid, FieldMissing, NothingToConfirm, SubscriberUnknown
from zero2prod_core.usecases.sign_ups import Outcome

__all__ = ["PersonActions"]

Action = Callable[[Origin, UUID, Form], Awaitable[str]]
"""Does something for a subscriber, with what was typed; returns the sentence for the next page."""

RESENT: Final[Mapping[Outcome, str]] = {
    Outcome.MAILED: "The mail with the link to confirm is on its way.",
    Outcome.WITHHELD: "No mail was sent: the reader or the mail domain has had as many as limits allow.",
}
AGAIN: Final = " Try again after {:%Y-%m-%d %H:%M:%S} UTC."
NOT_RESENT: Final = "No mail was sent: nothing is to be confirmed, or mail is kept from this e-mail address."
UNSUBSCRIBED: Final = "The reader gets no more issues of this newsletter."
COMPLAINED: Final = "The complaint is recorded. Nothing more is mailed to this e-mail address."
SUPPRESSED: Final = "Nothing more is mailed to this e-mail address."
LIFTED: Final = "What kept mail away is lifted. The reader may sign up again."
NOTHING_LIFTED: Final = "Nothing kept mail away any more."
ERASED: Final = (
    "The reader is erased. What stays is a keyed hash of the e-mail address, and what happened without to whom."
)
GONE: Final = "Nobody of this id is known any more."


@attrs.frozen
class PersonActions:
    """What a member of the staff does for a reader. Doing it twice does no more than doing it once."""

    pages: Pages
    application: Application
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.post(f"{PERSON}/resend", self._acting(self._resend)),
            web.post(f"{PERSON}/unsubscribe", self._acting(self._unsubscribe)),
            web.post(f"{PERSON}/complaint", self._acting(self._complain)),
            web.post(f"{PERSON}/suppress", self._acting(self._suppress)),
            web.post(f"{PERSON}/lift", self._acting(self._lift)),
            web.get(f"{PERSON}/erase", self.ask_to_erase),
            web.post(f"{PERSON}/erase", self.erase),
        ]

    def _acting(self, action: Action) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler that does it, and leads back to the person with a sentence."""

        async def handler(request: web.Request) -> web.Response:
            form = await read_form(request, self.config.largest_form, self.config.body_seconds)
            subscriber = subscriber_of(request)
            try:
                sentence = await promptly(action(staff_origin_of(request), subscriber, form))
            except (FieldInvalid, FieldMissing, NothingToConfirm) as refusal:
                if wants_json(request):
                    raise
                return self.pages.see_other(path_of(subscriber), in_words(refusal), failed=True)
            return self.pages.see_other(path_of(subscriber), sentence)

        return handler

    async def _resend(self, origin: Origin, subscriber: UUID, _form: Form) -> str:
        outcome = await self.application.people.resend_confirmation(origin, subscriber)
        when = await self._again(subscriber) if outcome is Outcome.WITHHELD else ""
        return RESENT.get(outcome, NOT_RESENT) + when

    async def _again(self, subscriber: UUID) -> str:
        """When; nothing where the limits let it through by now."""
        held = await self.application.people.budgets(subscriber)
        mine = (each for each in held if each.subscriber == subscriber and each.kind is LetterKind.CONFIRMATION)
        return next((AGAIN.format(each.until) for each in mine), "")

    async def _unsubscribe(self, origin: Origin, subscriber: UUID, _form: Form) -> str:
        await self.application.people.unsubscribe(origin, subscriber)
        return UNSUBSCRIBED

    async def _complain(self, origin: Origin, subscriber: UUID, _form: Form) -> str:
        await self.application.people.complain(origin, subscriber)
        return COMPLAINED

    async def _suppress(self, origin: Origin, subscriber: UUID, form: Form) -> str:
        await self.application.people.suppress(origin, subscriber, form.text("note"))
        return SUPPRESSED

    async def _lift(self, origin: Origin, subscriber: UUID, form: Form) -> str:
        lifted = await self.application.people.lift(origin, subscriber, form.text("reason"))
        return LIFTED if lifted else NOTHING_LIFTED

    async def ask_to_erase(self, request: web.Request) -> web.Response:
        """Says what goes and what stays; nothing has changed."""
        subscriber = subscriber_of(request)
        person = await promptly(self.application.people.show(staff_origin_of(request), subscriber))
        return self.pages.staff(request, "subscriber_erase.html", person=person, here=path_of(subscriber))

    async def erase(self, request: web.Request) -> web.Response:
        """Who presses twice is told the second time that nobody is left."""
        await read_form(request, self.config.largest_form, self.config.body_seconds)
        try:
            await promptly(self.application.people.erase(staff_origin_of(request), subscriber_of(request)))
        except SubscriberUnknown:
            if wants_json(request):
                raise
            return self.pages.see_other(SUBSCRIBERS, GONE)
        return self.pages.see_other(SUBSCRIBERS, ERASED)
