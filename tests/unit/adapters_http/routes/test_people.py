"""The list of subscribers, and the page of one."""

import json
import re
from datetime import timedelta
from urllib.parse import unquote
from uuid import UUID

import attrs
import pytest

from adapters_http.routes import people
from tests.support.http import JSON, House
from zero2prod.testing.builders import email, evidence, later, new_id, origin, sign_up, subscriber
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Status, Subscriber

LIST = "/admin/subscribers"


async def stored(house: House, *subscribers: Subscriber) -> None:
    async with house.uow() as tx:
        await tx.subscribers.claim_batch(subscribers)


async def named(house: House, *names: str) -> list[Subscriber]:
    made = [subscriber(email(f"{name.lower()}@example.com"), name=SubscriberName(name)) for name in names]
    await stored(house, *made)
    return made


def seen(page: str) -> list[str]:
    return re.findall(r'<th scope="row"[^>]*><a href="[^"]+"><bdi>([^<]+)</bdi>', page)


async def followed(house: House, path: str) -> list[str]:
    """What all pages together show, from this one on."""
    found = []
    while path:
        page = (await house.get(path)).text
        found += seen(page)
        following = re.search(r'href="([^"]+)">The next ones', page)
        path = following[1].replace("&amp;", "&") if following else ""
    return found


async def searched(house: House, **fields: str) -> list[str]:
    answer = await house.post(LIST, fields)
    assert answer.status == 303
    return seen((await house.get(answer.location)).text)


