"""An issue's page, and the stream of events that keeps it up to date."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs
import pytest
from aiohttp import web

from adapters_http import streams
from adapters_http.watching import Rhythm
from tests.support.core import SENT
from tests.support.http import CONFIG, JSON, PASSWORD, House, serving
from tests.support.outages import Outage
from tests.unit.adapters_http.routes.test_issue_steering import LOST, published, settle
from zero2prod.testing.builders import new_id
from zero2prod_core.domain.deliveries import Reply, Scope, SenderFault, Throttled
from zero2prod_core.domain.issues import Issue
from zero2prod_core.errors import Defect

QUICK = attrs.evolve(CONFIG, rhythm=Rhythm(look=0.01, share=1.0, beat=0.02, recheck=0.02))

SLOW = attrs.evolve(CONFIG, rhythm=Rhythm(look=3600, beat=3600, recheck=3600))
"""Nothing comes after the first look."""

THROTTLED = Throttled(Reply(421, "4.7.0 try later"), Scope.DOMAIN)


@pytest.fixture
async def staff() -> AsyncIterator[House]:
    async with serving(QUICK) as house:
        await house.log_in()
        yield house


class Stream:
    """What a browser's EventSource reads."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def block(self) -> Mapping[str, str]:
        """The fields up to the next blank line; a comment's name is empty."""
        fields: dict[str, str] = {}
        async for line in self.response.content:
            text = line.decode().rstrip("\n")
            if not text:
                return fields
            name, _, value = text.partition(":")
            fields[name] = value.strip()
        return {"end": "yes"}

    async def event(self, kind: str = "message") -> Any:  # noqa: ANN401 - whatever an event tells
        """The next event of this kind, others and heartbeats passed over."""
        while (block := await self.block()).get("event") != kind:
            assert "end" not in block, "the stream ended"
        return json.loads(block["data"])

    async def ends(self) -> bool:
        while "end" not in await self.block():
            pass
        return True


@asynccontextmanager
async def streaming(
    house: House, issue: Issue, headers: Mapping[str, str] | None = None, status: int = 200
) -> AsyncIterator[Stream]:
    url = f"http://127.0.0.1:{house.port}/admin/newsletters/{issue.id}/events"
    async with house.client.get(url, headers=headers, allow_redirects=False) as response:
        assert response.status == status
        yield Stream(response)


