from collections.abc import Mapping, Sequence

import attrs
from aiohttp import web

from adapters_http.form_stamps import FormStamps
from adapters_http.form_texts import SUBSCRIBE_FORM
from adapters_http.forms import Form
from adapters_http.pages import BRAND, Pages, name_given
from adapters_http.patience import promptly
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter
from zero2prod_core.errors import LimitExceeded, Refusal, Unavailable
from zero2prod_core.usecases.newsletters import ListNewsletters

__all__ = ["Home"]


@attrs.define
class Known:
    """The newsletters as this process saw them last; None where it has not yet."""

    newsletters: Sequence[Newsletter] | None = None


@attrs.frozen
class Home:
    """The page with the subscribe form.

    Whoever is refused by a limit gets it as it was ``known`` last, and so costs the store nothing.
    """

    pages: Pages
    stamps: FormStamps
    list_newsletters: ListNewsletters
    known: Known = attrs.field(factory=Known)

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.get("/", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        return await self.ask(
            request, Form({"newsletter": [request.query.get("newsletter", "").encode(errors="replace")]})
        )

    async def ask(
        self, request: web.Request, form: Form = Form.EMPTY, refusal: Refusal | None = None, status: int = 200
    ) -> web.Response:
        """The form, with what was typed before and why that was refused."""
        limited = isinstance(refusal, LimitExceeded)
        newsletters = self.known.newsletters if limited and self.known.newsletters else await self._newsletters()
        chosen = _chosen(newsletters, form.typed("newsletter"))
        # One form cannot hold the questions of several: then each newsletter has a page of its own.
        apart = len(newsletters) > 1 and any(each.fields or each.tags for each in newsletters)
        named = chosen.name if chosen and apart else _name_of_the_only(newsletters)
        values: Mapping[str, object] = {
            "text": SUBSCRIBE_FORM,
            "form": form,
            "stamp": self.stamps.of(form),
            "refusal": refusal,
            "newsletters": newsletters,
            "chosen": chosen if apart or len(newsletters) == 1 else None,
            "apart": apart,
            "named": named,
            "brand": named or BRAND,
        }
        return self.pages.shown(request, "home.html", status, **values)

    async def _newsletters(self) -> Sequence[Newsletter]:
        """What there is to choose from; without the store the page is still there, for the default one."""
        try:
            self.known.newsletters = await promptly(self.list_newsletters())
            return self.known.newsletters
        except Unavailable:
            return []


def _chosen(newsletters: Sequence[Newsletter], slug: str) -> Newsletter | None:
    """The one of this slug, else the default one, else any."""
    known = {newsletter.slug.text: newsletter for newsletter in newsletters}
    return known.get(slug) or known.get(DEFAULT_NEWSLETTER.slug.text) or next(iter(newsletters), None)


def _name_of_the_only(newsletters: Sequence[Newsletter]) -> str | None:
    """What the page is headed by: nothing where there is a choice, or where nobody has given a name yet."""
    return name_given(newsletters[0]) if len(newsletters) == 1 else None
