import pytest

from adapters_http.config import HttpConfig
from zero2prod.testing.builders import KEYS


@pytest.mark.parametrize(
    ("base_url", "origin", "is_https"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", False),
        ("https://news.example", "https://news.example", True),
        ("https://news.example:443", "https://news.example", True),
        ("https://News.Example/letters", "https://news.example", True),
        ("https://münchen.example", "https://xn--mnchen-3ya.example", True),
    ],
)
def test_the_origin_is_as_browsers_write_it(base_url: str, origin: str, *, is_https: bool) -> None:
    config = HttpConfig(base_url, KEYS)
    assert (config.origin, config.is_https) == (origin, is_https)
