import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given
from hypothesis import strategies as st

from zero2prod_core.domain.email_addresses import LONGEST, EmailAddress
from zero2prod_core.errors import FieldInvalid, FieldMissing


@pytest.mark.parametrize(
    "typed",
    [
        "ursula_le_guin@gmail.com",
        "a@b.co",
        "first.last+tag@sub.example.com",
        "!#$%&'*+/=?^_`{|}~-@example.com",
        "x@xn--mnchen-3ya.de",
        "someone@example.test",
        "zero2prod@localhost.localdomain",
        f"{'a' * 64}@example.com",
        f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.com",
    ],
)
def test_plain_ones_are_kept_as_typed(typed: str) -> None:
    email = EmailAddress.parse(typed)
    assert (email.text, email.key, email.wire, email.is_ascii_local) == (typed, typed, typed, True)


def test_case_and_spaces_do_not_make_another_mailbox() -> None:
    email = EmailAddress.parse("  Ursula@Example.COM ")
    assert email.text == "Ursula@Example.COM"
    assert email.key == EmailAddress.parse("uRSULA@eXAMPLE.com").key == "ursula@example.com"
    assert email.domain == "example.com"
    assert email.wire == "Ursula@example.com"


def test_an_internationalised_one_has_a_form_for_the_wire() -> None:
    email = EmailAddress.parse("Ba\u0308rbel@MÜNCHEN.de")
    assert email.text == "Bärbel@MÜNCHEN.de"
    assert email.key == "bärbel@xn--mnchen-3ya.de"
    assert email.wire == "Bärbel@xn--mnchen-3ya.de"
    assert not email.is_ascii_local


def test_both_forms_of_a_domain_are_one_mailbox() -> None:
    assert EmailAddress.parse("x@münchen.de").key == EmailAddress.parse("X@XN--MNCHEN-3YA.DE").key


@pytest.mark.parametrize(
    ("one", "other"), [("STRASSE", "straße"), ("ΣΊΣΥΦΟΣ", "Σίσυφος"), ("é", "e\u0301"), ("\u1fb4", "ά\u0345")]
)
def test_local_parts_are_compared_without_case(one: str, other: str) -> None:
    assert EmailAddress.parse(f"{one}@example.com").key == EmailAddress.parse(f"{other}@example.com").key


@pytest.mark.parametrize("raw", ["", "   ", "\t\n"])
def test_white_space_alone_is_missing(raw: str) -> None:
    with pytest.raises(FieldMissing, match=r"^email: missing"):
        EmailAddress.parse(raw)


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ("ursuladomain.com", "one @ and a domain"),
        ("a@b@example.com", "one @ and a domain"),
        ("@example.com", "one @ and a domain"),
        (".a@example.com", "before its @"),
        ("a.@example.com", "before its @"),
        ("a..b@example.com", "before its @"),
        ("a b@example.com", "before its @"),
        ('"a"@example.com', "before its @"),
        ("a(comment)@example.com", "before its @"),
        ("Ann <ann@example.com>", "before its @"),
        ("a\x00@example.com", "before its @"),
        ("<\u0338@example.com", "before its @"),
        ("a\u202e@example.com", "invisible"),
        ("a\u00a0b@example.com", "invisible"),
        ("a\u200db@example.com", "invisible"),
        ("a\ue000@example.com", "invisible"),
        ("a\ud800@example.com", "invisible"),
        ("a\U000e0fff@example.com", "unassigned"),
        ("\u0301a@example.com", "combining mark"),
        ("a@", "one @ and a domain"),
        ("a@com", "two or more labels"),
        ("a@[127.0.0.1]", "letters, digits and hyphens"),
        ("a@127.0.0.1", "ends in a letter"),
        ("a@example.com\n", "letters, digits and hyphens"),
        ("a@example.com\r\nBcc: b@example.com", "one @ and a domain"),
        ("a@exa\ud800mple.com", "letters, digits and hyphens"),
        ("a@mail.local", "not be at .local"),
        ("a@ab--cd.com", "hyphens"),
        (f"{'a' * 65}@example.com", "64 bytes before"),
        (f"{'é' * 33}@example.com", "64 bytes before"),
        (f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 58}.com", "254 bytes"),
        (f"a@{'é' * 40}.{'é' * 40}.{'é' * 40}.{'é' * 40}.com", "254 bytes|253 octets"),
        ("a" * 10_000 + "@example.com", "254 bytes"),
    ],
)
def test_a_refusal_names_field_and_rule(raw: str, rule: str) -> None:
    with pytest.raises(FieldInvalid, match=rule) as refused:
        EmailAddress.parse(raw, "sender")
    assert refused.value.fields["field"] == "sender"


