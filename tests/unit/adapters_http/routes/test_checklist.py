"""The newcomer's checklist on the dashboard."""

import re

import pytest

from adapters_http.mailbox import Mailbox
from tests.support.http import JSON, House, serving
from zero2prod_core.domain.checklist import Step

TITLES = {
    "subscribe": "Subscribe yourself",
    "mailbox": "Open the mailbox",
    "confirm": "Confirm your subscription",
    "publish": "Publish an issue",
    "arrive": "See it arrive",
}

ITEM = re.compile(
    r'<li class="(?:done|open)">.*?<h3>(?:<a href="(?P<link>[^"]*)">)?(?P<title>[^<]*)(?:</a>)? '
    r'<span class="state">(?P<state>[^<]*)</span>.*?name="step" value="(?P<step>\w+)"',
    re.DOTALL,
)


async def _shown(house: House) -> dict[str, dict[str, str]]:
    """Step → what the dashboard says of it."""
    page = (await house.get("/admin/dashboard")).text
    return {match["step"]: match.groupdict() for match in ITEM.finditer(page)}


async def _states(house: House) -> list[str]:
    return [item["state"] for item in (await _shown(house)).values()]


async def test_a_newcomer_sees_every_step_with_its_place(staff: House) -> None:
    shown = await _shown(staff)
    assert {step: item["title"] for step, item in shown.items()} == TITLES
    assert {step: item["link"] for step, item in shown.items()} == {
        "subscribe": "/",
        "mailbox": None,
        "confirm": None,
        "publish": "/admin/newsletters",
        "arrive": None,
    }
    assert await _states(staff) == ["Not yet"] * 5


class Counting(Mailbox):
    """A mailbox that counts how often it is asked."""

    url = "http://127.0.0.1:8025/"

    def __init__(self, *, opened: bool = False) -> None:
        self.opened = opened
        self.asked = 0

    async def is_opened(self) -> bool:
        self.asked += 1
        return self.opened


async def test_with_a_mailbox_the_steps_lead_there() -> None:
    async with serving(mailbox=Counting()) as house:
        await house.log_in()
        shown = await _shown(house)
    assert [shown[step]["link"] for step in ("mailbox", "confirm", "arrive")] == [Counting.url] * 3
    assert shown["mailbox"]["state"] == "Not yet"


async def test_a_mailbox_that_was_opened_ticks_its_step() -> None:
    async with serving(mailbox=Counting(opened=True)) as house:
        await house.log_in()
        assert (await _shown(house))["mailbox"]["state"] == "Done"


async def test_what_has_happened_is_ticked(staff: House) -> None:
    await staff.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})
    assert await _states(staff) == ["Done", "Not yet", "Not yet", "Not yet", "Not yet"]
    await staff.post("/subscriptions/confirm", {"subscription_token": await staff.confirmation_token()})
    assert await _states(staff) == ["Done", "Done", "Done", "Not yet", "Not yet"]
    await staff.post("/admin/newsletters", {"title": "First", "text_content": "Hi", "idempotency_key": "k"})
    assert await _states(staff) == ["Done", "Done", "Done", "Done", "Not yet"]
    (issue,) = await staff.application.list_issues(1)
    assert (await _shown(staff))["arrive"]["link"] == f"/admin/newsletters/{issue.id}"


async def test_each_button_says_what_it_dismisses(staff: House) -> None:
    page = (await staff.get("/admin/dashboard")).text
    for title in TITLES.values():
        assert f'aria-label="Dismiss: {title}">Dismiss</button>' in page


async def test_what_is_dismissed_stays_away(staff: House) -> None:
    answer = await staff.post("/admin/checklist", {"step": "mailbox"})
    assert (answer.status, answer.location) == (303, "/admin/dashboard")
    assert list(await _shown(staff)) == ["subscribe", "confirm", "publish", "arrive"]


@pytest.mark.parametrize("body", [b"step=all", b"&".join(b"step=" + step.value.encode() for step in Step)])
async def test_all_can_be_dismissed_at_once(staff: House, body: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await staff.send("POST", "/admin/checklist", form, body)).status == 303
    page = (await staff.get("/admin/dashboard")).text
    assert "The first five minutes" not in page
    assert "Welcome ada" in page


@pytest.mark.parametrize(("dismissed", "left"), [("all", 0), ("mailbox", 4)])
async def test_nobody_asks_the_mailbox_once_its_step_is_dismissed(dismissed: str, left: int) -> None:
    mailbox = Counting()
    async with serving(mailbox=mailbox) as house:
        await house.log_in()
        await _shown(house)
        assert mailbox.asked == 1
        await house.post("/admin/checklist", {"step": dismissed})
        assert len(await _shown(house)) == left
    assert mailbox.asked == 1


async def test_nobody_asks_the_mailbox_once_somebody_has_confirmed() -> None:
    mailbox = Counting()
    async with serving(mailbox=mailbox) as house:
        await house.log_in()
        await house.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})
        await house.post("/subscriptions/confirm", {"subscription_token": await house.confirmation_token()})
        assert (await _shown(house))["mailbox"]["state"] == "Done"
    assert mailbox.asked == 0


async def test_when_all_is_done_one_button_dismisses_the_rest(staff: House) -> None:
    assert "Dismiss all" not in (await staff.get("/admin/dashboard")).text
    await staff.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})
    body = b"step=mailbox&step=confirm&step=publish&step=arrive"
    await staff.send("POST", "/admin/checklist", {"Content-Type": "application/x-www-form-urlencoded"}, body)
    assert await _states(staff) == ["Done"]
    assert "Dismiss all" in (await staff.get("/admin/dashboard")).text


@pytest.mark.parametrize(("fields", "words"), [({}, "is missing"), ({"step": "fly"}, "must be one of subscribe, ")])
async def test_what_is_no_step_is_refused(staff: House, fields: dict[str, str], words: str) -> None:
    answer = await staff.post("/admin/checklist", fields)
    assert (answer.status, words in answer.text) == (400, True)
    assert '"field": "step"' in (await staff.post("/admin/checklist", fields, headers=JSON)).text
    assert len(await _shown(staff)) == 5
