"""What authors' HTML may hold."""

import pytest

from adapters_email.placeholders import Placeholders
from adapters_email.sanitising import sanitised
from adapters_email.slots import Text
from zero2prod_core.domain.slots import IN_WORDS, parse_slots

NONE = Placeholders.unlike()


@pytest.mark.parametrize(
    "html",
    [
        "<p>Newsletter body as HTML</p>",
        '<h1 style="color:red">Grüße 🎉</h1>\n.\n<p>a &amp; b &lt; c</p>',
        '<table cellpadding="0" bgcolor="#fff" width="600"><tbody><tr><td align="left">x</td></tr></tbody></table>',
        '<a href="https://example.com/?a=1&amp;b=2">read</a> <a href="mailto:a@example.com">write</a>',
        '<img src="https://example.com/a.png" alt="A" width="10">',
    ],
)
def test_what_mails_are_made_of_stays_as_it_is(html: str) -> None:
    assert sanitised(html, NONE) == html


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p>a</p><script>alert(1)</script>", "<p>a</p>"),
        ('<p onclick="x()">a</p>', "<p>a</p>"),
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<a href="/relative">a</a>', "<a>a</a>"),
        ('<iframe src="https://example.com"></iframe>a', "a"),
        ('<form action="https://example.com"><input name="a">b</form>', "b"),
        ('<p style="position:fixed;color:red">a</p>', '<p style="color:red">a</p>'),
        ('<img src="data:image/png;base64,AAAA">', "<img>"),
        ("<style>p { color: red }</style><p>a</p>", "<p>a</p>"),
        ("<!-- note --><p>a</p>", "<p>a</p>"),
        ("<title>a</title><p>b</p>", "<p>b</p>"),
        ('<p style="background:url(http://e/);color:red">a</p>', '<p style="color:red">a</p>'),
        ('<p style="background:URL (http://e/)">a</p>', "<p>a</p>"),
        ('<p style="background:url(&quot;http://e/;a&quot;)">a</p>', '<p style="">a</p>'),
        ('<p style="background:image-set(&quot;http://e/&quot; 1x)">a</p>', "<p>a</p>"),
        ('<p style="width:expression(1);color:red">a</p>', '<p style="color:red">a</p>'),
        ('<p style="width:expr/**/ession(1)">a</p>', "<p>a</p>"),
        ("<p style='background:u\\72l(http://e/)'>a</p>", "<p>a</p>"),
    ],
)
def test_what_runs_or_asks_is_left_out(html: str, left: str) -> None:
    assert sanitised(html, NONE) == left


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p title='{{ subscriber.name }}'>a</p>", '<p title="VALUE">a</p>'),
        ("<p style='color:{{ subscriber.name }}'>a</p>", "<p>a</p>"),
        ("<a href='{{ subscriber.name }}'>a</a>", "<a>a</a>"),
        ("<a href='java{{ subscriber.name }}:x()'>a</a>", "<a>a</a>"),
        (
            "<a href='https://a.org/?n={{ subscriber.name }}'>a</a>",
            '<a href="https://a.org/?n=%3Cscript%3E%22%26">a</a>',
        ),
        ("<a href='{{ unsubscribe.link }}'>a</a>", '<a href="https://b.org/u">a</a>'),
        (
            "<a href='https://a.org/?u={{ unsubscribe.link }}'>a</a>",
            '<a href="https://a.org/?u=https%3A%2F%2Fb.org%2Fu">a</a>',
        ),
        ("<a href='{{ unsubscribe.link }}?n={{ subscriber.name }}'>a</a>", None),
        ("<{{ subscriber.name }}>a", "a"),
        ("<p {{ subscriber.name }}=a>b</p>", "<p>b</p>"),
    ],
)
def test_a_value_stays_in_the_place_of_its_slot(html: str, left: str | None) -> None:
    source = Text.of(parse_slots(html, "html", IN_WORDS))
    placeholders = Placeholders.unlike(*source.literals)
    text = placeholders.found_in(sanitised(placeholders.put(source), placeholders))
    values = {"subscriber.name": '<script>"&', "unsubscribe.link": "https://b.org/u"}
    shown = text.fill(values, lambda value: "VALUE" if "script" in value else value)
    assert shown == (left or '<a href="https://b.org/u?n=%3Cscript%3E%22%26">a</a>')
