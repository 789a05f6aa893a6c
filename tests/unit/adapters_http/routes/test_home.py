import pytest

from tests.support.http import House
from tests.support.outages import Outage
from zero2prod.testing.builders import origin


async def test_the_first_page_has_the_form(house: House) -> None:
    answer = await house.get("/")
    assert answer.status == 200
    for part in ('action="/subscriptions"', '<label for="name">', '<label for="email">', 'autocomplete="email"'):
        assert part in answer.text
    assert not answer.cookies


async def test_there_is_no_choice_where_there_is_one_newsletter(house: House) -> None:
    assert "<select" not in (await house.get("/")).text


@pytest.mark.parametrize(("query", "chosen"), [("", "default"), ("?newsletter=gardens", "gardens")])
async def test_among_several_newsletters_one_can_choose(house: House, query: str, chosen: str) -> None:
    await house.application.create_newsletter(origin(), "gardens", "Gardens & <Parks>")
    page = (await house.get("/" + query)).text
    assert f'<option value="{chosen}" selected>' in page
    assert "Gardens &amp; &lt;Parks&gt;" in page
    assert page.count(" selected") == 1


@pytest.mark.parametrize("outage", [Outage.AWAY, Outage.SILENT])
async def test_the_form_is_there_without_the_store(house: House, outage: Outage) -> None:
    house.uow.outage = outage
    answer = await house.get("/")
    assert answer.status == 200
    assert 'action="/subscriptions"' in answer.text


async def test_the_only_newsletter_gives_the_page_its_name(house: House) -> None:
    assert "<h1>Subscribe to the newsletter</h1>" in (await house.get("/")).text
    await house.application.edit_newsletter(origin(), "default", name="Notes & <queries>")
    page = (await house.get("/")).text
    assert "<h1>Subscribe to <bdi>Notes &amp; &lt;queries&gt;</bdi></h1>" in page
    assert "<title>Subscribe · Notes &amp; &lt;queries&gt;</title>" in page
    assert '<a class="brand" href="/"><bdi>Notes &amp; &lt;queries&gt;</bdi></a>' in page
    await house.application.create_newsletter(origin(), "daily", "The Daily")
    page = (await house.get("/")).text
    assert "<h1>Subscribe to one of our newsletters</h1>" in page
    assert "<title>Subscribe to one of our newsletters · zero2prod</title>" in page


async def test_the_staff_find_their_way_in(house: House) -> None:
    answered = await house.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})
    for page in (await house.get("/"), answered):
        assert 'For the staff: <a href="/admin/dashboard">log in</a>' in page.text
