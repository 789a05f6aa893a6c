"""A confirmation link whose time is over, and the button for a new one."""

import html
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import attrs
import pytest

from adapters_http.form_texts import ASK_AGAIN_FORM
from tests.support.http import JSON, House, serving
from zero2prod.testing.application import MovableClock
from zero2prod.testing.builders import KEYS, new_id
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.domain.tokens import Purpose, token_text

SIGN_UP = {"name": "Ada", "email": "ada@example.com"}
AGAIN = "/subscriptions/again"


@attrs.frozen
class Site:
    house: House
    clock: MovableClock

    async def expired(self) -> str:
        """The token of a sign-up of the day before yesterday."""
        await self.house.post("/subscriptions", SIGN_UP)
        token = await self.house.confirmation_token()
        self.clock.forward(timedelta(days=2))
        return token

    async def status(self) -> Status:
        async with self.house.uow.reading() as tx:
            found = await tx.subscribers.find(DEFAULT_NEWSLETTER.id, EmailAddress.parse("ada@example.com"))
        assert found
        return found.status


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    clock = MovableClock()
    async with serving(clock=clock) as house:
        yield Site(house, clock)


async def test_the_page_of_an_expired_link_has_one_button_for_a_new_one(site: Site) -> None:
    token = await site.expired()
    for answer in (
        await site.house.get(f"/subscriptions/confirm?subscription_token={token}"),
        await site.house.post("/subscriptions/confirm", {"subscription_token": token}),
    ):
        page = html.unescape(answer.text)
        assert answer.status == 401
        assert "WWW-Authenticate" in answer.headers
        for words in ASK_AGAIN_FORM.words.values():
            assert words in page
        assert f'action="{AGAIN}"' in page
        assert f'name="subscription_token" value="{token}"' in page
        assert page.count("<button") == 1
        assert "ada@example.com" not in page


async def test_the_button_sends_a_link_that_works(site: Site) -> None:
    old = await site.expired()
    answer = await site.house.post(AGAIN, {"subscription_token": old, "form": ASK_AGAIN_FORM.version})
    assert (answer.status, "Look into your mailbox" in answer.text) == (200, True)
    new = await site.house.confirmation_token()
    assert new != old
    assert (await site.house.post("/subscriptions/confirm", {"subscription_token": new})).status == 200
    assert await site.status() is Status.CONFIRMED


async def test_the_answer_is_the_same_whether_a_mail_follows_or_not(site: Site) -> None:
    fields = {"subscription_token": await site.expired()}
    sent, withheld = [await site.house.post(AGAIN, fields) for _ in range(2)]
    assert (sent.status, sent.body) == (withheld.status, withheld.body)


async def test_a_program_is_told_where_to_ask(site: Site) -> None:
    token = await site.expired()
    answer = await site.house.get(f"/subscriptions/confirm?subscription_token={token}", JSON)
    problem = json.loads(answer.body)
    assert (problem["status"], problem["code"], problem["new_link"]) == (401, "token_expired", AGAIN)
    posted = await site.house.post("/subscriptions/confirm", {"subscription_token": token}, JSON)
    assert json.loads(posted.body)["new_link"] == AGAIN


@pytest.mark.parametrize(
    ("token", "status"),
    [("", 400), ("short", 400), ("x" * 43, 401), (token_text(KEYS.newest, Purpose.CONFIRM, new_id()), 401)],
)
async def test_with_what_is_no_old_link_one_signs_up_again(site: Site, token: str, status: int) -> None:
    answer = await site.house.post(AGAIN, {"subscription_token": token})
    assert answer.status == status
    assert ('<a href="/">Ask for a new link</a>' in answer.text) is (status == 401)


async def test_it_takes_no_get(site: Site) -> None:
    assert (await site.house.get(AGAIN)).status == 405
