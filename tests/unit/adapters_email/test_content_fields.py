"""Readers' own answers and tags in their mails."""

import attrs
import pytest

from adapters_email.composing import compose
from adapters_email.content import content_of, slots_of
from adapters_email.postmark_messages import postmark_message
from tests.support.parcels import issue, listed, parcel, parsed, words
from zero2prod_core.domain.fields import Field, Tag
from zero2prod_core.domain.letters import Letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.ports.mailer import Parcel

ASKING = attrs.evolve(
    DEFAULT_NEWSLETTER,
    fields=(Field("city", "Your city"), Field("motto2", "Your motto")),
    tags=(Tag("music", "Music & more"), Tag("art", "Art")),
)


def sent(letter: Letter, tags: tuple[str, ...] = (), /, **fields: str) -> Parcel:
    addressed = listed(parcel(letter), ASKING)
    return attrs.evolve(addressed, delivery=attrs.evolve(addressed.delivery, fields=fields, tags=tags))


def subject(words_of_title: str, **fields: str) -> str:
    return str(parsed(compose(sent(issue(words_of_title, "Hi"), **fields)).content)["Subject"])


def test_a_reader_s_own_answer_stands_in_subject_text_and_html() -> None:
    slot = "{{ subscriber.fields.city | upper }}"
    message = parsed(compose(sent(issue(f"For {slot}", f"In {slot}.", f"<p>In {slot}."), city="Köln & <b>")).content)
    assert message["Subject"] == "For KÖLN & <B>"
    assert words(message, "plain").startswith("In KÖLN & <B>.")
    assert "<p>In KÖLN &amp; &lt;B&gt;.</p>" in words(message, "html")


def test_it_stands_in_markdown_as_it_was_typed() -> None:
    letter = attrs.evolve(issue(text=None), markdown="# From {{ subscriber.fields.city }}")
    assert "From *K* &lt;i&gt;</h1>" in words(parsed(compose(sent(letter, city="*K* <i>")).content), "html")


def test_each_reader_has_an_own_one_and_none_is_nothing() -> None:
    letter = issue("News", '[{{ subscriber.fields.city }}] [{{ subscriber.fields.motto2 | default: "none" }}]')
    for fields, said in (({"city": "Bern"}, "[Bern] [none]"), ({"motto2": "x"}, "[] [x]"), ({}, "[] [none]")):
        assert words(parsed(compose(sent(letter, **fields)).content), "plain").startswith(said)


def test_tags_are_told_by_their_labels() -> None:
    letter = issue("News", "{{ subscriber.tags }}!", "<p>{{ subscriber.tags }}!")
    message = parsed(compose(sent(letter, ("art", "golf", "music"))).content)
    assert words(message, "plain").startswith("Music & more, Art!")
    assert "Music &amp; more, Art!</p>" in words(message, "html")
    assert words(parsed(compose(sent(letter)).content), "plain").startswith("!")
    assert words(parsed(compose(listed(parcel(letter))).content), "plain").startswith("!")


def test_what_is_asked_for_no_more_is_shown_no_more() -> None:
    letter = issue("[{{ subscriber.fields.town }}]", '{{ subscriber.fields.town | default: "gone" }}')
    message = parsed(compose(sent(letter, town="Köln")).content)
    assert message["Subject"] == "[]"
    assert words(message, "plain").startswith("gone")


@pytest.mark.parametrize("typed", ["eve@example.com", "see http://x.example", "WWW.example.com"])
def test_a_subject_has_no_link_that_a_reader_typed(typed: str) -> None:
    assert subject('For {{ subscriber.fields.city | default: "you" }}', city=typed) == "For you"
    message = parsed(compose(sent(issue("News", "{{ subscriber.fields.city }}"), city=typed)).content)
    assert words(message, "plain").startswith(typed)


@pytest.mark.parametrize("hostile", ["a\r\nBcc: eve", "a\nb", "a\x00b", "a\x85b", "a\u2028b"])
def test_nothing_in_a_value_makes_a_header(hostile: str) -> None:
    message = parsed(compose(sent(issue("For {{ subscriber.fields.city }}", "Hi"), city=hostile)).content)
    assert "Bcc" not in message
    assert str(message["Subject"]).startswith("For a ")


def test_long_values_keep_the_lines_of_a_header_short() -> None:
    title = "{{ subscriber.fields.city }}{{ subscriber.fields.motto2 }}"
    for character in ("x", "ü", "🎉"):
        content = compose(sent(issue(title, "Hi"), city=character * 500, motto2=character * 500)).content
        assert parsed(content)["Subject"] == character * 1000
        assert max(map(len, content.split(b"\r\n"))) <= 998


def test_an_api_gets_the_same() -> None:
    letter = issue("For {{ subscriber.fields.city }}", "In {{ subscriber.fields.city }}")
    message = postmark_message(sent(letter, city="Köln")).decode()
    assert '"Subject":"For Köln"' in message
    assert '"TextBody":"In Köln' in message
    assert '"Subject":"For "' in postmark_message(sent(letter, city="a@example.com")).decode()


def test_a_letter_without_such_slots_looks_nothing_up() -> None:
    addressed = sent(issue("News", "Hi {{ subscriber.name }}"), ("art",), city="Köln")
    content = content_of(addressed)
    assert (content.fields, content.tags) == ((), ())
    assert "Köln" not in slots_of(addressed, content).values()
