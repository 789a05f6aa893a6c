"""Headers that are made to cost much: none of them is read by more than one look at each of its characters."""

import re
from pathlib import Path

import pytest

import adapters_http
from tests.support.http import House

FIELD = 8000
"""Characters of a field; aiohttp refuses one of more than 8,190 bytes before anybody reads it."""

FORM = "application/x-www-form-urlencoded"


def filled(beginning: str, part: str) -> str:
    return beginning + part * ((FIELD - len(beginning)) // len(part))


TYPES = [filled(FORM, part) for part in (';"', ";(", "(", '; a="(', ";<", ";\\", "; a*=('", ";charset=", ";x=(")]

HEADERS = {
    "Content-Type": [*TYPES, filled("", "("), filled("", "=?"), filled("", ";")],
    "Cookie": [filled("session=", part) for part in (";a", "a ", '"', '\\"', "=", "\\073")] + [filled("", "a;")],
    "If-None-Match": [filled("", part) for part in ('"a",', 'W/"', '"', "W/,")],
    "Accept": [filled("", part) for part in ("application/", "application/problem+", "text/html,")],
    "Accept-Encoding": [filled("", "gzip,")],
    "Range": [filled("bytes=", part) for part in ("1-", "-", "9")],
    "If-Modified-Since": [filled("", "Mon, ")],
    "Content-Disposition": [filled('form-data; name="', part) for part in ('\\"', ";(")],
    "Content-Encoding": [filled("", "gzip,")],
    "Expect": [filled("", "100-")],
    "X-Forwarded-For": [filled("", part) for part in ("127.0.0.1,", "::", "1.", "[", ",", "%")],
    "Forwarded": [filled("", part) for part in ('for="', "for=_a,", "\\")],
    "Origin": [filled("http://", part) for part in ("@", "[", ":")],
    "Host": [filled("", part) for part in ("xn--", ".", ":", "[")],
    "User-Agent": [filled("", "(")],
    "Last-Event-ID": [filled("", "9")],
    "X-Request-Id": [filled("", "-")],
}

ROUTES = [
    ("GET", "/"),
    ("GET", "/static/style.css"),
    ("GET", "/metrics"),
    ("GET", "/admin/dashboard"),
    ("GET", "/nowhere"),
    ("POST", "/subscriptions"),
    ("POST", "/api/v1/subscriptions"),
    ("POST", "/subscriptions/confirm"),
    ("POST", "/unsubscribe/x"),
    ("POST", "/preferences"),
    ("POST", "/preferences/x/unsubscribe"),
    ("POST", "/login"),
    ("POST", "/setup"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_answers_them(house: House, method: str, path: str) -> None:
    body = b"a=b" if method == "POST" else None
    for header, values in HEADERS.items():
        for value in values:
            answer = await house.send(method, path, {header: value}, body)
            assert (header, value[:50], answer.status < 500) == (header, value[:50], True)


@pytest.mark.parametrize("content_type", TYPES)
async def test_a_type_that_cannot_be_read_is_refused_but_for_who_unsubscribes(house: House, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    assert (await house.send("POST", "/subscriptions", headers, b"name=Ada")).status == 415
    assert (await house.send("POST", "/api/v1/subscriptions", headers, b"{}")).status == 415
    unsubscribing = await house.send("POST", "/unsubscribe/x", headers, b"form=1")
    assert unsubscribing.status == (await house.send("POST", "/unsubscribe/x")).status


PARSED_BY_AIOHTTP = re.compile(
    r"request\.(content_type|charset|cookies|forwarded|http_range|url|if_(un)?modified_since|if_match|if_range|post|"
    r"multipart|text|json)\b"
)


def test_nothing_is_read_by_parsers_that_take_long() -> None:
    """Those of mails, of cookies as objects and of dates; our own look at each character once."""
    sources = Path(adapters_http.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if PARSED_BY_AIOHTTP.search(path.read_text())] == []
