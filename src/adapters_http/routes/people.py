from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.forms import read_form
from adapters_http.middleware.sessions import staff_origin_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import promptly
from adapters_http.people_paths import PERSON, SUBSCRIBERS, list_path, path_of, subscriber_of, unlisted_path
from adapters_http.person_histories import moments_of
from adapters_http.problems import STATUSES
from adapters_http.sealed_texts import SealedTexts
from zero2prod_core.application import Application
from zero2prod_core.domain import subscriber_words
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.fields import shown_tags, shown_values, tags_named
from zero2prod_core.domain.history_words import LETTERS
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.domain.people import person_as_data
from zero2prod_core.domain.subscribers import TRANSITIONS, Event, Subscriber
from zero2prod_core.errors import FieldInvalid, Refusal

__all__ = ["People"]

# Subscribers on one page, and moments of a history: as many as are read without losing one's place.
LISTED: Final = 50

# What narrows the list down, besides the search, which a link holds sealed.
FILTERS: Final = ("newsletter", "status", "tag")

# Digits of a place in a history; none has so many moments.
LONGEST_PLACE: Final = 9


@attrs.frozen
class People:
    """Who reads, and all that is known of one of them."""

    pages: Pages
    application: Application
    config: HttpConfig
    sealed: SealedTexts

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get(SUBSCRIBERS, self.browse),
            web.post(SUBSCRIBERS, self.search),
            web.get(PERSON, self.show),
        ]

    async def search(self, request: web.Request) -> web.Response:
        """To the list of what is found, by a link that holds no e-mail address; `sealed_texts` says why."""
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        sealed = self.sealed.seal(form.text("search").strip())
        return self.pages.see_other(list_path({**{field: form.text(field) for field in FILTERS}, "search": sealed}))

    async def browse(self, request: web.Request) -> web.Response:
        newsletters = await promptly(self.application.list_newsletters())
        asked = _asked(request, newsletters)
        try:
            text = self._searched(asked["search"])
            found = await promptly(self._found(asked, text, request.query.get("after")))
        except Refusal as refusal:
            if wants_json(request):
                raise
            typed = self.sealed.open(asked["search"])
            return self._list(request, newsletters, asked, typed, [], refusal, STATUSES[refusal.code])
        if wants_json(request):
            return web.json_response([_told(each) for each in found[:LISTED]])
        return self._list(request, newsletters, asked, text, found)

    def _searched(self, sealed: str) -> str:
        """Raises FieldInvalid: a link that was cut off, or is as old as a retired key."""
        text = self.sealed.open(sealed)
        if sealed and not text:
            raise FieldInvalid("search", "cannot be read from this link any more", "Type it again")
        return text

    async def _found(self, asked: Mapping[str, str], text: str, after: str | None) -> Sequence[Subscriber]:
        """One more than is shown, so that a page knows whether another follows."""
        behind, (newsletter, status, tag) = _id(after) if after else None, [asked[field] for field in FILTERS]
        return await self.application.people.browse(newsletter, text, status, tag, behind, LISTED + 1)

    def _list(
        self,
        request: web.Request,
        newsletters: Sequence[Newsletter],
        asked: Mapping[str, str],
        text: str,
        found: Sequence[Subscriber],
        refusal: Refusal | None = None,
        status: int = 200,
    ) -> web.Response:
        following = list_path({**asked, "after": str(found[LISTED - 1].id)}) if len(found) > LISTED else None
        return self.pages.staff(
            request,
            "subscribers.html",
            status,
            newsletters=newsletters,
            newsletter=_named(newsletters, asked["newsletter"]),
            asked=asked,
            text=text,
            subscribers=found[:LISTED],
            refusal=refusal,
            statuses=subscriber_words.STATUSES,
            standing=subscriber_words.standing,
            first=list_path(asked) if request.query.get("after") else None,
            next=following,
            unlisted=unlisted_path(asked["search"]) if _is_email(text) else None,
        )

    async def show(self, request: web.Request) -> web.Response:
        """The newest of the history, or what stands before a place in it. The look itself goes on record."""
        person = await promptly(self.application.people.show(staff_origin_of(request), subscriber_of(request)))
        if wants_json(request):
            return web.json_response(person_as_data(person, for_staff=True))
        told = await moments_of(self.application, person)
        held_back = await promptly(self.application.people.budgets(subscriber_of(request)))
        end = _place(request.query.get("before"), len(told))
        return self.pages.staff(
            request,
            "subscriber.html",
            here=path_of(subscriber_of(request)),
            person=person,
            moments=told[max(0, end - LISTED) : end],
            earlier=max(0, end - LISTED),
            is_newest=end == len(told),
            words=subscriber_words,
            held_back=held_back,
            letters=LETTERS,
            answers=shown_values,
            tags=shown_tags,
            paths={each.subscriber.id: path_of(each.subscriber.id) for each in person.subscriptions},
            may_unsubscribe=_may_unsubscribe,
        )


def _asked(request: web.Request, newsletters: Sequence[Newsletter]) -> Mapping[str, str]:
    """By the names of the query. No newsletter named: the first; a tag that it does not have narrows nothing down."""
    query = {field: request.query.get(field, "") for field in (*FILTERS, "search")}
    slug = query["newsletter"] or newsletters[0].slug.text
    newsletter = _named(newsletters, slug)
    has_tag = newsletter is not None and query["tag"] in tags_named(newsletter.tags)
    return {**query, "newsletter": slug, "tag": query["tag"] if has_tag else ""}


def _named(newsletters: Sequence[Newsletter], slug: str) -> Newsletter | None:
    return next((newsletter for newsletter in newsletters if newsletter.slug.text == slug), None)


def _is_email(text: str) -> bool:
    try:
        EmailAddress.parse(text)
    except Refusal:
        return False
    return True


def _told(subscriber: Subscriber) -> Mapping[str, object]:
    return {
        "id": str(subscriber.id),
        "email": subscriber.email.text,
        "name": subscriber.name.text,
        "status": subscriber.status.value,
        "subscribed_at": subscriber.subscribed_at.isoformat(),
        "tags": list(subscriber.tags),
    }


def _id(text: str) -> UUID:
    """Raises FieldInvalid."""
    try:
        return UUID(text)
    except ValueError:
        raise FieldInvalid("after", "must be an id that the list has") from None


def _place(text: str | None, moments: int) -> int:
    """How many moments stand before a place in a history, which only grows at its end. Raises FieldInvalid."""
    if text is None:
        return moments
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_PLACE):
        raise FieldInvalid("before", "must be a number, as the links of this page have it")
    return min(int(text), moments)


def _may_unsubscribe(subscriber: Subscriber) -> bool:
    return (subscriber.status, Event.UNSUBSCRIBE) in TRANSITIONS
