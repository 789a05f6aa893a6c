from collections.abc import Collection, Mapping, Sequence
from typing import Final

import attrs
from aiohttp import web

from adapters_http.config import HttpConfig
from adapters_http.forms import read_form
from adapters_http.mailbox import Mailbox
from adapters_http.middleware.sessions import staff_origin_of, visitor_of
from adapters_http.pages import Pages
from adapters_http.patience import promptly
from zero2prod_core.application import Application
from zero2prod_core.domain.accounts import Account
from zero2prod_core.domain.checklist import Step
from zero2prod_core.domain.issues import Issue
from zero2prod_core.errors import FieldInvalid

__all__ = ["Checklist", "Line"]

ALL: Final = "all"

TITLES: Final[Mapping[Step, str]] = {
    Step.SUBSCRIBE: "Subscribe yourself",
    Step.MAILBOX: "Open the mailbox",
    Step.CONFIRM: "Confirm your subscription",
    Step.PUBLISH: "Publish an issue",
    Step.ARRIVE: "See it arrive",
}

CAUGHT: Final[Mapping[Step, str]] = {
    Step.SUBSCRIBE: "The form on the first page takes any e-mail address: no mail leaves this machine.",
    Step.MAILBOX: "Every mail that is sent lands there, the one with your confirmation link first.",
    Step.CONFIRM: "Open the mail in the mailbox, follow its link and press the button.",
    Step.PUBLISH: "It goes to every confirmed reader, so to you.",
    Step.ARRIVE: "The issue is in the mailbox a moment after it was published.",
}

SENT: Final[Mapping[Step, str]] = {
    Step.SUBSCRIBE: "Give the form on the first page an e-mail address of your own.",
    Step.MAILBOX: "Look into the mailbox of that e-mail address, and among its unwanted mail.",
    Step.CONFIRM: "Follow the link in the mail and press the button.",
    Step.PUBLISH: "It goes to every confirmed reader, so to you.",
    Step.ARRIVE: "The issue's page shows how many mails are sent; yours is in your mailbox soon after.",
}


@attrs.frozen
class Line:
    """One step as the dashboard shows it; ``link`` is None where there is no page to go to."""

    step: str
    done: bool
    title: str
    sentence: str
    link: str | None


@attrs.frozen
class Checklist:
    """The first steps of a newcomer, ticked by what has happened."""

    pages: Pages
    application: Application
    config: HttpConfig
    mailbox: Mailbox | None

    def routes(self) -> Sequence[web.RouteDef]:
        return [web.post("/admin/checklist", self.dismiss)]

    async def lines(self, account: Account, issues: Sequence[Issue]) -> Sequence[Line]:
        """What this account has not dismissed. ``issues`` are the newest ones, the newest first."""
        items = await self.application.read_checklist(account, issues, self._is_opened)
        sentences, links = CAUGHT if self.mailbox else SENT, self._links(issues)
        return [
            Line(item.step.value, item.done, TITLES[item.step], sentences[item.step], links[item.step])
            for item in items
        ]

    async def _is_opened(self) -> bool:
        return self.mailbox is not None and await self.mailbox.is_opened()

    def _links(self, issues: Sequence[Issue]) -> Mapping[Step, str | None]:
        mailbox, publish = self.mailbox.url if self.mailbox else None, "/admin/newsletters"
        return {
            Step.SUBSCRIBE: "/",
            Step.MAILBOX: mailbox,
            Step.CONFIRM: mailbox,
            Step.PUBLISH: publish,
            Step.ARRIVE: mailbox or (f"{publish}/{issues[0].id}" if issues else None),
        }

    async def dismiss(self, request: web.Request) -> web.Response:
        form = await read_form(request, self.config.largest_form, self.config.body_seconds)
        account, steps = visitor_of(request).account, _steps(form.texts("step"))
        await promptly(self.application.dismiss_steps(staff_origin_of(request), account.id, steps))
        return self.pages.see_other("/admin/dashboard")


def _steps(texts: Collection[str]) -> Collection[Step]:
    """Raises FieldInvalid."""
    if ALL in texts:
        return frozenset(Step)
    try:
        return frozenset(map(Step, texts))
    except ValueError:
        raise FieldInvalid("step", f"must be one of {', '.join(Step)}, {ALL}") from None
