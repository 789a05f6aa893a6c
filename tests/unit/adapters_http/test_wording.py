"""The words of a refusal on a page."""

import pytest

from adapters_http.refusals import BodyTooLarge, BodyTypeRefused
from adapters_http.wording import in_words
from tests.support.http import House
from zero2prod_core.errors import (
    FieldInvalid,
    FieldMissing,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    NewsletterUnknown,
    PasswordsDiffer,
    StoreUnavailable,
    TokenMalformed,
    Zero2ProdError,
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FieldMissing("name"), "Name is missing. Fill it in and try again."),
        (FieldInvalid("new_password", "must have 12 characters"), "New password must have 12 characters. Correct it"),
        (FieldInvalid("email", "cannot be so"), "E-mail address cannot be so."),
        (FieldMissing("token"), "The code in this link is missing. Open the link exactly as it was given."),
        (TokenMalformed(), "The code in this link is not complete. Open the link exactly as it was given."),
        (IdempotencyKeyReused(), "The key of this form was already used for other content."),
        (IdempotencyKeyInUse(), "The key of this form: the first request with this key is still running."),
        (NewsletterUnknown("x"), "Newsletter: there is no newsletter 'x'."),
        (BodyTooLarge(5), "The form must have at most 5 bytes."),
        (BodyTypeRefused("Content-Type", "must be a form"), "Content-Type: must be a form."),
        (FieldMissing("unheard_of"), "unheard_of: missing."),
        (PasswordsDiffer(), "You entered two different new passwords"),
        (StoreUnavailable(), "The database does not answer."),
    ],
)
def test_people_read_labels_where_programs_read_names(error: Zero2ProdError, words: str) -> None:
    assert in_words(error).startswith(words)


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/subscriptions", {"email": "x"}), ("/subscriptions", {"name": "Ada", "email": "x"}), ("/login", {})],
)
async def test_no_page_shows_the_name_of_a_field(house: House, path: str, fields: dict[str, str]) -> None:
    page = (await house.post(path, fields)).text
    assert 'role="alert"' in page
    for name in ("name: ", "email: ", "username: "):
        assert name not in page
