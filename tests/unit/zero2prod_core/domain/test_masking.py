import pytest
from hypothesis import given
from hypothesis import strategies as st

from zero2prod_core.domain.deliveries import Reply
from zero2prod_core.domain.masking import MASK, masked

WHOLE = [
    "ada@example.com",
    "<ada@example.com>",
    "TO:<ada@example.com>:",
    "ada@example.com.",
    "'ada@example.com'",
    '"ada@example.com"',
    "user=ada@example.com;",
    "RCPT TO:ada@example.com,",
    "(ada.o'brien+tag@example.com)",
    "mailto:ada@example.com",
    "ADA@EXAMPLE.COM",
    "żółw@example.com",
    "ada@[192.0.2.1]",
    "https://mail.example.org/?to=ada%40example.com&x=1",
    "ada=40example.com",
    "ada\uff20example.com",
    "ada@",
    "@example.com,@example.org:ada@example.com",
]
SECRETS = ["ada", "żółw"]


@pytest.mark.parametrize("words", WHOLE)
def test_nothing_of_an_email_address_is_left(words: str) -> None:
    shown = masked(f"550 5.1.1 {words} is unknown here").lower()
    assert MASK in shown
    assert not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize(
    "words", ["2.0.0 Ok: queued as 4F3A1", "try again @ noon", "550-5.7.1 [192.0.2.1] see https://example.org/?a=4"]
)
def test_other_words_stay_as_they_are(words: str) -> None:
    assert masked(words) == words


@given(st.text(), st.text())
def test_an_email_address_is_found_between_any_other_words(before: str, after: str) -> None:
    assert "a@b" not in masked(f"{before} a@b {after}")


def test_an_email_address_that_the_cut_would_halve_is_masked_before() -> None:
    reply = Reply.of(550, "x" * (Reply.LONGEST - 4) + " ada@example.com")
    assert "ada" not in reply.text
    assert len(reply.text) <= Reply.LONGEST
