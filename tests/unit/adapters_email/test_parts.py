"""Body parts: whatever is written parses back, in short lines that nothing on the way changes."""

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email.parts import Part, alone, alternatives, prepared
from tests.support.parcels import parsed

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n.=F \t"), max_size=200) | st.sampled_from(
    ["From here", ".", "..\n.\n", "日本語のレター" * 9, " " * 100, "\n", "." * 90, "x" * 200, "é" * 60]
)
PIECES = st.lists(TEXT, min_size=1, max_size=5)


def joined(literals: Sequence[str], values: Sequence[str]) -> str:
    """With LF for every line break; one on each side of a seam are two."""
    pieces = [literals[0]]
    for value, literal in zip(values, literals[1:], strict=True):
        pieces += (value, literal)
    return "".join(re.sub("\r\n|\r", "\n", piece) for piece in pieces)


def decoded(content: bytes) -> str:
    """The plain part, with LF for every line break."""
    body = parsed(b"MIME-Version: 1.0\r\n" + content).get_body(("plain",))
    assert body is not None
    octets = body.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.decode().replace("\r\n", "\n")


def in_place(part: Sequence[bytes], place: str) -> bytes:
    other = prepared("html", ["<p>é"]).filled(())
    return b"".join({
        "alone": alone(part),
        "first": alternatives("=_b", [part, other]),
        "last": alternatives("=_b", [other, part]),
    }[place])  # fmt: skip


@given(PIECES, st.data(), st.sampled_from(["alone", "first", "last"]))
def test_literals_and_values_parse_back_in_short_lines_of_seven_bits(
    literals: list[str], data: st.DataObject, place: str
) -> None:
    values = data.draw(st.lists(TEXT, min_size=len(literals) - 1, max_size=len(literals) - 1))
    content = in_place(prepared("plain", literals).filled(values), place)
    assert decoded(content) == joined(literals, values)
    assert content.isascii()
    assert content.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)
    assert not re.search(rb"^(\.|From )|[ \t]$", content.replace(b"\r\n", b"\n"), re.MULTILINE)
    assert max(map(len, content.split(b"\r\n"))) <= 76


@pytest.mark.parametrize("literals", [["Dear ", ",\n" + "plain\n" * 500], ["日", "本語のレター\n" * 500]])
def test_a_value_changes_nothing_behind_it(literals: list[str]) -> None:
    part: Part = prepared("plain", literals)
    first, second = part.filled(["Ada"]), part.filled(["Eve"])
    assert max(first, key=len) is max(second, key=len)
    assert sum(map(len, first)) - len(max(first, key=len)) < 300


def test_the_shorter_encoding_is_taken() -> None:
    assert b"quoted-printable" in prepared("plain", ["Grüße an alle in Köln und am Rhein"]).filled(())[0]
    assert b"base64" in prepared("plain", ["こんにちは世界"]).filled(())[0]
    assert b"quoted-printable" in prepared("plain", [""]).filled(())[0]


def test_a_name_can_be_read_in_the_source() -> None:
    assert b"".join(prepared("plain", ["Dear ", ",\n"]).filled(["Ada Lovelace"])).endswith(
        b"\r\n\r\nDear=20=\r\nAda Lovelace=\r\n,\r\n"
    )


def test_a_run_of_white_space_takes_no_more_time_than_other_words() -> None:
    text = " " * 500_000 + "x"
    assert decoded(b"".join(alone(prepared("plain", [text]).filled(())))) == text
