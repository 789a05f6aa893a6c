"""From an author's words to the text and the HTML of a mail."""

import html as entities
import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email.composing import compose
from adapters_email.plain_text import text_of
from adapters_email.styling import with_our_styles, with_own_styles
from tests.support.parcels import UNSUBSCRIBE_LINK, issue, listed, parcel, parsed, words
from zero2prod_core.domain.letters import Letter
from zero2prod_core.ports.mailer import Parcel

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("<>&\"'*_[]()`#={}|."), max_size=60
)


def marked(markdown: str, text: str | None = None, subject: str = "Hello") -> Letter:
    return attrs.evolve(issue(subject, text), markdown=markdown)


def to(name: str, letter: Letter) -> Parcel:
    sent = listed(parcel(letter))
    return attrs.evolve(sent, delivery=attrs.evolve(sent.delivery, name=name))


def page(letter: Letter, name: str = "Ursula") -> str:
    return words(parsed(compose(to(name, letter)).content), "html").replace("\r\n", "\n")


def plain(letter: Letter, name: str = "Ursula") -> str:
    return words(parsed(compose(to(name, letter)).content), "plain").replace("\r\n", "\n")


def test_markdown_becomes_a_page_in_the_packaged_layout() -> None:
    shown = page(
        marked("# News\n\nSome *words*, and [a link](https://example.org/a?b=1&c).\n\n| a |\n|---|\n| ~~1~~ |\n")
    )
    assert re.search(r'<h1 style="[^"]*font-size: 28px[^"]*">News</h1>', shown)
    assert "<em>words</em>" in shown
    assert '<a href="https://example.org/a?b=1&amp;c" style="color: #1d4ed8;">a link</a>' in shown
    assert "<s>1</s></td>" in shown
    for part in ("<!DOCTYPE html>", '<meta charset="utf-8">', 'name="viewport"', 'name="color-scheme"', "@media"):
        assert part in shown
    assert "<title>Hello</title>" in shown
    assert UNSUBSCRIBE_LINK in shown
    assert "{{" not in shown


def test_its_source_is_the_text_unless_there_is_one() -> None:
    assert plain(marked("# News\n\n*words*\n")).startswith("# News\n\n*words*\n\n\n---")
    assert plain(marked("# News", "Other words")).startswith("Other words\n\n---")


def test_html_within_markdown_is_sanitised() -> None:
    shown = page(marked('<b onclick="x()">bold</b> <script>x()</script>\n\n<a href="javascript:x">a</a>\n'))
    assert "<b>bold</b>" in shown
    assert "script" not in shown
    assert "onclick" not in shown


def test_an_authors_html_gets_a_head_and_a_text_part() -> None:
    letter = issue(text=None, html='<h1>News</h1><p>Read <a href="https://example.org/">this</a>.</p>')
    shown = page(letter)
    assert shown.startswith('<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">')
    assert '<h1>News</h1><p>Read <a href="https://example.org/">this</a>.</p>' in shown
    assert plain(letter).startswith("News\n\nRead [this](https://example.org/).\n\n\n---")


def test_an_authors_style_sheet_goes_into_the_elements() -> None:
    shown = page(issue(html="<html><head><title>T</title><style>p {color: red} body {background: #eee}</style></head>"
                       '<body class="c"><p>Words</p></body></html>'))  # fmt: skip
    assert '<div class="c" style="background:#eee"><p style="color:red">Words</p></div>' in shown
    assert "T</" not in shown
    assert shown.count("<body") == 1


def test_no_style_sheet_is_fetched_and_none_stops_a_mail() -> None:
    assert with_own_styles('<style>p {}</style><link rel="stylesheet" href="file:///etc/hostname"><p>a') == (
        "<div><p>a</p></div>"
    )
    assert "a" in with_own_styles("<style>p { color: } @@@ {{{</style><p>a")
    assert with_own_styles("<frameset><style></style></frameset>").startswith("<frameset>")
    broken = "<style>p {color: red}</style><p style='\"'>a"
    assert with_own_styles(broken) == broken
    assert with_our_styles(broken) == broken


