from tests.support.http import House


async def test_the_dashboard_leads_everywhere(staff: House) -> None:
    page = (await staff.get("/admin/dashboard")).text
    assert "<h1>Welcome ada</h1>" in page
    for part in ('href="/admin/newsletters"', 'href="/admin/password"', '<form method="post" action="/admin/logout">'):
        assert part in page
    assert 'href="/admin/dashboard" aria-current="page"' in page


async def test_an_odd_username_is_shown_as_it_is(house: House) -> None:
    await house.log_in("ada+test@example.com")
    assert "Welcome ada+test@example.com" in (await house.get("/admin/dashboard")).text


async def test_what_a_person_types_from_memory_leads_there(staff: House) -> None:
    answer = await staff.get("/admin")
    assert (answer.status, answer.headers["Location"]) == (303, "/admin/dashboard")
