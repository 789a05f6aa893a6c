import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from adapters_http.content_types import LONGEST, ContentType

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("header", "media_type", "charsets"),
    [
        (FORM, FORM, ()),
        ("Application/X-WWW-Form-URLEncoded", FORM, ()),
        (f" {FORM} ; charset=UTF-8", FORM, ("utf-8",)),
        (f'{FORM};charset="utf-8"', FORM, ("utf-8",)),
        (f"{FORM};version=1; Charset = latin1 ", FORM, ("latin1",)),
        (f"{FORM};charset=utf-8;charset=utf-16", FORM, ("utf-8", "utf-16")),
        (f"{FORM};;charset;=;charset", FORM, ("", "")),
        (f'{FORM};"; (', FORM, ()),
        ("", "", ()),
        (";charset=utf-8", "", ("utf-8",)),
    ],
)
def test_what_a_header_says(header: str, media_type: str, charsets: tuple[str, ...]) -> None:
    assert ContentType.parse(header) == ContentType(media_type, charsets)


@pytest.mark.parametrize("part", [";", ';"', ";(", ";charset=", "=?", ";\\", "é"])
def test_what_is_longer_than_any_type_is_not_looked_at(part: str) -> None:
    """So no header costs more than one of this length."""
    header = FORM + part * LONGEST
    assert ContentType.parse(header) == ContentType()
    assert ContentType.parse(header[:LONGEST]).media_type.startswith(FORM)


def test_of_a_request_without_the_header_nothing_is_known() -> None:
    assert ContentType.of(make_mocked_request("POST", "/")) == ContentType()


def test_of_two_headers_the_first_counts() -> None:
    headers = CIMultiDict([("Content-Type", FORM), ("Content-Type", "text/plain")])
    assert ContentType.of(make_mocked_request("POST", "/", headers=headers)).media_type == FORM
