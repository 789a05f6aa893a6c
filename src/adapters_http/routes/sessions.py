import asyncio
from collections.abc import Sequence

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.destinations import Destinations
from adapters_http.flashes import Flash
from adapters_http.forms import Form, read_form
from adapters_http.middleware.requests import origin_of
from adapters_http.middleware.sessions import SessionCookie, visitor_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import HASHING, promptly
from adapters_http.problems import STATUSES
from adapters_http.wording import in_words
from zero2prod_core.application import Application
from zero2prod_core.errors import CredentialsRefused, Refusal

__all__ = ["Sessions"]

LOGGED_OUT = "You have successfully logged out."


@attrs.frozen
class Sessions:
    """Logging in and out."""

    pages: Pages
    application: Application
    config: HttpConfig
    cookie: SessionCookie
    destinations: Destinations

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/login", self.show),
            web.post("/login", self.log_in),
            web.post("/admin/logout", self.log_out),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return self.pages.staff(request, "login.html", form=Form.EMPTY)

    async def again(self, request: web.Request, form: Form, refusal: Refusal) -> web.Response:
        """The login form, with the username that was typed and why that was refused."""
        flash = Flash(in_words(refusal), failed=True)
        return self.pages.shown(request, "login.html", STATUSES[refusal.code], form=form, flash=flash)

    async def log_in(self, request: web.Request) -> web.Response:
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        username, password = form.required("username"), form.required("password")
        try:
            id_ = await promptly(self.application.log_in(origin_of(request), username, password), HASHING)
        except CredentialsRefused as refusal:
            await asyncio.sleep(refusal.wait.total_seconds())
            if wants_json(request):
                raise
            return self.pages.see_other("/login", str(refusal), failed=True)
        response = self.pages.see_other(self.destinations.read(request))
        self.destinations.clear(request, response)
        self.cookie.give(response, id_)
        return response

    async def log_out(self, request: web.Request) -> web.Response:
        await promptly(self.application.log_out(origin_of(request), visitor_of(request)))
        response = self.pages.see_other("/login", LOGGED_OUT)
        self.cookie.take_away(response)
        return response
