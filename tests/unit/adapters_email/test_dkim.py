"""Signatures, as another implementation finds them."""

import re
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email.composing import compose
from adapters_email.dkim import DkimKey, sign
from tests.support.dkim_keys import ed25519_key, rsa_key
from tests.support.dkim_verifying import verdicts
from tests.support.parcels import CONFIRMATION, SENDER, issue, listed, parcel
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.errors import Defect

DOMAIN = "news.example.com"
BOTH = (rsa_key(), ed25519_key("example.com"))
WORDS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\r.= \t"), min_size=1)
VISIBLE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=100)

ISSUE = compose(listed(parcel(issue("Größe {{ subscriber.name }}", "Hi  there\t \n.\n\n\n", "<p>Hi")))).content


def signatures(content: bytes) -> list[str]:
    """Each, unfolded."""
    fields = re.findall(rb"^DKIM-Signature: (.*(?:\r\n .*)*)\r\n", content, re.MULTILINE)
    return [re.sub(rb"\r\n ", b" ", field).decode() for field in fields]


def covered(signature: str) -> list[str]:
    names = re.search(r" h=([^;]*);", signature)
    assert names
    return names[1].replace(" ", "").split(":")


def test_two_keys_make_two_signatures_that_hold() -> None:
    signed = sign(BOTH, ISSUE)
    assert verdicts(signed, BOTH, DOMAIN) == [True, True]
    first, second = signatures(signed)
    assert first.startswith(f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={DOMAIN}; s=mail; t=1795348800; h=from:")
    assert second.startswith("v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=ed; t=1795348800; h=from:")
    assert signed.endswith(ISSUE)
    assert max(map(len, signed.partition(b"From:")[0].split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "content", [ISSUE, compose(parcel(issue(text="a\n\n\n"))).content, compose(parcel(CONFIRMATION)).content]
)
def test_whatever_is_there_is_covered(content: bytes) -> None:
    (signature,) = signatures(sign([rsa_key()], content))
    fields = [
        name.decode().lower()
        for name in re.findall(rb"^([A-Za-z-]+):", content.partition(b"\r\n\r\n")[0], re.MULTILINE)
    ]
    assert sorted(covered(signature)) == sorted([*fields, "from"])


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        (b"Subject: ", b"Subject: =?utf-8?Q?no?= "),
        (b"List-Unsubscribe-Post: ", b"List-Unsubscribe-Post: x"),
        (b"\r\n\r\n", b"\r\n\r\nHo "),
        (b"To: ursula", b"From: other@example.com\r\nTo: ursula"),
    ],
)
def test_what_is_changed_is_noticed(found: bytes, changed: bytes) -> None:
    signed = sign(BOTH, ISSUE)
    assert found in signed
    assert verdicts(signed.replace(found, changed, 1), BOTH, DOMAIN) == [False, False]


def test_what_relays_do_to_white_space_is_not() -> None:
    signed = sign(BOTH, ISSUE)
    refolded = signed.replace(b"Feedback-ID: ", b"feedback-id:\r\n\t ").replace(
        b"MIME-Version: 1.0", b"MIME-Version:  1.0 "
    )
    assert verdicts(refolded + b"\r\n\r\n", BOTH, DOMAIN) == [True, True]


@given(WORDS, st.none() | WORDS, VISIBLE, VISIBLE)
def test_any_content_is_signed(text: str, html: str | None, subject: str, name: str) -> None:
    sent = listed(parcel(issue(subject, text, html), sender=attrs.evolve(SENDER, name=name)))
    assert verdicts(sign(BOTH, compose(sent).content), BOTH, DOMAIN) == [True, True]


@given(WORDS, st.none() | WORDS, WORDS, st.sampled_from([0, 600]))
def test_the_pieces_of_a_mail_say_the_same_as_the_whole(text: str, html: str | None, name: str, spaces: int) -> None:
    place = f"{' ' * spaces}\t{{{{ subscriber.name }}}} {'  .' * spaces}"
    sent = listed(parcel(issue("Hello", text + place + text, html and html + place + html)))
    mail = compose(attrs.evolve(sent, delivery=attrs.evolve(sent.delivery, name=name)))
    assert mail.content.endswith(b"".join(mail.pieces))
    signed = sign(BOTH, mail.content, mail.pieces)
    assert signed == sign(BOTH, mail.content)
    assert verdicts(signed, BOTH, DOMAIN) == [True, True]


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n ", b"\r\n\t", b"word", b":"]), max_size=20))
def test_any_white_space_in_a_field_is_counted_as_the_rfc_says(pieces: list[bytes]) -> None:
    content = b"From: <a@news.example.com>\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\nSubject:x"
    assert verdicts(sign(BOTH, content + b"".join(pieces) + b"y\r\n\r\nHi\r\n"), BOTH, DOMAIN) == [True, True]


@given(st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b".", b"word", b"=20"]), max_size=30))
def test_any_white_space_in_a_body_is_counted_as_the_rfc_says(pieces: list[bytes]) -> None:
    content = (
        b"From: <a@news.example.com>\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n\r\n" + b"".join(pieces) + b"\r\n"
    )
    assert verdicts(sign(BOTH, content), BOTH, DOMAIN) == [True, True]


@pytest.mark.parametrize(
    ("domain", "signs"),
    [(None, True), (DOMAIN, True), ("example.com", True), ("ews.example.com", False), ("example.org", False)],
)
def test_a_key_signs_for_its_domain_and_those_below(domain: str | None, signs: bool) -> None:
    assert len(signatures(sign([ed25519_key(domain)], ISSUE))) == signs


def test_the_same_mail_has_the_same_signatures() -> None:
    assert sign(BOTH, ISSUE) == sign(BOTH, ISSUE)


@pytest.mark.parametrize("keys", [[], [ed25519_key("example.org")]])
def test_without_a_key_that_fits_a_mail_stays_as_it_is(keys: Sequence[DkimKey]) -> None:
    assert sign(keys, ISSUE) == ISSUE
    assert sign(BOTH, b"Subject: from nobody\r\n\r\n") == b"Subject: from nobody\r\n\r\n"


def test_a_sender_beyond_ascii_has_a_domain_in_ascii() -> None:
    sender = attrs.evolve(SENDER, email=EmailAddress.parse("jürgen@münchen.example.com"))
    signed = sign([rsa_key()], compose(parcel(sender=sender)).content)
    assert "d=xn--mnchen-3ya.example.com;" in signatures(signed)[0]


def test_a_mail_without_date_is_a_defect() -> None:
    with pytest.raises(Defect, match="Date"):
        sign(BOTH, b"From: <a@news.example.com>\r\n\r\nHi\r\n")
