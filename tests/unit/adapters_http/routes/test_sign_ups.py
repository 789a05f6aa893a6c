"""Who is asked for a challenge at the hosted form and at a pasted one, and how it goes on."""

import html
import re
from collections.abc import AsyncIterator

import attrs
import pytest

from adapters_http.form_texts import SUBSCRIBE_FORM
from tests.support.doors import StandingClock, door, solution
from tests.support.http import FORM, JSON, House, serving
from zero2prod.testing.builders import origin
from zero2prod_core.domain.challenges import Challenged
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscribers import Subscriber

SIGN_UP = {"name": "Ada", "email": "ada@example.com"}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@attrs.frozen
class Site:
    house: House
    clock: StandingClock

    async def stamp(self) -> str:
        page = (await self.house.get("/")).text
        return hidden(page)["shown"]

    async def reader(self, email: str = "ada@example.com") -> Subscriber | None:
        async with self.house.uow.reading() as tx:
            return await tx.subscribers.find(DEFAULT_NEWSLETTER.id, EmailAddress.parse(email))


@pytest.fixture
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    clock = StandingClock()
    whom = getattr(request, "param", Challenged.SUSPICIOUS)
    async with serving(at_the_door=door(whom, clock)) as house:
        yield Site(house, clock)


for_everybody = pytest.mark.parametrize("site", [Challenged.ALWAYS], indirect=True)
for_nobody = pytest.mark.parametrize("site", [Challenged.OFF], indirect=True)


def hidden(page: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in HIDDEN.findall(page)}


async def test_the_page_has_a_trap_that_no_person_meets(site: Site) -> None:
    page = (await site.house.get("/")).text
    trap = page[page.index('<div class="trap"') : page.index("</div>")]
    assert 'aria-hidden="true"' in trap
    assert '<input id="message" name="message" autocomplete="off" tabindex="-1">' in trap
    assert not (await site.house.get("/")).cookies


async def test_a_person_s_sign_up_is_taken_at_once(site: Site) -> None:
    stamp = await site.stamp()
    site.clock.forward(3)
    answer = await site.house.post("/subscriptions", SIGN_UP | {"shown": stamp, "message": ""})
    assert (answer.status, "Look into your mailbox" in answer.text) == (200, True)
    assert await site.reader()


@pytest.mark.parametrize(("seconds", "changes"), [(0, {}), (90_000, {}), (3, {"message": "x"}), (3, {"shown": "x"})])
async def test_whoever_seems_to_be_a_program_goes_on_by_work(
    site: Site, seconds: float, changes: dict[str, str]
) -> None:
    stamp = await site.stamp()
    site.clock.forward(seconds)
    asked = await site.house.post("/subscriptions", SIGN_UP | {"shown": stamp} | changes)
    assert (asked.status, "<h1>One more step</h1>" in asked.text) == (403, True)
    assert await site.reader() is None
    kept = hidden(asked.text)
    assert kept | SIGN_UP == kept
    answer = await site.house.post("/subscriptions", kept | {"answer": solution(kept["challenge"])})
    assert (answer.status, "Look into your mailbox" in answer.text) == (200, True)
    assert await site.reader()


async def test_nobody_is_told_why(site: Site) -> None:
    stamp = await site.stamp()
    quick, forged = [
        (await site.house.post("/subscriptions", SIGN_UP | {"shown": shown})).text.replace(shown, "")
        for shown in (stamp, "forged")
    ]
    assert quick == forged


@for_everybody
async def test_who_comes_too_late_begins_anew(site: Site) -> None:
    kept = hidden((await site.house.post("/subscriptions", SIGN_UP)).text)
    site.clock.forward(601)
    late = await site.house.post("/subscriptions", kept)
    assert late.status == 403
    assert "That came too late. Please wait 15 seconds" in late.text
    assert hidden(late.text)["challenge"] != kept["challenge"]


@for_everybody
async def test_patience_is_the_way_without_scripts(site: Site) -> None:
    asked = await site.house.post("/subscriptions", SIGN_UP)
    assert asked.status == 403
    assert "Please wait 15 seconds, then press the button." in asked.text
    site.clock.forward(5)
    early = await site.house.post("/subscriptions", hidden(asked.text))
    assert early.status == 403
    assert "That was a little early. Please wait 10 seconds, then press the button." in early.text
    assert hidden(early.text) == hidden(asked.text)
    site.clock.forward(10)
    assert (await site.house.post("/subscriptions", hidden(early.text))).status == 200
    assert await site.reader()