@pytest.mark.parametrize("raw", ["s3cret", "s3cret@", "s3cret @x.org", "s3cret@s3cret", "x@s3cret_.org", "s3cret" * 50])
def test_a_refusal_never_repeats_the_value(raw: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        EmailAddress.parse(raw)
    assert "s3cret" not in f"{refused.value} {refused.value.fields}"


def test_every_form_of_it_fits_into_254_bytes() -> None:
    """The ASCII form of this domain is short, what people see of it is not."""
    label = "𐎠" * 40
    domain = f"{label}.{label}.com"
    wire = f"a@{'.'.join('xn--' + each.encode('punycode').decode() for each in (label, label))}.com"
    assert len(wire) < LONGEST < len(f"a@{domain}".encode())
    for typed in (f"a@{domain}", wire):
        with pytest.raises(FieldInvalid, match="254 bytes"):
            EmailAddress.parse(typed)


KNOWN = st.characters(exclude_categories=["Cn", "Cs"]).filter(lambda each: unicodedata.category(each) != "Cn")
"""Code points that both Unicode versions know: the oracle's is the later one."""

TRICKY = st.sampled_from('aZ0.-_@ "<>()\u0338\u0301\u200c\u200dßſKéاب١۱アー・漢l·א׳α͵σΣ\u094dन。．')
TEXT = st.text(KNOWN | TRICKY, min_size=1, max_size=12)
LETTERS = st.characters(categories=["L", "Nd", "Mn", "Mc"]).filter(str.isprintable)
DOMAIN_TEXT = st.text(LETTERS | TRICKY, max_size=8)
PLAIN = st.from_regex(r"[a-z0-9.+-]{1,12}", fullmatch=True)
DOMAINS = st.builds(".".join, st.lists(DOMAIN_TEXT | PLAIN | st.just("xn--mnchen-3ya"), min_size=1, max_size=4))
LOCALS = TEXT | PLAIN
TYPED = st.builds("{}@{}".format, LOCALS, DOMAINS) | st.builds("{}@{}.com".format, LOCALS, DOMAIN_TEXT)


def oracle(typed: str) -> str | None:
    """The domain's ASCII form, or None where email-validator refuses; told of a test environment, it takes .test."""
    try:
        return validate_email(typed, check_deliverability=False, test_environment=True).ascii_domain
    except EmailNotValidError:
        return None


@given(TYPED)
@example("a@\u0338example.com")
@example("<\u0338a@example.com")
@example("K@example.com")
@example("a@exampleſ.com")
def test_what_the_oracle_refuses_we_refuse(typed: str) -> None:
    try:
        email = EmailAddress.parse(typed)
    except (FieldInvalid, FieldMissing):
        return
    assert oracle(typed.strip(" ")) == email.domain


@given(PLAIN, st.from_regex(r"[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,5})?\.(com|org|test)", fullmatch=True))
def test_plain_ones_that_the_oracle_takes_we_take(local: str, domain: str) -> None:
    typed = f"{local}@{domain}"
    assume(oracle(typed) is not None)
    assert EmailAddress.parse(typed).wire == typed


@given(st.text(max_size=30) | TYPED)
def test_any_text_is_an_e_mail_address_or_refused(raw: str) -> None:
    try:
        email = EmailAddress.parse(raw)
    except (FieldInvalid, FieldMissing):
        return
    assert EmailAddress.parse(email.text) == email
    assert EmailAddress.parse(email.wire).key == email.key
    assert email.wire.rpartition("@")[2].isascii()
    assert email.text.isprintable()


@given(TYPED)
def test_keys_are_their_own_keys(raw: str) -> None:
    try:
        email = EmailAddress.parse(raw)
        again = EmailAddress.parse(email.key)
    except (FieldInvalid, FieldMissing):
        return
    assert again.key == email.key


def test_one_that_a_mail_program_would_show_as_another_is_refused() -> None:
    with pytest.raises(FieldInvalid, match="encoded word"):
        EmailAddress.parse("=?utf-8?q?victim?=@example.com")
