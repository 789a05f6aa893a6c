"""What authors' HTML may hold."""

import pytest

from adapters_email.sanitising import sanitised


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
    assert sanitised(html) == html


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
    ],
)
def test_what_runs_or_asks_is_left_out(html: str, left: str) -> None:
    assert sanitised(html) == left
