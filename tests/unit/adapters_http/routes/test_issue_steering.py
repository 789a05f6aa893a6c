"""Pausing, resuming, cancelling and resending an issue, and deciding about what is in doubt."""

import json
import re

import pytest

from adapters_http.routes import issue_steering
from tests.support.http import JSON, House
from zero2prod.testing.builders import new_id, origin, publication
from zero2prod_core.domain.deliveries import DeliveryState, Outcome, Rejected, Reply, Uncertain
from zero2prod_core.domain.issues import Issue, IssueState

LOST = Uncertain(Reply(None, "connection lost"))
REFUSED = Rejected(Reply(550, "5.1.1 nobody here"))


async def confirmed(house: House, email: str) -> None:
    await house.post("/subscriptions", {"name": "Reader", "email": email})
    await house.post("/subscriptions/confirm", {"subscription_token": await house.confirmation_token()})


async def published(house: House, *readers: str) -> Issue:
    for reader in readers:
        await confirmed(house, reader)
    return await house.application.publish(publication(), origin())


async def settle(house: House, outcome: Outcome) -> None:
    """The same for every mail that waits."""
    parcels = (await house.application.deliveries.claim("test", 100, urgent=False)).parcels
    await house.application.deliveries.settle([], [parcel.mark for parcel in parcels])
    await house.application.deliveries.settle([parcel.report(outcome) for parcel in parcels], [])


async def state(house: House, issue: Issue) -> IssueState:
    return (await house.application.show_issue(issue.id)).issue.state


async def sums(house: House, issue: Issue) -> dict[DeliveryState, int]:
    return dict((await house.application.show_issue(issue.id)).sums)


@pytest.fixture
async def issue(staff: House) -> Issue:
    return await published(staff, "reader@example.com")


async def test_it_is_paused_and_resumed_with_a_sentence_each(staff: House, issue: Issue) -> None:
    path = f"/admin/newsletters/{issue.id}"
    assert f'action="{path}/pause"' in (await staff.get(path)).text
    answer = await staff.post(f"{path}/pause")
    assert (answer.status, answer.location) == (303, path)
    page = (await staff.get(path)).text
    assert issue_steering.PAUSED in page
    assert "somebody did so by hand." in page
    assert f'action="{path}/pause"' not in page
    assert await state(staff, issue) is IssueState.PAUSED
    assert (await staff.post(f"{path}/resume")).location == path
    assert issue_steering.RESUMED in (await staff.get(path)).text
    assert await state(staff, issue) is IssueState.SENDING


async def test_what_cannot_be_is_a_409_with_a_way_back(staff: House, issue: Issue) -> None:
    answer = await staff.post(f"/admin/newsletters/{issue.id}/resume")
    assert answer.status == 409
    assert "You cannot resume an issue that is sending." in answer.text
    assert "Back to the issues" in answer.text
    told = await staff.post(f"/admin/newsletters/{issue.id}/resend", headers=JSON)
    assert (told.status, json.loads(told.body)["code"]) == (409, "transition_refused")


async def test_cancelling_asks_first(staff: House, issue: Issue) -> None:
    path = f"/admin/newsletters/{issue.id}"
    page = await staff.get(f"{path}/cancel")
    assert (page.status, await state(staff, issue)) == (200, IssueState.SENDING)
    assert "cannot be undone" in page.text
    answer = await staff.post(f"{path}/cancel")
    assert (answer.status, answer.location) == (303, path)
    assert await state(staff, issue) is IssueState.CANCELLED
    assert "nothing left to cancel" in (await staff.get(f"{path}/cancel")).text


async def test_failed_mails_of_a_finished_issue_are_sent_again(staff: House, issue: Issue) -> None:
    path = f"/admin/newsletters/{issue.id}"
    await settle(staff, REFUSED)
    await staff.application.jobs.finish_issues()
    assert "Send failed mails again" in (await staff.get(path)).text
    assert (await staff.post(f"{path}/resend")).location == path
    assert await state(staff, issue) is IssueState.SENDING
    assert await sums(staff, issue) == {DeliveryState.PENDING: 1}


