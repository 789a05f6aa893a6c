import pytest
from hypothesis import given
from hypothesis.strategies import text

from zero2prod.testing.builders import new_id
from zero2prod_core.domain.newsletters import (
    DEFAULT_NEWSLETTER,
    LONGEST_POSTAL_ADDRESS,
    UNPRINTABLE,
    Newsletter,
    Slug,
    parse_line,
)
from zero2prod_core.errors import FieldInvalid, FieldMissing, Refusal


class TestSlugs:
    @pytest.mark.parametrize("raw", ["a", "0", "weekly", "the-daily-9", "x" * 63, DEFAULT_NEWSLETTER.slug.text])
    def test_a_slug_is_kept_as_typed(self, raw: str) -> None:
        assert Slug.parse(raw).text == raw

    @pytest.mark.parametrize("raw", ["A", "-a", "a-", "a--b", "a_b", "a b", "a\n", "é", "x" * 64, "a/b"])
    def test_what_does_not_fit_a_link_is_refused(self, raw: str) -> None:
        with pytest.raises(FieldInvalid, match=r"^newsletter: must be a slug"):
            Slug.parse(raw)

    def test_an_empty_one_is_missing(self) -> None:
        with pytest.raises(FieldMissing, match=r"^slug: missing"):
            Slug.parse("", "slug")


class TestLines:
    @given(text())
    def test_a_line_is_trimmed_and_fit_for_a_header_or_refused(self, raw: str) -> None:
        fit = 1 <= len(raw.strip()) <= 20 and not UNPRINTABLE.search(raw.strip())
        if fit:
            assert parse_line(raw, "name", 20) == raw.strip()
            assert len(raw.strip().splitlines()) == 1
            return
        with pytest.raises(Refusal, match=r"^name: "):
            parse_line(raw, "name", 20)

    @pytest.mark.parametrize("raw", ["a\r\nBcc: b", "a\0", "a\x85b", "a\u2029b", "a\u2066b"])
    def test_nothing_smuggles_a_line_break_or_turns_the_direction(self, raw: str) -> None:
        with pytest.raises(FieldInvalid, match="one line"):
            parse_line(raw, "name", 20)


class TestNewsletters:
    def test_only_slug_and_name_are_needed(self) -> None:
        id_ = new_id()
        assert Newsletter.parse(id_, "daily", " The Daily ") == Newsletter(id_, Slug("daily"), "The Daily")

    def test_the_rest_is_parsed_too(self) -> None:
        made = Newsletter.parse(new_id(), "daily", "D", "d@example.com", "e@example.com", " 1 Fleet St \n\n London\n")
        assert made.sender
        assert made.reply_to
        assert (made.sender.text, made.reply_to.text) == ("d@example.com", "e@example.com")
        assert made.postal_address == "1 Fleet St\nLondon"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("slug", "The Daily"),
            ("name", "a\nb"),
            ("name", "x" * 201),
            ("name", "\u200b\u3164"),
            ("sender", "nobody"),
            ("reply_to", "nobody@"),
            ("postal_address", "a\0b"),
            ("postal_address", "x" * (LONGEST_POSTAL_ADDRESS + 1)),
            ("postal_address", "x\n" * (LONGEST_POSTAL_ADDRESS // 2 + 1)),
        ],
    )
    def test_the_field_that_breaks_a_rule_is_named(self, field: str, value: str) -> None:
        with pytest.raises(FieldInvalid, match=f"^{field}: must"):
            Newsletter.parse(new_id(), **{"slug": "daily", "name": "The Daily", field: value})
