"""The grammar of mails: whatever is written parses back, in lines that every relay takes."""

import re
from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email import mime
from tests.support.parcels import parsed
from zero2prod_core.errors import Defect

VISIBLE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=200)
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n.= \t"), max_size=400)


@pytest.mark.parametrize(
    "title",
    [
        "Hello",
        "  a  b ",
        "🎉 Party 🎉",
        "Größe " * 40,
        "=?utf-8?B?SGk=?= raw",
        "日本語のレター" * 9,
        "x" * 1000,
        ":",
    ],
)
def test_a_title_parses_back(title: str) -> None:
    content = mime.field("Subject", *mime.unstructured(title))
    assert parsed(content + b"\r\n")["Subject"] == title
    assert max(map(len, content.splitlines())) <= 998
    assert content.isascii()


@given(VISIBLE)
def test_any_title_parses_back(title: str) -> None:
    content = mime.field("Subject", *mime.unstructured(title))
    assert parsed(content + b"\r\n")["Subject"] == title


@pytest.mark.parametrize("name", ["The Daily", 'A "quoted" \\ name', "Smith & Co. <x@y>", "Zeitung für München 📰"])
def test_a_display_name_parses_back(name: str) -> None:
    message = parsed(mime.field("From", *mime.mailbox(name, "a@example.com")) + b"\r\n")
    assert message["From"].addresses == (Address(name, addr_spec="a@example.com"),)


@pytest.mark.parametrize("evil", ["a\r\nBcc: b@example.com", "a\nb", "a\rb", "a\0b", "a\r\n b"])
def test_nothing_that_could_begin_another_field_reaches_a_header(evil: str) -> None:
    with pytest.raises(Defect):
        mime.field("To", evil)
    with pytest.raises(Defect):
        mime.unstructured(evil)
    with pytest.raises(Defect):
        mime.unstructured(evil + "é")
    with pytest.raises(Defect):
        mime.mailbox(evil, "a@example.com")


@given(TEXT, st.sampled_from(["alone", "first", "last"]))
def test_any_text_parses_back_in_short_lines_of_seven_bits(text: str, place: str) -> None:
    part, other = mime.part("plain", text), mime.part("html", "<p>é")
    content = {
        "alone": mime.terminated(part),
        "first": mime.alternatives("=_b", [part, other]),
        "last": mime.alternatives("=_b", [other, part]),
    }[place]
    body = parsed(b"MIME-Version: 1.0\r\n" + content).get_body(("plain",))
    assert body is not None
    decoded = body.get_payload(decode=True)
    assert isinstance(decoded, bytes)
    assert decoded.decode().replace("\r\n", "\n") == re.sub("\r\n|\r", "\n", text)
    assert content.isascii()
    assert content.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    assert max(map(len, content.split(b"\r\n"))) <= 76


@given(TEXT, TEXT)
def test_a_part_that_was_begun_for_everybody_parses_back_with_any_ending(beginning: str, ending: str) -> None:
    content = mime.terminated(mime.begun("plain", beginning).ended(ending))
    decoded = parsed(b"MIME-Version: 1.0\r\n" + content).get_payload(decode=True)
    assert isinstance(decoded, bytes)
    # A carriage return and a line feed on both sides of the seam are two line breaks.
    expected = re.sub("\r\n|\r", "\n", beginning) + re.sub("\r\n|\r", "\n", ending)
    assert decoded.decode().replace("\r\n", "\n") == expected
    assert content.isascii()
    assert max(map(len, content.split(b"\r\n"))) <= 76


@pytest.mark.parametrize("beginning", ["plain\n" * 500, "日本語のレター\n" * 500])
def test_what_was_begun_is_not_written_again(beginning: str) -> None:
    begun = mime.begun("plain", beginning)
    assert begun.ended("a\n").startswith(begun.written)
    assert len(begun.open_line) < 76
    assert begun.ended("a\n") == mime.part("plain", beginning + "a\n")


def test_the_shorter_encoding_is_taken() -> None:
    assert b"quoted-printable" in mime.part("plain", "Grüße an alle in Köln und am Rhein")
    assert b"base64" in mime.part("plain", "こんにちは世界")