class TestList:
    async def test_the_newest_come_first_and_lead_to_their_pages(self, staff: House) -> None:
        ada, _ = await named(staff, "Ada", "Grace")
        page = (await staff.get(LIST)).text
        assert seen(page) == ["grace@example.com", "ada@example.com"]
        assert f'href="{LIST}/{ada.id}"' in page
        assert "Confirmed" in page
        assert "<bdi>Newsletter</bdi>" in page

    async def test_where_nobody_is_it_says_what_to_do(self, staff: House) -> None:
        page = (await staff.get(LIST)).text
        assert "<strong>Nobody yet.</strong>" in page
        assert 'href="/?newsletter=default"' in page

    async def test_it_comes_in_pages(self, staff: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(people, "LISTED", 2)
        names = ["Ada", "Blaise", "Emmy", "Grace"]
        await named(staff, *names)
        found = await followed(staff, LIST)
        assert found == [f"{name.lower()}@example.com" for name in reversed(names)]
        last = (await staff.get(f"{LIST}?after={(await named(staff, 'Zoe'))[0].id}")).text
        assert f'href="{LIST}?newsletter=default">Back to the first page' in last

    async def test_behind_the_last_it_says_so(self, staff: House) -> None:
        (ada,) = await named(staff, "Ada")
        assert "No more" in (await staff.get(f"{LIST}?after={ada.id}")).text

    @pytest.mark.parametrize("text", ["ada@", "ADA", "Ada", "  ada@example.com "])
    async def test_it_is_searched_by_how_things_begin(self, staff: House, text: str) -> None:
        await named(staff, "Ada", "Grace")
        assert await searched(staff, search=text) == ["ada@example.com"]

    async def test_no_link_of_a_search_can_be_read(self, staff: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(people, "LISTED", 1)
        await named(staff, "Ada", "Adam")
        answer = await staff.post(LIST, {"search": "@example.com", "status": "confirmed"})
        page = (await staff.get(answer.location)).text
        for link in (answer.location, *re.findall(r'href="([^"]+)"', page)):
            assert "@" not in unquote(link)
            assert "example" not in link
        assert 'value="@example.com"' in page
        assert await followed(staff, answer.location) == ["adam@example.com", "ada@example.com"]

    async def test_whoever_is_not_found_is_told_as_that(self, staff: House) -> None:
        await named(staff, "Ada")
        answer = await staff.post(LIST, {"search": "nobody"})
        assert "<strong>Nobody is found.</strong>" in (await staff.get(answer.location)).text

    async def test_it_is_narrowed_down_by_status(self, staff: House) -> None:
        await stored(staff, subscriber(email("gone@example.com"), status=Status.UNSUBSCRIBED))
        await named(staff, "Ada")
        assert await searched(staff, status="unsubscribed") == ["gone@example.com"]
        page = (await staff.get(f"{LIST}?status=unsubscribed")).text
        assert '<option value="unsubscribed" selected>Unsubscribed</option>' in page

    async def test_who_looked_for_a_status_is_not_told_to_type_less(self, staff: House) -> None:
        await staff.application.edit_newsletter(origin(), "default", tags='music: "Music"')
        for query, told in (
            ("status=complained", "No reader has this status."),
            ("tag=music", "No reader has this tag."),
            ("status=complained&tag=music", "No reader has this status and this tag."),
        ):
            page = (await staff.get(f"{LIST}?{query}")).text
            assert f"<strong>{told}</strong> Choose another, or" in page
            assert "fewer letters" not in page

    async def test_a_pause_is_told_before_anything_else(self, staff: House) -> None:
        (reader,) = await named(staff, "Ada")
        async with staff.uow() as tx:
            until = await tx.now() + timedelta(days=2)
            await tx.subscribers.save_batch([attrs.evolve(reader, paused_until=until)])
        assert f'<td role="cell">Confirmed, paused until {until:%Y-%m-%d}</td>' in (await staff.get(LIST)).text
        page = (await staff.get(f"{LIST}/{reader.id}")).text
        assert f"<strong>Confirmed, paused until {until:%Y-%m-%d}.</strong> Gets no issue until" in page
        assert "Gets every issue." not in page

    async def test_it_is_narrowed_down_by_newsletter(self, staff: House) -> None:
        weekly = await staff.application.create_newsletter(origin(), "weekly", "The weekly")
        await stored(staff, subscriber(email("week@example.com"), newsletter=weekly.id))
        await named(staff, "Ada")
        assert await searched(staff, newsletter="weekly") == ["week@example.com"]
        assert seen((await staff.get(LIST)).text) == ["ada@example.com"]

    async def test_it_is_narrowed_down_by_a_tag_that_the_newsletter_has(self, staff: House) -> None:
        await staff.application.edit_newsletter(origin(), "default", tags='music: "Music news"')
        await stored(staff, subscriber(email("music@example.com"), tags=("music",)))
        await named(staff, "Ada")
        assert await searched(staff, tag="music") == ["music@example.com"]
        assert '<option value="music" selected>Music news</option>' in (await staff.get(f"{LIST}?tag=music")).text
        assert len(await searched(staff, tag="unheard")) == 2

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("status=happy", "Status must be one of"),
            ("newsletter=unknown", "Newsletter must be one that exists"),
            ("newsletter=No%20slug", "Newsletter must"),
            ("after=x", "must be an id that the list has"),
            ("search=gAAAA", "Search cannot be read from this link any more. Type it again."),
            ("search=ada%40example.com", "Search cannot be read"),
        ],
    )
    async def test_what_cannot_be_looked_for_is_told_in_words(self, staff: House, query: str, said: str) -> None:
        answer = await staff.get(f"{LIST}?{query}")
        assert answer.status == 400
        assert said in answer.text
        assert (await staff.get(f"{LIST}?{query}", JSON)).status == 400

    async def test_a_search_that_is_refused_can_be_corrected(self, staff: House) -> None:
        answer = await staff.post(LIST, {"search": "x" * 300})
        page = await staff.get(answer.location)
        assert page.status == 400
        assert "Search must have at most 256 characters" in page.text
        assert "x" * 300 in page.text

    async def test_programs_get_the_list(self, staff: House) -> None:
        (ada,) = await named(staff, "Ada")
        (told,) = json.loads((await staff.get(LIST, JSON)).body)
        assert told["id"] == str(ada.id)
        assert (told["email"], told["name"], told["status"]) == ("ada@example.com", "Ada", "confirmed")

    async def test_hostile_names_are_text(self, staff: House) -> None:
        await stored(staff, attrs.evolve(subscriber(), name=SubscriberName("<script>alert(1)</script>\u202e")))
        page = (await staff.get(LIST)).text
        assert '<bdi class="quiet">&lt;script&gt;' in page
        assert "<script" not in page

    async def test_the_staff_find_the_way(self, staff: House) -> None:
        page = (await staff.get("/admin/dashboard")).text
        assert page.count(f'href="{LIST}"') == 2
        assert f'href="{LIST}" aria-current="page"' in (await staff.get(LIST)).text

    async def test_nobody_else_sees_it(self, house: House) -> None:
        for method in ("GET", "POST"):
            answer = await house.send(method, LIST)
            assert (answer.status, answer.location) == (303, "/login")


async def joined(house: House) -> UUID:
    """Somebody has signed up by the form and confirmed."""
    await house.application.subscribe(sign_up())
    await house.application.confirm(await house.confirmation_token(), evidence())
    async with house.uow.reading() as tx:
        found = await tx.subscribers.find(DEFAULT_NEWSLETTER.id, email("ada@example.com"))
    assert found
    return found.id


def headings(page: str) -> list[str]:
    return re.findall(r'<h3 dir="auto">([^<]+)</h3>', page)