@for_everybody
async def test_an_answer_is_worth_nothing_for_another_victim(site: Site) -> None:
    kept = hidden((await site.house.post("/subscriptions", SIGN_UP)).text)
    solved = kept | {"answer": solution(kept["challenge"]), "email": "victim@example.com"}
    answer = await site.house.post("/subscriptions", solved)
    assert answer.status == 403
    assert hidden(answer.text)["challenge"] != kept["challenge"]
    assert await site.reader("victim@example.com") is None


@for_everybody
async def test_what_was_typed_is_kept_as_it_was(site: Site) -> None:
    body = (
        b"name=Ad%C3%A9+%26+%27x&email=ada%40example.com&tag=a&tag=b&utm=%00%ff&form=" + SUBSCRIBE_FORM.version.encode()
    )
    page = (await site.house.send("POST", "/subscriptions", FORM, body)).text
    fields = [(html.unescape(name), html.unescape(value)) for name, value in HIDDEN.findall(page)]
    assert fields[:-2] == [
        ("name", "Adé & 'x"),
        ("email", "ada@example.com"),
        ("tag", "a"),
        ("tag", "b"),
        ("utm", "\ufffd\ufffd"),
        ("form", SUBSCRIBE_FORM.version),
    ]


async def test_the_page_of_a_challenge_has_one_script_of_ours(site: Site) -> None:
    answer = await site.house.post("/subscriptions", SIGN_UP | {"shown": "forged"})
    assert re.findall(r"<script[^>]*>", answer.text) == [
        f'<script src="{match}" type="module">' for match in re.findall(r"/static/challenge\.js\?v=\w+", answer.text)
    ]
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "connect-src" not in policy
    assert 'role="status"' in answer.text


@for_nobody
async def test_nobody_is_asked_where_that_is_off(site: Site) -> None:
    answer = await site.house.post("/subscriptions", SIGN_UP | {"shown": "forged", "message": "x", "challenge": "x"})
    assert answer.status == 200
    assert await site.reader()


async def test_a_pasted_form_is_taken_at_once(site: Site) -> None:
    assert (await site.house.post("/subscriptions", SIGN_UP | {"message": "a field of that site"})).status == 200


@for_everybody
async def test_a_program_that_sends_forms_is_told_what_to_compute(site: Site) -> None:
    answer = await site.house.post("/subscriptions", SIGN_UP, JSON)
    assert answer.status == 403
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert '"send_to": "/subscriptions"' in answer.text


async def test_a_refused_form_is_asked_for_what_is_wrong_first(site: Site) -> None:
    stamp = await site.stamp()
    answer = await site.house.post("/subscriptions", SIGN_UP | {"email": "none", "shown": stamp})
    assert answer.status == 400
    assert f'name="shown" value="{stamp}"' in answer.text


async def _ask_for_a_city(site: Site) -> None:
    await site.house.application.edit_newsletter(
        origin(), "default", fields='city: text required "Where do you live?"', tags='music: "Music news"'
    )


async def test_the_form_asks_for_what_its_newsletter_asks_for(site: Site) -> None:
    await _ask_for_a_city(site)
    page = (await site.house.get("/")).text
    assert 'name="field_city"' in page
    assert 'name="tag"' in page
    fields = SIGN_UP | {"field_city": "Ulm", "tag": "music", "field_gone": "x"}
    assert (await site.house.post("/subscriptions", fields)).status == 200
    assert await site.reader()


async def test_a_question_without_its_answer_is_asked_again(site: Site) -> None:
    await _ask_for_a_city(site)
    answer = await site.house.post("/subscriptions", SIGN_UP)
    assert answer.status == 400
    assert "Where do you live?" in answer.text


async def test_several_newsletters_with_questions_have_a_page_each(site: Site) -> None:
    await _ask_for_a_city(site)
    await site.house.application.create_newsletter(origin(), "weekly", "The weekly")
    first, other = [(await site.house.get(path)).text for path in ("/", "/?newsletter=weekly")]
    assert ('name="newsletter" value="default"' in first, 'name="field_city"' in first) == (True, True)
    assert ('name="newsletter" value="weekly"' in other, 'name="field_city"' in other) == (True, False)
    assert '<a href="/?newsletter=weekly" aria-current="page">' in other
    assert "<select" not in first + other


async def test_json_is_told_where_it_is_taken(site: Site) -> None:
    answer = await site.house.send("POST", "/subscriptions", {"Content-Type": "application/json"} | JSON, b"{}")
    assert answer.status == 415
    assert "/api/v1/subscriptions" in answer.text
