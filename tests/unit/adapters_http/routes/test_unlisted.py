"""E-mail addresses that subscribe to nothing."""

import json
import re

import pytest

from adapters_http.people_paths import unlisted_path
from adapters_http.sealed_texts import SealedTexts
from tests.support.http import JSON, House
from zero2prod.testing.builders import KEYS, email, origin, subscriber
from zero2prod_core.domain.suppressions import Reason

SEALED = SealedTexts.keyed(KEYS)
EVE = email("eve@example.com")
PATH = unlisted_path(SEALED.seal(EVE.text))
LIST = "/admin/subscribers"


@pytest.fixture
async def imported(staff: House) -> None:
    """Eve's e-mail address came with a list."""
    await staff.application.people.import_suppressions(origin(), [EVE.text])


async def reasons(house: House) -> list[Reason]:
    return [each.reason for each in (await house.application.people.find(origin(), EVE.text)).suppressions]


async def act(house: House, action: str, **fields: str) -> str:
    """The page that it leads back to."""
    answer = await house.post(f"{LIST}/unlisted/{action}", {"search": SEALED.seal(EVE.text), **fields})
    assert answer.status == 303
    assert answer.location.startswith(f"{LIST}/unlisted?search=")
    return (await house.get(answer.location)).text


async def test_a_search_in_vain_leads_there(staff: House, imported: None) -> None:
    found = (await staff.get((await staff.post(LIST, {"search": EVE.text})).location)).text
    link = re.search(r'href="([^"]+)">See whether mail is kept', found)
    assert link
    page = (await staff.get(link[1])).text
    assert "<h1><bdi>eve@example.com</bdi></h1>" in page
    assert "It stood in an imported list of whom not to mail." in page
    for text in ("eve", "@example.com", "eve@"):
        half = (await staff.get((await staff.post(LIST, {"search": text})).location)).text
        assert "See whether mail is kept" not in half


async def test_what_a_list_brought_is_lifted_with_a_reason(staff: House, imported: None) -> None:
    assert "Reason is missing." in await act(staff, "lift", reason=" ")
    assert await reasons(staff) == [Reason.IMPORT]
    page = await act(staff, "lift", reason="She asked us to")
    assert "What kept mail away is lifted." in page
    again = await act(staff, "lift", reason="Again")
    assert "Nothing kept mail away any more." in again
    assert "<bdi>She asked us to</bdi>" in again


async def test_mail_is_kept_from_somebody_nobody_knows(staff: House) -> None:
    page = (await staff.get(PATH)).text
    assert "Nothing: it may sign up." in page
    assert "Nothing that is still on record." in page
    assert "Note must have at most 500 characters" in await act(staff, "suppress", note="x" * 501)
    assert "<bdi>A wish by post</bdi>" in await act(staff, "suppress", note="A wish by post")
    assert await reasons(staff) == [Reason.MANUAL]


async def test_who_subscribes_has_another_page(staff: House) -> None:
    async with staff.uow() as tx:
        await tx.subscribers.claim_batch([eve := subscriber(EVE)])
    answer = await staff.get(PATH)
    assert (answer.status, answer.location) == (303, f"{LIST}/{eve.id}")


async def test_of_who_was_erased_it_says_so(staff: House) -> None:
    async with staff.uow() as tx:
        await tx.subscribers.claim_batch([eve := subscriber(EVE)])
    await staff.post(f"{LIST}/{eve.id}/erase")
    page = (await staff.get(PATH)).text
    assert "data were erased" in page
    assert "/lift" not in page


async def test_programs_get_what_is_known(staff: House, imported: None) -> None:
    told = json.loads((await staff.get(PATH, JSON)).body)
    assert (told["email"], [each["reason"] for each in told["suppressions"]]) == (EVE.text, ["import"])
    fields = {"search": SEALED.seal(EVE.text), "reason": ""}
    assert (await staff.post(f"{LIST}/unlisted/lift", fields, JSON)).status == 400
    assert (await staff.post(f"{LIST}/unlisted/suppress", fields | {"note": "a\x07b"}, JSON)).status == 400


@pytest.mark.parametrize(
    "sealed",
    ["", "eve@example.com", "gAAAA", SEALED.seal("eve"), SEALED.seal("")],
    ids=["nothing", "not sealed", "a beginning", "no e-mail address", "sealed nothing"],
)
async def test_a_link_that_holds_no_e_mail_address_is_refused(staff: House, sealed: str) -> None:
    answer = await staff.get(f"{LIST}/unlisted?search={sealed}")
    assert answer.status == 400
    assert "Search holds no whole e-mail address. Search for it again." in answer.text
    for action in ("lift", "suppress"):
        refused = await staff.post(f"{LIST}/unlisted/{action}", {"search": sealed, "reason": "Why not"})
        assert refused.status == 400


async def test_it_takes_a_session_and_our_own_form(staff: House, imported: None) -> None:
    path, fields = f"{LIST}/unlisted/lift", {"search": SEALED.seal(EVE.text), "reason": "Why not"}
    assert (await staff.post(path, fields, {"Sec-Fetch-Site": "cross-site"})).status == 403
    staff.client.cookie_jar.clear()
    assert (await staff.post(path, fields)).location == "/login"
    assert await reasons(staff) == [Reason.IMPORT]
