"""Every page and how a person gets to see it, over a site in memory and a mailbox beside it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NoReturn

import attrs
import pytest
from aiohttp import web
from playwright.async_api import Page

from adapters_email.composing import compose
from adapters_http.doors import Door
from adapters_http.middleware.sessions import SessionCookie
from tests.support.core import ADA, SENT, publication, sign_up
from tests.support.http import PASSWORD, House, serving
from tests.support.outages import Outage
from tests.support.parcels import CONFIRMATION, issue, parcel
from tests.support.preferences import a_day, add_reader, mailed_path
from zero2prod.mailbox_client import MailboxClient
from zero2prod.mailbox_mails import Mails
from zero2prod.mailbox_page import page_application
from zero2prod.testing.builders import evidence, origin
from zero2prod_core.domain.accounts import Username
from zero2prod_core.domain.deliveries import Outcome, Rejected, Reply, Scope, SenderFault, Throttled, Uncertain
from zero2prod_core.domain.letters import Letter
from zero2prod_core.errors import TokenExpired
from zero2prod_core.ports.mailer import Parcel

UNKNOWN_TOKEN = "A" * 43

# More than a form may have.
TOO_LONG = "x" * 20_000

HTML = '<h2>Hello</h2><p>Some <b>words</b> and <a href="https://www.example.org/">a link</a>.</p>'


@attrs.frozen
class Visit:
    """A page of the browser, the site and the mailbox that it looks at."""

    page: Page
    house: House
    mails: Mails
    mailbox: str
    monkeypatch: pytest.MonkeyPatch

    async def go(self, path: str) -> None:
        await self.page.goto(f"http://127.0.0.1:{self.house.port}{path}")

    async def look_into_mailbox(self, path: str = "", *letters: Letter) -> None:
        """Its page, after these letters have arrived."""
        for letter in letters:
            self.mails.catch("news@example.com", [ADA], compose(parcel(letter)).content)
        await self.page.goto(f"{self.mailbox}{path}")

    async def write(self, **fields: str) -> None:
        for name, text in fields.items():
            await self.page.locator(f"[name={name}]:not([type=hidden])").fill(text)

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def log_in(self, path: str = "/admin/dashboard") -> None:
        """As a member of staff, who then goes to ``path``."""
        application, ada = self.house.application, Username("ada")
        await application.accounts.create(origin(), ada)
        await application.accounts.set_password(origin(), ada, PASSWORD)
        session = await application.log_in(origin(), ada.text, PASSWORD)
        url = f"http://127.0.0.1:{self.house.port}"
        await self.page.context.add_cookies([{"name": SessionCookie(False).name, "value": session.text, "url": url}])
        await self.go(path)

    async def waiting(self, *, urgent: bool) -> Parcel:
        """The one mail that waits."""
        (found,) = (await self.house.application.deliveries.claim("test", 10, urgent=urgent)).parcels
        return found

    async def confirmation_path(self) -> str:
        """Where the link in the mail leads, after a sign-up."""
        await self.house.application.subscribe(sign_up())
        return _path((await self.waiting(urgent=True)).slots["confirmation.link"])

    async def published(self) -> str:
        """The path of an issue's page, after it has gone to one reader."""
        token = (await self.confirmation_path()).partition("=")[2]
        await self.house.application.confirm(token, evidence())
        published = await self.house.application.publish(publication("A first issue"), origin())
        return f"/admin/newsletters/{published.id}"

    async def outcome(self, outcome: Outcome) -> None:
        """What becomes of the one mail of an issue that waits."""
        mail, settle = await self.waiting(urgent=False), self.house.application.deliveries.settle
        await settle([], [mail.mark])
        await settle([mail.report(outcome)], [])

    async def arrived(self) -> None:
        """An issue has been published, and is in its reader's mailbox."""
        await self.published()
        await self.outcome(SENT)

    async def unsubscribe_path(self) -> str:
        """Where the link at the end of an issue leads."""
        await self.published()
        listing = (await self.waiting(urgent=False)).listing
        assert listing
        return _path(listing.unsubscribe_link)

    def refuse(self, refusal: Exception) -> None:
        """Whatever is asked of the store, say this instead."""

        def refusing() -> NoReturn:
            raise refusal

        self.monkeypatch.setattr(self.house.uow, "reading", refusing)


