"""The grammar of header fields: whatever is written parses back, in lines that every relay takes."""

from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email import mime
from tests.support.parcels import parsed
from zero2prod_core.errors import Defect

VISIBLE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=200)


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