def test_slots_are_filled_in_every_part() -> None:
    letter = marked(
        "**{{ subscriber.name | first_word }}** {{ subscriber.email }} [out]({{ unsubscribe.link }}) "
        "{{ newsletter.name }} {{ issue.title }} [q](https://example.org/?n={{ subscriber.name }}) \\{{ x }}",
        subject="To {{ subscriber.name }}",
    )
    mail = parsed(compose(to("Ada Ö", letter)).content)
    assert mail["Subject"] == "To Ada Ö"
    assert words(mail, "plain").startswith(
        f"**Ada** ursula@example.com [out]({UNSUBSCRIBE_LINK}) Newsletter To Ada Ö "
        "[q](https://example.org/?n=Ada Ö) {{ x }}"
    )
    shown = words(mail, "html")
    assert "<strong>Ada</strong> ursula@example.com" in shown
    assert f'<a href="{UNSUBSCRIBE_LINK}" style="color: #1d4ed8;">out</a> Newsletter To Ada Ö ' in shown
    assert 'href="https://example.org/?n=Ada%20%C3%96"' in shown
    assert "{{ x }}" in shown
    assert "<title>To Ada Ö</title>" in shown


def test_a_letter_that_cannot_be_compiled_is_sent_as_it_stands() -> None:
    letter = issue("Hi {{ nobody }}", "{{ subscriber.name", "<p>{{ x | y }} {{ subscriber.name }}</p>")
    mail = parsed(compose(listed(parcel(letter))).content)
    assert mail["Subject"] == "Hi {{ nobody }}"
    assert words(mail, "plain").startswith("{{ subscriber.name\r\n")
    assert "<p>{{ x | y }} {{ subscriber.name }}</p>" in words(mail, "html")


@pytest.mark.parametrize("name", ["A\r\nBcc: b@c.de", "a\x00b", "a\u2028b"])
def test_no_name_begins_a_header_or_stops_an_issue(name: str) -> None:
    mail = parsed(compose(to(name, issue("To {{ subscriber.name }}", "{{ subscriber.name }}!"))).content)
    assert mail["Bcc"] is None
    assert "\n" not in words(mail, "plain").partition("!")[0]


@given(NAMES)
def test_any_name_comes_back_as_it_is_and_is_nothing_but_a_name(name: str) -> None:
    letter = marked("# {{ subscriber.name }}\n\n*a*{{ subscriber.name }}`b`\n", subject="To {{ subscriber.name }}.")
    content = compose(to(name, letter)).content
    mail = parsed(content)
    assert mail["Subject"] == f"To {name}."
    assert words(mail, "plain").startswith(f"# {name}\r\n\r\n*a*{name}`b`")
    shown, empty = words(mail, "html"), page(letter, "")
    assert f"<em>a</em>{entities.escape(name)}<code" in shown
    assert shown.count("<") == empty.count("<")
    assert max(map(len, content.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("<>/&=\"' \n")))
def test_any_html_has_a_text(html: str) -> None:
    assert text_of(html).endswith("\n")
    assert parsed(compose(listed(parcel(issue(text=None, html=f"<p>{html}")))).content).get_body(("plain",))


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("#*_`[]()<>!|-\n &"), min_size=1))
def test_any_markdown_is_a_mail(markdown: str) -> None:
    sent = listed(parcel(marked(markdown)))
    mail = parsed(compose(sent).content)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert compose(sent) == compose(attrs.evolve(sent))


def test_a_link_whose_words_are_its_url_is_shown_once() -> None:
    assert text_of('<p><a href="https://a.org/">https://a.org/</a> <a href="https://b.org/">b</a>') == (
        "https://a.org/ [b](https://b.org/)\n"
    )