def _path(link: str) -> str:
    return "/" + link.split("/", 3)[3]


@asynccontextmanager
async def visiting(
    page: Page, monkeypatch: pytest.MonkeyPatch, at_the_door: Door | None = None
) -> AsyncIterator[Visit]:
    """A new site and a new mailbox, both empty."""
    mails = Mails(lambda: datetime(2026, 11, 22, 12, tzinfo=UTC))
    runner = web.AppRunner(page_application(mails, 2525, "http://127.0.0.1:8000"))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    mailbox = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        async with serving(mailbox=MailboxClient(mailbox), at_the_door=at_the_door) as house:
            yield Visit(page, house, mails, mailbox, monkeypatch)
    finally:
        await runner.cleanup()


Scene = Callable[[Visit], Awaitable[None]]

SCENES: dict[str, Scene] = {}


def scene(name: str) -> Callable[[Scene], Scene]:
    """What such a walk ends on is one of the pages."""

    def listed(walk: Scene) -> Scene:
        SCENES[name] = walk
        return walk

    return listed


@scene("home")
async def home(visit: Visit) -> None:
    await visit.go("/")


@scene("home of two newsletters")
async def home_of_two_newsletters(visit: Visit) -> None:
    await visit.house.application.create_newsletter(origin(), "weekly", "The weekly", "", "", "")
    await visit.go("/?newsletter=weekly")


@scene("home refused")
async def home_refused(visit: Visit) -> None:
    await visit.go("/")
    await visit.write(name="Ada", email="not one")
    await visit.press("Subscribe")


@scene("home of newsletters with questions")
async def home_with_questions(visit: Visit) -> None:
    await visit.house.application.create_newsletter(origin(), "weekly", "The weekly", "", "", "")
    fields, tags = 'city: text "Where do you live?"\nsize: choice "Size" "Small" "Large"', 'music: "Music news"'
    await visit.house.application.edit_newsletter(origin(), "weekly", fields=fields, tags=tags)
    await visit.go("/?newsletter=weekly")


@scene("subscribed")
async def subscribed(visit: Visit) -> None:
    """By somebody so fast that the browser has something to do first."""
    await visit.go("/")
    await visit.write(name="Ada", email=ADA)
    await visit.press("Subscribe")
    await visit.page.get_by_role("heading", name="Look into your mailbox").wait_for()


@scene("challenge")
async def challenge(visit: Visit) -> None:
    """For somebody who answered one before, so that it does not go on by itself."""
    await visit.go("/")
    await visit.write(name="Ada", email=ADA)
    fields = '<input type="hidden" name="challenge" value="old"><input type="hidden" name="answer">'
    await visit.page.evaluate("fields => document.forms[0].insertAdjacentHTML('beforeend', fields)", fields)
    await visit.press("Subscribe")
    await visit.page.get_by_text("Done. Press the button.").wait_for()


@scene("expired")
async def expired(visit: Visit) -> None:
    visit.refuse(TokenExpired())
    await visit.go(f"/subscriptions/confirm?subscription_token={UNKNOWN_TOKEN}")


@scene("confirm")
async def confirm(visit: Visit) -> None:
    await visit.go(await visit.confirmation_path())


@scene("confirmed")
async def confirmed(visit: Visit) -> None:
    await confirm(visit)
    await visit.press("Confirm my subscription")


@scene("unsubscribe")
async def unsubscribe(visit: Visit) -> None:
    await visit.go(await visit.unsubscribe_path())


@scene("unsubscribed")
async def unsubscribed(visit: Visit) -> None:
    await unsubscribe(visit)
    await visit.page.locator("main form button").click()


@scene("preferences asked for")
async def preferences_asked_for(visit: Visit) -> None:
    await visit.go("/preferences")
    await visit.write(email="not one")
    await visit.press("Mail me a link")


@scene("preferences being mailed")
async def preferences_being_mailed(visit: Visit) -> None:
    await visit.go("/preferences")
    await visit.write(email=ADA)
    await visit.press("Mail me a link")


