"""What readers change alike by an issue's link and by the one that was mailed to them."""

from abc import ABC, abstractmethod
from datetime import date
from typing import ClassVar, Final

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.form_texts import PREFERENCES_FORM
from adapters_http.forms import Form, read_form
from adapters_http.middleware.requests import origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.newsletters import Slug
from zero2prod_core.domain.pauses import parse_day
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal
from zero2prod_core.usecases.preferences import Preferences

__all__ = ["PreferenceForms", "evidence_of", "token_of"]

RENAMED: Final = "The name is changed."
RESUMED: Final = "No pause lasts any more. Who is subscribed gets the next issue."


@attrs.frozen
class PreferenceForms(ABC):
    """The forms of one kind of link, on a page that is shown again with what was done, or with what was refused.

    ``has_several``: whether the page is about several newsletters, of which each form names one.
    """

    has_several: ClassVar[bool]

    pages: Pages
    preferences: Preferences
    config: HttpConfig

    @abstractmethod
    async def show_again(
        self, request: web.Request, form: Form = Form.EMPTY, refusal: Refusal | None = None, done: str = ""
    ) -> web.Response:
        """The page of the request's link."""

    async def rename(self, request: web.Request) -> web.Response:
        form = await self.read(request)
        evidence, newsletter = evidence_of(request, form), self.newsletter_of(form)
        try:
            name = SubscriberName.parse(form.text("name"))
        except (FieldMissing, FieldInvalid) as refusal:
            return await self._refused(request, form, refusal)
        await promptly(self.preferences.rename(token_of(request), name, evidence, newsletter))
        return await self.show_again(request, done=RENAMED)

    async def pause(self, request: web.Request) -> web.Response:
        form = await self.read(request)
        evidence, newsletter = evidence_of(request, form), self.newsletter_of(form)
        try:
            day = _until(form)
            await promptly(self.preferences.pause(token_of(request), day, evidence, newsletter))
        except (FieldMissing, FieldInvalid) as refusal:
            return await self._refused(request, form, refusal)
        return await self.show_again(request, done=_paused(day))

    def newsletter_of(self, form: Form) -> Slug | None:
        """Which newsletter a form is about; None where the link itself says so. Raises FieldMissing, FieldInvalid."""
        return Slug.parse(form.text("newsletter")) if self.has_several else None

    async def read(self, request: web.Request) -> Form:
        return await read_form(request, self.config.largest_form, self.config.body_seconds)

    async def _refused(self, request: web.Request, form: Form, refusal: Refusal) -> web.Response:
        if wants_json(request):
            raise refusal
        return await self.show_again(request, form, refusal)


def token_of(request: web.Request) -> str:
    """The token in the path of the link."""
    return request.match_info["token"]


def evidence_of(request: web.Request, form: Form) -> Evidence:
    return PREFERENCES_FORM.evidence(origin_of(request), "mail", form.text("form"))


def _until(form: Form) -> date | None:
    """Until when there are to be no issues; None where a pause is to end.

    Raises:
        FieldMissing, FieldInvalid: see `parse_day`.
    """
    return None if form.text("resume") else parse_day(form.text("until"))


def _paused(day: date | None) -> str:
    """What was done, in words that hold for whoever is not subscribed as well."""
    return RESUMED if day is None else f"No issues come until {day}. Then the pause ends by itself."