class TestPerson:
    async def test_it_shows_the_whole_history_with_its_evidence(self, staff: House) -> None:
        id_ = await joined(staff)
        page = (await staff.get(f"{LIST}/{id_}")).text
        assert "<h1><bdi>ada@example.com</bdi></h1>" in page
        assert headings(page)[0] == "Asked for the newsletter by a form"
        assert "Confirmed the sign-up by a form" in headings(page)
        for evidence_part in ("192.0.2.1", "A browser", "request-1"):
            assert f"<dd><bdi>{evidence_part}</bdi></dd>" in page

    async def test_the_look_is_on_record_under_the_name_of_who_looked(self, staff: House) -> None:
        id_ = await joined(staff)
        await staff.get(f"{LIST}/{id_}")
        async with staff.uow.reading() as tx:
            (event, *_) = await tx.audit.tail(1)
        assert (event.action, event.resource.id) == (Action.SENSITIVE_READ, str(id_))
        page = (await staff.get(f"{LIST}/{id_}")).text
        assert headings(page)[-1] == "Somebody looked at these data"
        assert "<dt>Who</dt><dd><bdi>ada</bdi></dd>" in page

    async def test_every_newsletter_of_the_person_is_there(self, staff: House) -> None:
        weekly = await staff.application.create_newsletter(origin(), "weekly", "The weekly")
        await staff.application.edit_newsletter(
            origin(), "weekly", fields='city: text "Your city"', tags='music: "Music news"'
        )
        here = email("ada@example.com")
        there = subscriber(
            here, newsletter=weekly.id, status=Status.UNSUBSCRIBED, fields={"city": "<b>Berlin"}, tags=("music",)
        )
        first = subscriber(here)
        await stored(staff, first, there)
        page = (await staff.get(f"{LIST}/{first.id}")).text
        for part in ("<bdi>The weekly</bdi>", "Your city", "&lt;b&gt;Berlin", "Music news", "Gets every issue."):
            assert part in page
        assert f'action="{LIST}/{first.id}/unsubscribe"' in page
        assert f'action="{LIST}/{there.id}/unsubscribe"' not in page

    async def test_a_long_history_comes_in_pieces(self, staff: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(people, "LISTED", 3)
        id_ = await joined(staff)
        for _ in range(4):
            await staff.get(f"{LIST}/{id_}")
        path, found, has_newest = f"{LIST}/{id_}", list[str](), list[bool]()
        while path:
            page = (await staff.get(path)).text
            found = [*headings(page), *found]
            has_newest.append("The newest</a>" not in page)
            before = re.search(r'href="([^"]+)">What was before that', page)
            path = before[1] if before else ""
        assert has_newest == [True, *[False] * (len(has_newest) - 1)]
        assert found[0] == "Asked for the newsletter by a form"
        assert found.count("Confirmed the sign-up by a form") == 1

    @pytest.mark.parametrize("before", ["x", "-1", "", "1.5", "9" * 5000, "\u0663"])
    async def test_a_place_that_is_none_is_refused(self, staff: House, before: str) -> None:
        id_ = await joined(staff)
        assert (await staff.get(f"{LIST}/{id_}?before={before}")).status == 400

    async def test_programs_get_what_is_known(self, staff: House) -> None:
        told = json.loads((await staff.get(f"{LIST}/{await joined(staff)}", JSON)).body)
        assert told["email"] == "ada@example.com"
        assert [each["status"] for each in told["subscriptions"]] == ["confirmed"]
        assert told["history"]

    async def test_what_is_not_kept_is_told_where_the_history_begins(self, staff: House) -> None:
        old = subscriber(subscribed_at=later(-4e7))
        await stored(staff, old)
        assert "are not kept one by one" in (await staff.get(f"{LIST}/{old.id}")).text
        assert json.loads((await staff.get(f"{LIST}/{old.id}", JSON)).body)["left_out"]

    async def test_nobody_of_an_unknown_id(self, staff: House) -> None:
        page = await staff.get(f"{LIST}/{new_id()}")
        assert page.status == 404
        assert "This subscriber does not exist." in page.text
        assert 'href="/admin/subscribers">Back to the subscribers' in page.text
        assert (await staff.get(f"{LIST}/nobody")).status == 404

    async def test_hostile_names_are_text(self, staff: House) -> None:
        evil = subscriber(name=SubscriberName("<script>alert(1)</script>"))
        await stored(staff, evil)
        for path in (f"{LIST}/{evil.id}", f"{LIST}/{evil.id}/erase"):
            assert "<script" not in (await staff.get(path)).text