@scene("preferences")
async def preferences(visit: Visit) -> None:
    await visit.published()
    listing = (await visit.waiting(urgent=False)).listing
    assert listing
    await visit.go(_path(listing.preferences_link))


@scene("preferences paused")
async def preferences_paused(visit: Visit) -> None:
    await preferences(visit)
    await visit.write(until=str(a_day()))
    await visit.press("Pause")


@scene("unsubscribed from all")
async def unsubscribed_from_all(visit: Visit) -> None:
    await preferences(visit)
    await visit.press("Unsubscribe from all")


@scene("my data")
async def my_data(visit: Visit) -> None:
    await add_reader(visit.house)
    await add_reader(visit.house, newsletter="weekly")
    await visit.go(await mailed_path(visit.house))


@scene("my data refused")
async def my_data_refused(visit: Visit) -> None:
    await my_data(visit)
    field = visit.page.locator("#name-weekly")
    await field.fill("<b>")
    await field.press("Enter")


@scene("my answers refused")
async def my_answers_refused(visit: Visit) -> None:
    await add_reader(visit.house)
    await add_reader(visit.house, newsletter="weekly")
    for slug in ("default", "weekly"):
        await visit.house.application.edit_newsletter(
            origin(), slug, fields='city: text required "City"', tags="art: Art"
        )
    await visit.go(await mailed_path(visit.house))
    await visit.page.locator("#tag_art-weekly").check()
    field = visit.page.locator("#field_city-weekly")
    await field.fill(" ")
    await field.press("Enter")
    await visit.page.locator("#field_city-weekly[aria-invalid=true]").wait_for()


@scene("erase")
async def erase(visit: Visit) -> None:
    await add_reader(visit.house)
    await visit.go(await mailed_path(visit.house) + "/erase")


@scene("erased")
async def erased(visit: Visit) -> None:
    await erase(visit)
    await visit.press("Erase everything")


@scene("setup")
async def setup(visit: Visit) -> None:
    await visit.go(await visit.house.set_up_path())


@scene("setup refused")
async def setup_refused(visit: Visit) -> None:
    await setup(visit)
    await visit.write(new_password="short", new_password_check="short")
    await visit.press("Set the password")


@scene("login")
async def login(visit: Visit) -> None:
    await visit.go("/login")


@scene("login failed")
async def login_failed(visit: Visit) -> None:
    await login(visit)
    await visit.write(username="ada", password="nobody knows it")
    await visit.press("Log in")


@scene("dashboard")
async def dashboard(visit: Visit) -> None:
    await visit.log_in()


@scene("dashboard after an issue")
async def dashboard_after_an_issue(visit: Visit) -> None:
    await visit.published()
    await visit.log_in()


@scene("dashboard with all of it done")
async def dashboard_with_all_done(visit: Visit) -> None:
    await visit.arrived()
    await visit.log_in()
    await visit.page.get_by_text("That was all of it.").wait_for()


@scene("dashboard without a checklist")
async def dashboard_without_checklist(visit: Visit) -> None:
    await dashboard_with_all_done(visit)
    await visit.press("Dismiss all")


@scene("issues")
async def issues(visit: Visit) -> None:
    await visit.log_in("/admin/newsletters")


@scene("issues with one")
async def issues_with_one(visit: Visit) -> None:
    await visit.published()
    await issues(visit)


@scene("issue accepted")
async def issue_accepted(visit: Visit) -> None:
    await issues(visit)
    await visit.write(title="A first issue", text_content="Some words.")
    await visit.press("Publish")
    await visit.page.get_by_role("status").wait_for()


@scene("publish refused")
async def publish_refused(visit: Visit) -> None:
    await issues(visit)
    await visit.write(title="No words")
    await visit.press("Publish")


@scene("issue page")
async def issue_page(visit: Visit) -> None:
    await visit.log_in(await visit.published())


@scene("issue page of an issue that is out")
async def issue_page_live(visit: Visit) -> None:
    """Its stream is open, and has told something."""
    await visit.log_in(await visit.published())
    await visit.page.get_by_text("0 of 1 mails are done").wait_for()
    await visit.outcome(SENT)
    await visit.page.get_by_text("1 of 1 mails are done").wait_for()


