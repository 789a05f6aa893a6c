"""What every page has in common."""

import re

import pytest

from tests.support.http import House

PUBLIC = ["/", "/login", "/nowhere", "/subscriptions/confirm", "/unsubscribe/x", "/setup"]
STAFF = [
    "/admin/dashboard",
    "/admin/newsletters",
    "/admin/newsletters/default/settings",
    "/admin/password",
    "/admin/subscribers",
]


@pytest.mark.parametrize("path", [*PUBLIC, *STAFF])
async def test_a_page_can_be_found_one_s_way_about(staff: House, path: str) -> None:
    page = (await staff.get(path)).text
    body = page[page.index("<body>") :]
    assert '<html lang="en">' in page
    assert re.match(r'<body>\s*<a class="skip" href="#main">Skip to the content</a>', body)
    assert page.count('<main id="main"') == page.count("<h1") == page.count("<header") == 1
    for field in re.findall(r'<(?:input|textarea|select) id="(\w+)"', page):
        assert f'<label for="{field}">' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(set(ids)) == len(ids)


async def test_each_page_has_a_title_of_its_own(staff: House) -> None:
    pages = [(await staff.get(path)).text for path in ("/", "/login", "/nowhere", "/setup", *STAFF)]
    titles = [re.findall("<title>(.*)</title>", page) for page in pages]
    assert len({title for (title,) in titles}) == len(pages)
    assert all(title.endswith(" · zero2prod") for (title,) in titles)


@pytest.mark.parametrize("path", STAFF[:2] + STAFF[3:])
async def test_the_navigation_says_where_one_is(staff: House, path: str) -> None:
    assert f'href="{path}" aria-current="page"' in (await staff.get(path)).text


async def test_a_newsletter_s_name_is_text_wherever_it_stands(staff: House) -> None:
    await staff.post("/admin/newsletters/default/settings", {"name": "<script>alert(1)</script>"})
    for path in ("/", *STAFF):
        assert "<script" not in (await staff.get(path)).text
