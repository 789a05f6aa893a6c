"""Headers of every answer."""

import attrs
import pytest

from adapters_http.assets import asset
from tests.support.http import CONFIG, House, serving

PATHS = [
    "/",
    "/health_check",
    "/health/ready",
    "/login",
    "/setup",
    "/subscriptions",
    "/subscriptions/confirm",
    "/unsubscribe/x",
    "/admin/dashboard",
    "/static/style.css",
    "/static/",
    "/nowhere",
]


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_guarded(house: House, path: str) -> None:
    headers = (await house.get(path)).headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Server"] == "zero2prod"


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/static/style.css"])
async def test_no_page_is_kept_by_a_cache(house: House, path: str) -> None:
    assert (await house.get(path)).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/static/style.css", "/static/favicon.svg"])
async def test_static_files_are_kept_for_a_while(house: House, path: str) -> None:
    answer = await house.get(path)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    again = await house.get(path, headers={"If-None-Match": answer.headers["Etag"]})
    assert (again.status, again.headers["Cache-Control"]) == (304, "public, max-age=300")


async def test_static_files_are_kept_for_good_under_the_url_of_their_content(house: House) -> None:
    for name in ("style.css", "pico.min.css", "favicon.svg"):
        assert (await house.get(asset(name))).headers["Cache-Control"] == "public, max-age=31536000, immutable"
        old = await house.get(f"/static/{name}?v=0123456789ab")
        assert (old.status, old.headers["Cache-Control"]) == (200, "public, max-age=300")


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/subscriptions/confirm?token=x", "no-referrer"),
        ("/unsubscribe/x", "no-referrer"),
        ("/setup?token=x", "no-referrer"),
        ("/login", "same-origin"),
    ],
)
async def test_links_with_tokens_are_told_to_nobody(house: House, path: str, policy: str) -> None:
    assert (await house.get(path)).headers["Referrer-Policy"] == policy


@pytest.mark.parametrize(("base_url", "is_sent"), [("https://news.example", True), ("http://news.example", False)])
async def test_https_is_insisted_on_where_it_is_used(base_url: str, *, is_sent: bool) -> None:
    async with serving(attrs.evolve(CONFIG, base_url=base_url)) as house:
        assert ("Strict-Transport-Security" in (await house.get("/")).headers) is is_sent


@pytest.mark.parametrize("path", ["/", "/login", "/subscriptions/confirm"])
async def test_pages_load_only_from_here_and_hold_nothing_inline(house: House, path: str) -> None:
    page = (await house.get(path)).text
    assert "<script" not in page
    assert "style=" not in page
    assert "://" not in page.replace('xmlns="http://', "")
    assert page.startswith('<!doctype html>\n<html lang="en">')
    assert '<meta name="viewport"' in page


async def test_icons_in_the_style_are_the_only_thing_besides(house: House) -> None:
    policy = (await house.get("/")).headers["Content-Security-Policy"].split("; ")
    assert "img-src 'self' data:" in policy
    assert [part for part in policy if "data:" in part] == ["img-src 'self' data:"]


async def test_the_style_serves_the_dark(house: House) -> None:
    style = (await house.get("/static/style.css")).text
    assert "prefers-color-scheme: dark" in style
    assert "url(" not in style