@scene("issue page of a paused issue")
async def issue_page_paused(visit: Visit) -> None:
    path = await visit.published()
    await visit.outcome(SenderFault(Reply(530, "5.7.0 log in first")))
    await visit.log_in(path)


@scene("issue page with mail held back")
async def issue_page_held_back(visit: Visit) -> None:
    path = await visit.published()
    await visit.outcome(Throttled(Reply(421, "4.7.0 later"), Scope.DOMAIN))
    await visit.log_in(path)
    await visit.page.get_by_text("takes no mail").wait_for()


@scene("issue page with failed mail")
async def issue_page_failed(visit: Visit) -> None:
    path = await visit.published()
    await visit.outcome(Rejected(Reply(550, "5.7.1 no")))
    await visit.house.application.jobs.finish_issues()
    await visit.log_in(path)


@scene("issue is paused by a button")
async def issue_paused(visit: Visit) -> None:
    await issue_page(visit)
    await visit.press("Pause")
    await visit.page.get_by_role("status").wait_for()


@scene("cancel an issue")
async def cancel_issue(visit: Visit) -> None:
    await visit.log_in(f"{await visit.published()}/cancel")


@scene("issue cancelled")
async def issue_cancelled(visit: Visit) -> None:
    await cancel_issue(visit)
    await visit.press("Cancel the issue")
    await visit.page.get_by_role("status").wait_for()


@scene("mails in doubt")
async def mails_in_doubt(visit: Visit) -> None:
    path = await visit.published()
    await visit.outcome(Uncertain(Reply(None, "connection lost")))
    await visit.log_in(f"{path}/uncertain")


@scene("no mails in doubt")
async def no_mails_in_doubt(visit: Visit) -> None:
    await mails_in_doubt(visit)
    await visit.press("Count as sent: all of them")
    await visit.page.get_by_role("status").wait_for()


@scene("subscribers")
async def subscribers(visit: Visit) -> None:
    await visit.published()
    await visit.log_in("/admin/subscribers")


@scene("subscribers found")
async def subscribers_found(visit: Visit) -> None:
    await visit.house.application.create_newsletter(origin(), "weekly", "The weekly", "", "", "")
    await visit.house.application.edit_newsletter(origin(), "default", tags='music: "Music news"')
    await subscribers(visit)
    await visit.write(search=ADA)
    await visit.press("Search")
    await visit.page.get_by_role("link", name=ADA).wait_for()


@scene("subscribers refused")
async def subscribers_refused(visit: Visit) -> None:
    await visit.log_in("/admin/subscribers")
    await visit.write(search="x" * 300)
    await visit.press("Search")


@scene("no subscribers")
async def no_subscribers(visit: Visit) -> None:
    await visit.log_in("/admin/subscribers")


@scene("no subscriber of this e-mail address")
async def unlisted(visit: Visit) -> None:
    await visit.house.application.people.import_suppressions(origin(), [ADA])
    await no_subscribers(visit)
    await visit.write(search=ADA)
    await visit.press("Search")
    await visit.page.get_by_role("link", name="See whether mail is kept").click()
    await visit.page.get_by_role("button", name="Lift it").wait_for()


@scene("subscriber")
async def subscriber(visit: Visit) -> None:
    await subscribers(visit)
    await visit.page.get_by_role("link", name=ADA).click()
    await visit.page.get_by_text("Asked for the newsletter by a form").wait_for()


@scene("subscriber who complained")
async def subscriber_complained(visit: Visit) -> None:
    """The form to lift it is there, refused once."""
    await subscriber(visit)
    await visit.page.get_by_text("Record a complaint").first.click()
    await visit.press("Record a complaint")
    await visit.write(reason="  ")
    await visit.press("Lift it")
    await visit.page.get_by_role("alert").wait_for()


@scene("erase a subscriber")
async def erase_subscriber(visit: Visit) -> None:
    await subscriber(visit)
    await visit.page.get_by_role("link", name="Erase this reader for good").click()
    await visit.page.get_by_role("button", name="Erase for good").wait_for()


@scene("subscriber erased")
async def subscriber_erased(visit: Visit) -> None:
    await erase_subscriber(visit)
    await visit.press("Erase for good")
    await visit.page.get_by_role("status").wait_for()