async def test_where_nothing_failed_there_is_nothing_to_send_again(staff: House) -> None:
    issue = await published(staff)
    await staff.application.jobs.finish_issues()
    answer = await staff.post(f"/admin/newsletters/{issue.id}/resend")
    assert answer.status == 409
    assert "none to send again" in answer.text


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "resend"])
async def test_programs_get_the_issue(staff: House, issue: Issue, action: str) -> None:
    if action == "resume":
        await staff.post(f"/admin/newsletters/{issue.id}/pause")
    if action == "resend":
        await settle(staff, REFUSED)
        await staff.application.jobs.finish_issues()
    answer = await staff.post(f"/admin/newsletters/{issue.id}/{action}", headers=JSON)
    assert answer.status == 200
    assert json.loads(answer.body)["id"] == str(issue.id)


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "resend"])
async def test_one_that_is_not_there_is_a_404(staff: House, action: str) -> None:
    assert (await staff.post(f"/admin/newsletters/{new_id()}/{action}")).status == 404


async def test_nothing_goes_without_a_session(house: House) -> None:
    for action in ("pause", "resume", "cancel", "resend", "uncertain"):
        answer = await house.post(f"/admin/newsletters/{new_id()}/{action}")
        assert (answer.status, answer.location) == (303, "/login")


async def test_a_request_from_elsewhere_changes_nothing(staff: House, issue: Issue) -> None:
    answer = await staff.post(f"/admin/newsletters/{issue.id}/pause", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status, await state(staff, issue)) == (403, IssueState.SENDING)


class TestDoubts:
    @pytest.fixture
    async def doubtful(self, staff: House) -> Issue:
        issue = await published(staff, "a@example.com", "b@example.com", "c@example.com")
        await settle(staff, LOST)
        return issue

    def recipients(self, page: str) -> list[str]:
        return [each for each in re.findall(r'name="recipient" value="([^"]+)"', page) if each != "all"]

    async def test_they_are_listed_with_their_e_mail_addresses(self, staff: House, doubtful: Issue) -> None:
        path = f"/admin/newsletters/{doubtful.id}"
        assert f'href="{path}/uncertain"' in (await staff.get(path)).text
        page = (await staff.get(f"{path}/uncertain")).text
        assert len(self.recipients(page)) == 3
        assert all(f"<bdi>{each}@example.com</bdi>" in page for each in "abc")
        assert "connection lost" in page
        told = json.loads((await staff.get(f"{path}/uncertain", JSON)).body)
        assert [each["recipient"] for each in told] == self.recipients(page)

    async def test_they_come_in_pages(self, staff: House, doubtful: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(issue_steering, "LISTED", 2)
        path, seen = f"/admin/newsletters/{doubtful.id}/uncertain", []
        while path:
            page = (await staff.get(path)).text
            seen += self.recipients(page)
            following = re.search(r'href="([^"]+)">The next ones', page)
            path = following[1] if following else ""
        assert len(seen) == len(set(seen)) == 3

    @pytest.mark.parametrize(
        ("resolution", "becomes", "said"),
        [
            ("resend", DeliveryState.PENDING, "One mail is sent once more."),
            ("accept", DeliveryState.SENT, "One mail is counted as sent."),
        ],
    )
    async def test_one_is_decided(
        self, staff: House, doubtful: Issue, resolution: str, becomes: DeliveryState, said: str
    ) -> None:
        path = f"/admin/newsletters/{doubtful.id}/uncertain"
        one = self.recipients((await staff.get(path)).text)[0]
        answer = await staff.post(path, {"resolution": resolution, "recipient": one})
        assert (answer.status, answer.location) == (303, path)
        assert said in (await staff.get(path)).text
        assert await sums(staff, doubtful) == {DeliveryState.UNCERTAIN: 2, becomes: 1}

    async def test_all_are_decided(self, staff: House, doubtful: Issue) -> None:
        path = f"/admin/newsletters/{doubtful.id}/uncertain"
        await staff.post(path, {"resolution": "accept", "recipient": "all"})
        page = (await staff.get(path)).text
        assert "3 mails are counted as sent." in page
        assert "No mail of this issue is in doubt." in page
        await staff.post(path, {"resolution": "accept", "recipient": "all"})
        assert "Nothing was in doubt any more." in (await staff.get(path)).text

    async def test_programs_get_the_number(self, staff: House, doubtful: Issue) -> None:
        path = f"/admin/newsletters/{doubtful.id}/uncertain"
        answer = await staff.post(path, {"resolution": "resend", "recipient": "all"}, JSON)
        assert json.loads(answer.body) == {"resolution": "resend", "deliveries": 3}

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"recipient": "all"}, "What is to become of them is missing."),
            ({"resolution": "forget", "recipient": "all"}, "What is to become of them must be one of resend, accept."),
            ({"resolution": "accept"}, "The recipient is missing."),
            ({"resolution": "accept", "recipient": ""}, "The recipient is missing."),
            ({"resolution": "accept", "recipient": "ada"}, "The recipient must be an id that the list has."),
        ],
    )
    async def test_half_a_decision_is_a_400(
        self, staff: House, doubtful: Issue, fields: dict[str, str], said: str
    ) -> None:
        answer = await staff.post(f"/admin/newsletters/{doubtful.id}/uncertain", fields)
        assert answer.status == 400
        assert said in answer.text
        assert await sums(staff, doubtful) == {DeliveryState.UNCERTAIN: 3}

    async def test_a_link_into_nowhere_is_a_400(self, staff: House, doubtful: Issue) -> None:
        assert (await staff.get(f"/admin/newsletters/{doubtful.id}/uncertain?after=x")).status == 400

    async def test_of_a_cancelled_issue_none_is_sent_again(self, staff: House, doubtful: Issue) -> None:
        path = f"/admin/newsletters/{doubtful.id}"
        await staff.post(f"{path}/cancel")
        assert 'value="resend"' not in (await staff.get(f"{path}/uncertain")).text
        answer = await staff.post(f"{path}/uncertain", {"resolution": "resend", "recipient": "all"})
        assert answer.status == 409

    async def test_of_an_issue_that_is_not_there_is_a_404(self, staff: House) -> None:
        assert (await staff.get(f"/admin/newsletters/{new_id()}/uncertain")).status == 404


