"""What is typed into the search of subscribers."""

import pytest

from zero2prod_core.domain.searches import LONGEST_SEARCH, Wanted
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.errors import FieldInvalid


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("", Wanted()),
        ("  ", Wanted()),
        (" Ada ", Wanted(prefix="ada")),
        ("ADA@exa", Wanted(prefix="ada@exa")),
        ("Ada@BÜCHER.example.com", Wanted(prefix="ada@xn--bcher-kva.example.com")),
        ("ŁUK", Wanted(prefix="łuk")),
        ("E\u0301va", Wanted(prefix="éva")),
        ("@Example.COM", Wanted(domain="example.com")),
        ("@bücher.example.com", Wanted(domain="xn--bcher-kva.example.com")),
        ("@exam", Wanted(domain="exam")),
        ("@", Wanted(prefix="@")),
        ("'; DROP TABLE subscriptions; --", Wanted(prefix="'; drop table subscriptions; --")),
        ("100%_\\", Wanted(prefix="100%_\\")),
    ],
)
def test_a_search_is_a_prefix_or_a_domain_in_the_form_of_keys(typed: str, wanted: Wanted) -> None:
    assert Wanted.parse(typed) == wanted


def test_status_and_tag_are_taken_beside_it() -> None:
    assert Wanted.parse("a", "bounced", " vip ") == Wanted("a", "", Status.BOUNCED, "vip")
    assert Wanted.parse("a", "") == Wanted("a")


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("search", {"search": "a\x00b"}),
        ("search", {"search": "a\nb"}),
        ("search", {"search": "a\ud800"}),
        ("search", {"search": "x" * (LONGEST_SEARCH + 1)}),
        ("status", {"status": "asleep"}),
        ("tag", {"tag": "\x00"}),
    ],
)
def test_what_nothing_stored_can_match_is_refused_by_name(field: str, arguments: dict[str, str]) -> None:
    with pytest.raises(FieldInvalid) as refused:
        Wanted.parse(**arguments)
    assert refused.value.fields["field"] == field
