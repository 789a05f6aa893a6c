from collections.abc import Sequence

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.forms import read_form
from adapters_http.middleware.requests import origin_of
from adapters_http.middleware.sessions import visitor_of
from adapters_http.pages import Pages, wants_json
from adapters_http.patience import HASHING, promptly
from adapters_http.problems import STATUSES
from adapters_http.wording import in_words
from zero2prod_core.application import Application
from zero2prod_core.domain.passwords import LONGEST, SHORTEST
from zero2prod_core.errors import CurrentPasswordWrong, FieldInvalid, LimitExceeded, PasswordsDiffer, Refusal

__all__ = ["Accounts"]

CHANGED = "Your password has been changed."
SET = "Your password has been set. You can log in with it now."
BOUNDS = {"shortest": SHORTEST, "longest": LONGEST}


@attrs.frozen
class Accounts:
    """The first password, by a one-time link, and later ones."""

    pages: Pages
    application: Application
    config: HttpConfig

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/setup", self.show_set_up),
            web.post("/setup", self.set_up),
            web.get("/admin/password", self.show_password),
            web.post("/admin/password", self.change_password),
        ]

    async def show_set_up(self, request: web.Request) -> web.Response:
        return await self._set_up_form(request, request.query.get("token", ""))

    async def set_up(self, request: web.Request) -> web.Response:
        """A password that is refused leaves the link as good as before."""
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        token, password, again = form.text("token"), form.text("new_password"), form.text("new_password_check")
        try:
            await promptly(self.application.accounts.set_up(origin_of(request), token, password, again), HASHING)
        except Refusal as refusal:
            if wants_json(request) or isinstance(refusal, LimitExceeded):
                raise
            return await self._set_up_form(request, token, refusal)
        return self.pages.see_other("/login", SET)

    async def _set_up_form(self, request: web.Request, token: str, refusal: Refusal | None = None) -> web.Response:
        """Raises the Token refusals: then there is no form to show."""
        account = await promptly(self.application.accounts.check_set_up_link(token))
        status = STATUSES[refusal.code] if refusal else 200
        return self.pages.shown(
            request, "setup.html", status, account=account, token=token, refusal=refusal, bounds=BOUNDS
        )

    async def show_password(self, request: web.Request) -> web.Response:
        return self.pages.staff(request, "password.html", account=visitor_of(request).account, bounds=BOUNDS)

    async def change_password(self, request: web.Request) -> web.Response:
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        typed = [form.required(field) for field in ("current_password", "new_password", "new_password_check")]
        try:
            await promptly(
                self.application.accounts.change_password(origin_of(request), visitor_of(request), *typed), HASHING
            )
        except (PasswordsDiffer, CurrentPasswordWrong, FieldInvalid) as refusal:
            if wants_json(request):
                raise
            return self.pages.see_other("/admin/password", in_words(refusal), failed=True)
        return self.pages.see_other("/admin/password", CHANGED)