class TestFailures:
    @pytest.fixture
    async def failing(self, staff: House) -> Issue:
        issue = await published(staff, "a@example.com", "b@example.com", "c@example.com")
        await settle(staff, Rejected(Reply(550, "5.2.2 <full>")))
        return issue

    async def test_they_are_listed_with_the_servers_words(self, staff: House, failing: Issue) -> None:
        path = f"/admin/newsletters/{failing.id}"
        assert f'href="{path}/failures"' in (await staff.get(path)).text
        page = (await staff.get(f"{path}/failures")).text
        assert all(f"<bdi>{each}@example.com</bdi>" in page for each in "abc")
        assert page.count("550 5.2.2 &lt;full&gt;") == 3
        told = json.loads((await staff.get(f"{path}/failures", JSON)).body)
        assert {each["email"] for each in told} == {f"{each}@example.com" for each in "abc"}
        assert {(each["attempts"], each["code"], each["reply"]) for each in told} == {(1, 550, "5.2.2 <full>")}

    async def test_they_come_in_pages(self, staff: House, failing: Issue, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(issue_steering, "LISTED", 2)
        path, seen = f"/admin/newsletters/{failing.id}/failures", []
        while path:
            page = (await staff.get(path)).text
            seen += re.findall(r"<bdi>([abc]@example.com)</bdi>", page)
            following = re.search(r'href="([^"]+)">The next ones', page)
            path = following[1] if following else ""
        assert sorted(seen) == ["a@example.com", "b@example.com", "c@example.com"]

    async def test_none_is_said_so(self, staff: House) -> None:
        issue = await published(staff, "a@example.com")
        path = f"/admin/newsletters/{issue.id}"
        assert "No mail of this issue has failed." in (await staff.get(f"{path}/failures")).text
        assert "/failures" not in (await staff.get(path)).text

    async def test_a_link_into_nowhere_is_refused(self, staff: House, failing: Issue) -> None:
        assert (await staff.get(f"/admin/newsletters/{failing.id}/failures?after=x")).status == 400
        assert (await staff.get(f"/admin/newsletters/{new_id()}/failures")).status == 404
