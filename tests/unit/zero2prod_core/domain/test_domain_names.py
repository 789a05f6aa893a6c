import unicodedata

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from idna import idnadata
from idna.intranges import intranges_contain

from zero2prod_core.domain.domain_names import (
    CONTEXTS,
    JOINING_BACKWARDS,
    JOINING_ONWARDS,
    DomainName,
    is_permitted,
)
from zero2prod_core.errors import FieldInvalid


@pytest.mark.parametrize(
    ("typed", "ascii_form", "unicode_form"),
    [
        ("Example.COM", "example.com", "example.com"),
        ("a-1.example.co.uk", "a-1.example.co.uk", "a-1.example.co.uk"),
        ("MÜNCHEN.de", "xn--mnchen-3ya.de", "münchen.de"),
        ("mu\u0308nchen.de", "xn--mnchen-3ya.de", "münchen.de"),
        ("XN--Mnchen-3ya.de", "xn--mnchen-3ya.de", "münchen.de"),
        ("straße.de", "xn--strae-oqa.de", "straße.de"),
        ("ΟΔΟΣ.gr", "xn--pxavbq.gr", "οδοσ.gr"),
        ("пример.рф", "xn--e1afmkfd.xn--p1ai", "пример.рф"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah", "例え.テスト"),
        ("דוגמה.קום", "xn--6dbbec0c.xn--9dbq2a", "דוגמה.קום"),
        ("نامه\u200cای.com", "xn--mgba3gch31f060k.com", "نامه\u200cای.com"),
        ("ශ්\u200dරී.com", "xn--10cl1a0b660p.com", "ශ්\u200dරී.com"),
        ("l·l.cat", "xn--ll-0ea.cat", "l·l.cat"),
        ("アー・ト.jp", "xn--cckzd0gd.jp", "アー・ト.jp"),
        ("אב׳.co.il", "xn--4dbc6h.co.il", "אב׳.co.il"),
        ("͵α.gr", "xn--wva4j.gr", "͵α.gr"),
        ("ا۱۲.com", "xn--mgb81bd.com", "ا۱۲.com"),
        ("mail.test", "mail.test", "mail.test"),
    ],
)
def test_both_forms_are_one_name(typed: str, ascii_form: str, unicode_form: str) -> None:
    name = DomainName.parse(typed)
    assert name == DomainName(ascii_form, unicode_form)
    assert DomainName.parse(name.ascii) == DomainName.parse(name.unicode) == name


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("com", "two or more labels"),
        ("", "empty label"),
        (".com", "empty label"),
        ("a..com", "empty label"),
        ("example.com.", "empty label"),
        ("-a.com", "hyphens"),
        ("a-.com", "hyphens"),
        ("ab--c.com", "hyphens"),
        ("äb--c.com", "hyphens"),
        ("a_b.com", "letters, digits and hyphens"),
        ("a b.com", "letters, digits and hyphens"),
        ("a\x00.com", "letters, digits and hyphens"),
        ("ⅷ.com", "letters, digits and hyphens"),
        ("ａ.com", "letters, digits and hyphens"),
        ("例え。com", "letters, digits and hyphens"),
        ("😀.com", "letters, digits and hyphens"),
        ("a\u200db.com", "letters, digits and hyphens"),
        ("\u200cاب.com", "letters, digits and hyphens"),
        ("ab\u200cab.com", "letters, digits and hyphens"),
        ("a·l.com", "letters, digits and hyphens"),
        ("·l.com", "letters, digits and hyphens"),
        ("a׳.com", "letters, digits and hyphens"),
        ("׳א.com", "letters, digits and hyphens"),
        ("α͵.com", "letters, digits and hyphens"),
        ("a・b.com", "letters, digits and hyphens"),
        ("ا٠۰.com", "letters, digits and hyphens"),
        ("\u0301a.com", "combining mark"),
        ("xn--.com", "malformed xn--"),
        ("xn--abc-.com", "malformed xn--"),
        ("xn--a.com", "letters, digits and hyphens"),
        ("xn--99999999.com", "malformed xn--"),
        ("xn--ü.com", "malformed xn--"),
        ("xn---bbk.com", "malformed xn--"),
        ("xn--MNCHEN-3YA--.com", "malformed xn--"),
        ("xn--xn--a-dja.com", "hyphens"),
        (f"xn--{'Ä'.encode('punycode').decode()}.com", "letters, digits and hyphens"),
        (f"{'a' * 64}.com", "at most 63"),
        (f"{'ä' * 60}.com", "at most 63"),
        (f"{'a.' * 126}aa", "at most 253"),
        (f"{'ä.' * 60}com", "at most 253"),
        ("127.0.0.1", "ends in a letter"),
        ("example.c0", "ends in a letter"),
        ("printer.local", "not be at .local"),
        ("x.onion", "not be at .onion"),
        ("1.אב.com", "writing direction"),
        ("אב1.1a.com", "writing direction"),
        ("אa.com", "writing direction"),
        ("א-.com", "hyphens"),
        ("א1٢.com", "writing direction"),
    ],
)
def test_what_no_mail_server_can_be_called_is_refused(typed: str, rule: str) -> None:
    with pytest.raises(FieldInvalid, match=rule) as refused:
        DomainName.parse(typed, "sender")
    assert refused.value.fields["field"] == "sender"


def known_to_both() -> list[str]:
    """Every code point that the interpreter's Unicode version has; the oracle's is a later one."""
    return [each for each in map(chr, range(0x110000)) if unicodedata.category(each) not in {"Cn", "Co", "Cs"}]


def test_the_tables_permit_no_character_that_the_oracle_forbids() -> None:
    permitted = {each for each in known_to_both() if each not in CONTEXTS and is_permitted(each)}
    assert {
        each for each in permitted if not intranges_contain(ord(each), idnadata.codepoint_classes["PVALID"])
    } == set()
    assert len(permitted) > 100_000


def test_the_characters_with_a_context_are_those_of_the_oracle() -> None:
    ranges = (*idnadata.codepoint_classes["CONTEXTJ"], *idnadata.codepoint_classes["CONTEXTO"])
    assert set(CONTEXTS) == {each for each in known_to_both() if intranges_contain(ord(each), tuple(sorted(ranges)))}


def test_letters_join_as_the_oracle_says() -> None:
    kinds = idnadata.joining_types
    assert all(intranges_contain(ord(each), kinds["D"]) for each in JOINING_ONWARDS)
    assert all(
        intranges_contain(ord(each), kinds["D"]) or intranges_contain(ord(each), kinds["R"])
        for each in JOINING_BACKWARDS
    )


LETTERS = "az09-éßσשאבגاببي١۱ノ・漢l·׳͵αनि\u094d\u200c\u200d\u0301क्षИж"


@given(st.text(st.sampled_from(LETTERS), min_size=1, max_size=8))
def test_labels_we_take_are_labels_of_idna_2008(label: str) -> None:
    try:
        name = DomainName.parse(f"{label}.com")
    except FieldInvalid:
        return
    assert idna.encode(name.unicode).decode() == name.ascii
    assert idna.decode(name.ascii) == name.unicode