class TestPage:
    async def test_it_has_a_bar_a_script_and_a_way_without(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        answer = await staff.get(f"/admin/newsletters/{issue.id}")
        assert '<progress id="bar" max="1" value="0"' in answer.text
        assert f'data-events="/admin/newsletters/{issue.id}/events"' in answer.text
        assert "script-src 'self'; connect-src 'self'" in answer.headers["Content-Security-Policy"]
        (script,) = re.findall(r'<script src="([^"]+)"', answer.text)
        assert "EventSource" in (await staff.get(script)).text
        assert '<noscript><meta http-equiv="refresh"' in answer.text
        still = (await staff.get(f"/admin/newsletters/{issue.id}?still")).text
        assert "http-equiv" not in still

    async def test_one_that_is_over_stands_still(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        await settle(staff, SENT)
        await staff.application.jobs.finish_issues()
        page = (await staff.get(f"/admin/newsletters/{issue.id}")).text
        assert "100 %: 1 of 1 mails are done" in page
        assert "<script" not in page
        assert "http-equiv" not in page

    async def test_programs_get_what_people_see(self, staff: House) -> None:
        issue = await published(staff, "a@example.com", "b@example.com")
        told = json.loads((await staff.get(f"/admin/newsletters/{issue.id}", JSON)).body)
        assert (told["id"], told["state"], told["total"], told["left"]) == (str(issue.id), "sending", 2, 2)
        assert told["sums"]["pending"] == 2
        assert (told["possibly_twice"], told["held_back"], told["remedy"]) == (0, [], None)

    async def test_a_pause_is_shown_with_the_relay_s_words_and_the_remedy(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        await settle(staff, SenderFault(Reply(530, "5.7.0 log in <first>")))
        page = (await staff.get(f"/admin/newsletters/{issue.id}")).text
        assert "5.7.0 log in &lt;first&gt;" in page
        assert "Mend what its words name" in page

    async def test_what_holds_mail_back_is_shown(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        await settle(staff, THROTTLED)
        page = (await staff.get(f"/admin/newsletters/{issue.id}")).text
        assert "The domain example.com takes no mail: 4.7.0 try later. Next try at" in page
        assert "set a lower rate for this domain" in page

    async def test_each_state_says_what_it_means(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        page = (await staff.get(f"/admin/newsletters/{issue.id}")).text
        assert '<td data-words="pending">1</td><td>Wait for their turn</td>' in page

    async def test_no_rate_is_told_where_there_is_none(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        page = (await staff.get(f"/admin/newsletters/{issue.id}")).text
        assert '<p data-hides hidden><span data-words="rated"></span></p>' in page

    async def test_a_mail_that_came_twice_perhaps_is_counted(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        await settle(staff, LOST)
        path = f"/admin/newsletters/{issue.id}"
        await staff.post(f"{path}/uncertain", {"resolution": "resend", "recipient": "all"})
        await settle(staff, SENT)
        assert 'Possibly twice: <span data-words="possibly_twice">1</span>' in (await staff.get(path)).text

    async def test_sums_that_do_not_add_up_are_no_secret(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        async with staff.uow() as tx:
            await tx.issues.save(attrs.evolve(issue, audience=2))
        page = (await staff.get(f"/admin/newsletters/{issue.id}")).text
        assert "These are not the 2 of its recipients." in page

    async def test_the_list_has_a_bar_for_what_is_out(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        assert "0 %: 0 of 1 mails are done" in (await staff.get("/admin/newsletters")).text
        await settle(staff, SENT)
        await staff.application.jobs.finish_issues()
        page = (await staff.get("/admin/newsletters")).text
        assert str(issue.id) in page
        assert "<progress" not in page


class TestStream:
    async def test_it_tells_each_change_and_ends_when_the_issue_is_over(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        async with streaming(staff, issue) as stream:
            assert stream.response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            assert stream.response.headers["Cache-Control"] == "no-store"
            assert "X-Request-Id" in stream.response.headers
            assert await stream.block() == {"retry": "3000"}
            first = await stream.event()
            assert (first["sums"]["pending"], first["page"]["words"]["done"]) == (1, "0 %: 0 of 1 mails are done")
            await settle(staff, SENT)
            while (told := await stream.event())["sums"]["sent"] != 1:
                pass
            assert told["page"]["done"] == 1
            await staff.application.jobs.finish_issues()
            assert (await stream.event("over"))["state"] == "finished"
            assert await stream.ends()

    async def test_a_pause_changes_the_kind_of_page(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        async with streaming(staff, issue) as stream:
            before = (await stream.event())["page"]["kind"]
            await staff.post(f"/admin/newsletters/{issue.id}/pause")
            while (told := await stream.event())["state"] != "paused":
                pass
            assert told["page"]["kind"] != before

    async def test_silence_is_broken_by_heartbeats(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        async with streaming(staff, issue) as stream:
            await stream.event()
            while await stream.block() != {"": ""}:
                pass
            assert not stream.response.content.at_eof()

    async def test_who_comes_back_is_not_told_the_same(self) -> None:
        async with serving(SLOW) as house:
            await house.log_in()
            issue = await published(house)
            await house.application.jobs.finish_issues()
            async with streaming(house, issue) as stream:
                await stream.block()
                seen = await stream.block()
            async with streaming(house, issue, {"Last-Event-ID": seen["id"]}) as stream:
                await stream.block()
                assert (await stream.block())["event"] == "over"

    async def test_it_ends_with_the_session(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        async with streaming(staff, issue) as stream:
            await stream.event()
            await staff.post("/admin/logout")
            assert await stream.ends()

    async def test_it_waits_for_a_store_that_is_away(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        async with streaming(staff, issue) as stream:
            await stream.event()
            staff.uow.outage = Outage.AWAY
            assert await stream.ends()  # the session cannot be looked up; the browser comes back
            staff.uow.outage = Outage.NONE
        async with streaming(staff, issue) as stream:
            assert (await stream.event())["state"] == "sending"

    async def test_it_ends_when_the_site_stops(self) -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            async with serving(SLOW) as house:
                await house.log_in()
                issue = await published(house, "a@example.com")
                await client.post(
                    f"http://127.0.0.1:{house.port}/login", data={"username": "ada", "password": PASSWORD}
                )
                url = f"http://127.0.0.1:{house.port}/admin/newsletters/{issue.id}/events"
                response = await client.get(url)
                await Stream(response).event()
            assert await Stream(response).ends()

    async def test_however_many_watch_it_is_looked_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with serving(SLOW) as house:
            await house.log_in()
            issue, looks = await published(house, "a@example.com"), list[object]()
            show = type(house.application.show_issue)
            original = show.__call__

            async def counted(self: object, id_: object) -> object:
                looks.append(id_)
                return await original(self, id_)  # type: ignore[arg-type] # it is what it stands in for

            monkeypatch.setattr(show, "__call__", counted)
            async with streaming(house, issue) as one, streaming(house, issue) as other:
                assert (await one.event())["id"] == (await other.event())["id"]
            assert looks == [issue.id]

    async def test_a_page_that_is_loaded_is_told_to_those_who_watch(self) -> None:
        async with serving(SLOW) as house:
            await house.log_in()
            issue = await published(house, "a@example.com")
            async with streaming(house, issue) as stream:
                await stream.event()
                await settle(house, SENT)
                await house.get(f"/admin/newsletters/{issue.id}")
                assert (await stream.event())["sums"]["sent"] == 1

    async def test_a_session_has_so_many_and_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streams, "MOST_OF_A_SESSION", 1)
        async with serving(SLOW) as house:
            await house.log_in()
            issue = await published(house, "a@example.com")
            async with streaming(house, issue) as stream:
                await stream.event()
                async with streaming(house, issue, status=429):
                    pass

    async def test_a_process_has_so_many_and_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(streams, "MOST_STREAMS", 0)
        async with serving(SLOW) as house:
            await house.log_in()
            async with streaming(house, await published(house, "a@example.com"), status=429):
                pass

    async def test_what_cannot_begin_is_answered_like_any_page(self, staff: House, house: House) -> None:
        assert (await staff.get(f"/admin/newsletters/{new_id()}/events")).status == 404
        assert (await house.get(f"/admin/newsletters/{new_id()}/events")).location == "/login"
        issue = await published(staff, "a@example.com")
        staff.uow.outage = Outage.AWAY
        assert (await staff.get(f"/admin/newsletters/{issue.id}/events")).status == 503
        staff.uow.outage = Outage.NONE

    async def test_a_fault_of_ours_ends_it_and_nothing_else(
        self, staff: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        issue = await published(staff, "a@example.com")
        async with streaming(staff, issue) as stream:
            await stream.event()

            async def fail(*_: object) -> None:
                raise Defect("never")

            monkeypatch.setattr(type(staff.application.show_issue), "__call__", fail)
            assert await stream.ends()
        assert (await staff.get("/health_check")).status == 200


async def test_streams_that_close_begin_no_more() -> None:
    async def alive(_: web.Request) -> bool:
        return True

    closing = streams.Streams(alive, Rhythm())
    await closing.close(web.Application())
    with pytest.raises(web.HTTPTooManyRequests):
        async with closing._place(b"session"):
            await asyncio.sleep(0)
