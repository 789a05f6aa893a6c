import pytest

from tests.support.http import House


@pytest.mark.parametrize(
    ("path", "content_type"), [("/static/style.css", "text/css"), ("/static/favicon.svg", "image/svg+xml")]
)
async def test_files_have_their_type(house: House, path: str, content_type: str) -> None:
    answer = await house.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.body


@pytest.mark.parametrize(
    "path",
    ["/static/", "/static/nothing.css", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static/%2fetc%2fpasswd"],
)
async def test_nothing_else_is_served(house: House, path: str) -> None:
    answer = await house.get(path)
    assert answer.status == 404
    assert "Nothing here" in answer.text


async def test_what_a_browser_has_is_not_sent_again(house: House) -> None:
    first = await house.get("/static/style.css")
    again = await house.get("/static/style.css", {"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert (again.headers["ETag"], again.headers["Cache-Control"]) == (first.headers["ETag"], "public, max-age=300")
    changed = await house.get("/static/style.css", {"If-None-Match": '"another"'})
    assert changed.body == first.body
