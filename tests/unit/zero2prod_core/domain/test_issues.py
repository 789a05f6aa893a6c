import hashlib
from itertools import product

import attrs
import pytest
from hypothesis import given
from hypothesis.strategies import characters, none, text, tuples

from zero2prod.testing.builders import issue, letter
from zero2prod_core.domain.issues import LARGEST_BODY, LONGEST_TITLE, TRANSITIONS, Content, IssueEvent, IssueState
from zero2prod_core.errors import FieldInvalid, FieldMissing, TransitionRefused

WORDS = text(characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@pytest.mark.parametrize(("state", "event"), [*product(IssueState, IssueEvent)])
def test_the_table_decides_and_what_it_does_not_list_is_refused(state: IssueState, event: IssueEvent) -> None:
    before = issue(letter(), state=state)
    if (state, event) in TRANSITIONS:
        assert before.on(event) == attrs.evolve(before, state=TRANSITIONS[state, event])
        return
    with pytest.raises(TransitionRefused, match=f"cannot {event} while {state}"):
        before.on(event)


def test_all_but_what_is_over_can_be_cancelled() -> None:
    over = {IssueState.FINISHED, IssueState.CANCELLED}
    assert {state for state, event in TRANSITIONS if event is IssueEvent.CANCEL} == set(IssueState) - over


class TestContent:
    def test_a_title_and_one_part_are_enough(self) -> None:
        assert Content.parse(" News ☕ ", "Words\n") == Content("News ☕", "Words\n", None)
        assert Content.parse("News", html="<p>Words</p>") == Content("News", None, "<p>Words</p>")

    def test_a_body_is_kept_as_it_is_but_for_the_form_of_its_line_breaks(self) -> None:
        body = ".\r\n..\n" + "x" * 5000 + "\n\t\x1b \u202e"
        assert Content.parse("News", body).text == body.replace("\r\n", "\n")

    @pytest.mark.parametrize(("title", "body"), [("", "Words"), ("  ", "Words"), ("News", ""), ("News", " \n ")])
    def test_what_is_missing_is_named(self, title: str, body: str) -> None:
        with pytest.raises((FieldMissing, FieldInvalid), match="text_content" if title.strip() else "title"):
            Content.parse(title, body)

    @pytest.mark.parametrize(
        "html", ["<script>alert(1)</script>", "<!-- only a comment -->", "<p> </p>", "<style>p {}</style>"]
    )
    def test_html_that_shows_nothing_is_no_issue(self, html: str) -> None:
        with pytest.raises(FieldInvalid, match="html_content"):
            Content.parse("News", html=html)

    @pytest.mark.parametrize("html", ["<p>Words</p>", "<img src=x>", "<b>Words"])
    def test_html_that_shows_something_is_one(self, html: str) -> None:
        assert Content.parse("News", html=html).html == html

    @pytest.mark.parametrize(
        "title", ["a\nb", "a\rb", "a\0b", "a\u2028b", "a\u202eb", "a\ud800b", "x" * (LONGEST_TITLE + 1)]
    )
    def test_a_title_is_one_line_for_a_header(self, title: str) -> None:
        with pytest.raises(FieldInvalid, match=r"^title: must"):
            Content.parse(title, "Words")

    @pytest.mark.parametrize("body", ["a\0b", "a\ud800b", "ü" * (LARGEST_BODY // 2) + "x"])
    def test_a_body_is_text_of_bounded_size(self, body: str) -> None:
        with pytest.raises(FieldInvalid, match=r"^text_content: must"):
            Content.parse("News", body)
        with pytest.raises(FieldInvalid, match=r"^html_content: must"):
            Content.parse("News", html=body)

    @pytest.mark.parametrize("html", ["<p></p>", "<!-- words -->", "<p>&nbsp;</p>\n"])
    def test_html_without_anything_to_see_needs_a_text(self, html: str) -> None:
        with pytest.raises(FieldInvalid, match=r"^html_content: must show"):
            Content.parse("News", html=html)
        assert Content.parse("News", "Words", html).html == html

    def test_markdown_is_a_part_of_its_own(self) -> None:
        assert Content.parse("News", markdown="# Words\r\n") == Content("News", None, None, "# Words\n")
        assert Content.parse("News", "Words", markdown="# Words").text == "Words"

    def test_markdown_stands_beside_no_html(self) -> None:
        with pytest.raises(FieldInvalid, match=r"^markdown_content: cannot stand beside HTML"):
            Content.parse("News", html="<p>Words", markdown="Words")

    @pytest.mark.parametrize("body", ["a\0b", "a\ud800b", "ü" * (LARGEST_BODY // 2) + "x"])
    def test_markdown_is_bounded_like_the_others(self, body: str) -> None:
        with pytest.raises(FieldInvalid, match=r"^markdown_content: must"):
            Content.parse("News", markdown=body)

    def test_line_breaks_of_a_form_and_of_a_file_mean_the_same(self) -> None:
        sent, kept, old = (Content.parse("News", text, f"<p>{text}</p>") for text in ("a\r\nb\r\n", "a\nb\n", "a\rb\r"))
        assert sent == kept == old
        assert sent.fingerprint == kept.fingerprint

    def test_the_largest_allowed_is_allowed(self) -> None:
        body = "ü" * (LARGEST_BODY // 2)
        assert Content.parse("x" * LONGEST_TITLE, body).text == body

    @given(tuples(WORDS, none() | WORDS, none() | WORDS), tuples(WORDS, none() | WORDS, none() | WORDS))
    def test_fingerprints_agree_only_where_contents_do(
        self, one: tuple[str, str | None, str | None], other: tuple[str, str | None, str | None]
    ) -> None:
        first, second = Content(*one), Content(*other)
        assert (first.fingerprint == second.fingerprint) == (first == second)
        assert Content(*one).fingerprint == first.fingerprint

    def test_a_fingerprint_is_the_same_in_every_version(self) -> None:
        canonical = '{"html":null,"text":"Words","title":"News"}'
        assert Content("News", "Words", None).fingerprint == hashlib.sha256(canonical.encode()).digest()

    def test_markdown_changes_the_fingerprint(self) -> None:
        assert Content("News", None, None, "Words").fingerprint != Content("News", "Words", None).fingerprint
        assert Content("News", None, None, "a").fingerprint != Content("News", None, None, "b").fingerprint
