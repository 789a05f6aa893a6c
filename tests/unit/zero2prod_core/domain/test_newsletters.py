import pytest

from zero2prod.testing.builders import new_id, newsletter
from zero2prod_core.domain.fields import Field, FieldType, Tag
from zero2prod_core.domain.newsletters import (
    DEFAULT_NEWSLETTER,
    LONGEST_POSTAL_ADDRESS,
    Newsletter,
    Slug,
)
from zero2prod_core.errors import FieldInvalid, FieldMissing


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


class TestAsking:
    def test_a_newsletter_asks_for_what_is_written_down(self) -> None:
        made = newsletter().edited(fields='city: text "City"\nage: number required "Age"\n', tags='art: "Art"')
        assert made.fields == (Field("city", "City"), Field("age", "Age", FieldType.NUMBER, True))
        assert made.tags == (Tag("art", "Art"),)
        assert made.edited(name="Other", tags="").fields == made.fields
        bare = made.edited(fields="", tags="")
        assert (bare.fields, bare.tags) == ((), ())

    def test_a_field_keeps_its_type(self) -> None:
        made = newsletter().edited(fields='age: text "Age"')
        assert made.edited(fields='age: text required "How old?"').fields[0].required
        with pytest.raises(FieldInvalid, match=r"^fields: age is of the type text"):
            made.edited(fields='age: number "Age"')

    @pytest.mark.parametrize(
        ("lines", "rule"),
        [
            ({"fields": 'a: text "A"\na: text "B"'}, "fields: has a twice"),
            ({"tags": "a: A\nb: B\na: C"}, "tags: has a twice"),
            ({"fields": "\n".join(f'f{number}: text "F"' for number in range(21))}, "fields: must be at most 20"),
            ({"tags": "\n".join(f"t{number}: T" for number in range(51))}, "tags: must be at most 50"),
        ],
    )
    def test_there_is_an_end_to_it(self, lines: dict[str, str], rule: str) -> None:
        with pytest.raises(FieldInvalid, match=f"^{rule}"):
            newsletter().edited(**lines)