@scene("login leads to the page that was asked for")
async def login_leads_on(visit: Visit) -> None:
    await visit.log_in("/admin/password")
    await visit.page.context.clear_cookies()
    await visit.go("/admin/subscribers?status=confirmed")
    await visit.write(username="ada", password=PASSWORD)
    await visit.press("Log in")
    await visit.page.wait_for_url("**/admin/subscribers?status=confirmed")


@scene("newsletter settings")
async def newsletter_settings(visit: Visit) -> None:
    await visit.log_in("/admin/newsletters/default/settings")


@scene("newsletter settings refused")
async def newsletter_settings_refused(visit: Visit) -> None:
    await newsletter_settings(visit)
    await visit.write(sender="not one")
    await visit.press("Save")


@scene("form for another site")
async def form_for_another_site(visit: Visit) -> None:
    await visit.log_in("/admin/newsletters/default/form")


@scene("password")
async def password(visit: Visit) -> None:
    await visit.log_in("/admin/password")


@scene("password refused")
async def password_refused(visit: Visit) -> None:
    await password(visit)
    await visit.write(current_password="not hers", new_password=TOO_LONG[:20], new_password_check=TOO_LONG[:20])
    await visit.press("Change the password")


@scene("error 400")
async def error_400(visit: Visit) -> None:
    await visit.go("/subscriptions/confirm")


@scene("error 401")
async def error_401(visit: Visit) -> None:
    await visit.go(f"/subscriptions/confirm?subscription_token={UNKNOWN_TOKEN}")


@scene("error 403")
async def error_403(visit: Visit) -> None:
    """A form that is not ours."""
    form = f'<form method="post" action="http://127.0.0.1:{visit.house.port}/login"><button>Log in</button></form>'
    await visit.page.set_content(form)
    await visit.press("Log in")


@scene("error 404")
async def error_404(visit: Visit) -> None:
    await visit.go("/nothing")


@scene("error 405")
async def error_405(visit: Visit) -> None:
    await visit.log_in("/admin/checklist")


@scene("error 413")
async def error_413(visit: Visit) -> None:
    await visit.go("/")
    await visit.write(name=TOO_LONG, email=ADA)
    await visit.press("Subscribe")


@scene("error 422")
async def error_422(visit: Visit) -> None:
    """The form of an issue that was published, with other words in it."""
    await issues(visit)
    key = await visit.page.locator("[name=idempotency_key]").input_value()
    await visit.house.application.publish(publication(key=key), origin())
    await visit.write(title="Other words", text_content="Other words.")
    await visit.press("Publish")


@scene("error 429")
async def error_429(visit: Visit) -> None:
    await visit.log_in()
    visit.refuse(web.HTTPTooManyRequests())
    await visit.go("/admin/newsletters")


@scene("error 500")
async def error_500(visit: Visit) -> None:
    await visit.log_in()
    visit.house.uow.outage = Outage.BROKEN
    await visit.go("/admin/newsletters")


@scene("error 503")
async def error_503(visit: Visit) -> None:
    await visit.log_in()
    visit.house.uow.outage = Outage.AWAY
    await visit.go("/admin/newsletters")


@scene("mailbox empty")
async def mailbox_empty(visit: Visit) -> None:
    await visit.look_into_mailbox()


@scene("mailbox")
async def mailbox(visit: Visit) -> None:
    await visit.look_into_mailbox("", CONFIRMATION, issue())


@scene("mail of text")
async def mail_of_text(visit: Visit) -> None:
    await visit.look_into_mailbox("mails/1", issue())


@scene("mail of both")
async def mail_of_both(visit: Visit) -> None:
    await visit.look_into_mailbox("mails/1", issue(html=HTML))


@scene("mail of ours")
async def mail_of_ours(visit: Visit) -> None:
    await visit.look_into_mailbox("mails/1", CONFIRMATION)


@scene("mail's source")
async def mail_source(visit: Visit) -> None:
    await visit.look_into_mailbox("mails/1/source", issue(html=HTML))


@scene("mail missing")
async def mail_missing(visit: Visit) -> None:
    await visit.look_into_mailbox("mails/7")
