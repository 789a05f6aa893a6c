"""What HTML shows, however hostile it is."""

import pytest
from hypothesis import given
from hypothesis.strategies import lists, sampled_from, text

from zero2prod_core.domain.issues import LARGEST_BODY
from zero2prod_core.domain.shown import shows_something, steps

PIECES = (
    *("<!--", "-->", "<!", "<![CDATA[", "<![x]>", "]]>", "<?", "</", "<", ">", "<p", "/>", "=", '="', "='", '"', "'"),
    *("<img ", "<b>", "</b>", "<script>", "</script", "</SCRIPT>", "<style>", "<template>", "<title>", "&nbsp;", "&"),
    *("&#", "&#x", "1" * 40, "words", " ", "\n"),
)

HOSTILE = (*PIECES, "<!-->", "<p a=", "<p a='", "<script", "<script></style>", "<a<", "= ", "&#1", "<img")


@pytest.mark.parametrize(
    "html",
    [
        *("Words", "<p>Words</p>", "<b>Words", "<IMG src=x>", "<img/>", "a < b", "1 <2", "<", "<p title='>'>Words"),
        *("<script>x</script>Words", "<STYLE>p {}</style >Words", "<!-- a -->Words", "<!-->Words", "<!--a--!>Words"),
        *("<![x]>hello", "<!doctype html>Words", "<?xml?>Words", "</>Words", "</p>Words", "&amp;", "&eacute;"),
        *("<p a = \">\" b='<'>Words", "<template>x</template>Words", "&#" + "1" * 5000 + ";", "<title>a</title>b"),
    ],
)
def test_texts_and_pictures_are_seen(html: str) -> None:
    assert shows_something(html)


@pytest.mark.parametrize(
    "html",
    [
        *("", " \n", "<p></p>", "<p>&nbsp; &#160;&#xA0;</p>", "<!-- Words -->", "<!-- Words", "<!Words", "<?Words?>"),
        *("<script>Words</script>", "<script>Words", "<style>Words</styles>", "<template>Words", "<p title='Words'>"),
        *("<p title='>Words'>", "<p title='>Words", "<title>Words</title>", "<p Words", "</img>", "<image>"),
        *("<script>'</p><img>'</script>", "<style><!-- </style>", "<p title = '>Words'>"),
    ],
)
def test_all_else_is_not(html: str) -> None:
    assert not shows_something(html)


@given(lists(sampled_from(PIECES) | text(max_size=5)).map("".join))
def test_nothing_is_too_strange_to_be_scanned(html: str) -> None:
    assert shows_something(html) in {True, False}


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_largest_text_is_gone_through_once(piece: str) -> None:
    """Each step begins behind the one before, and there are no more than what could begin one."""
    html = piece * (LARGEST_BODY // len(piece))
    places = [place for place, _ in steps(html)]
    assert places == sorted(set(places))
    assert len(places) <= 2 * html.count("<") + 1
