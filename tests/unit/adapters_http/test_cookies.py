from collections.abc import Sequence

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from adapters_http.cookies import cookie


def read(*headers: str) -> str | None:
    given = CIMultiDict([("Cookie", header) for header in headers])
    return cookie(make_mocked_request("GET", "/", headers=given), "session")


@pytest.mark.parametrize(
    ("headers", "value"),
    [
        (["session=abc"], "abc"),
        (["other=1; session=abc; more=2"], "abc"),
        (["other=1;session=a=b;"], "a=b"),
        (["session="], ""),
        (["session=longer path; session=ours"], "ours"),
        (["other=1", "session=abc"], "abc"),
        (["Session=abc"], None),
        (["my_session=abc; sessions=abc; session"], None),
        (["other=session=abc"], None),
        ([""], None),
        ([], None),
        (["a " * 4000 + ";session=abc"], "abc"),
    ],
)
def test_one_cookie_is_found_among_all(headers: Sequence[str], value: str | None) -> None:
    assert read(*headers) == value
