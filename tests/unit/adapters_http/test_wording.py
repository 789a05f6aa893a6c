"""The words of a refusal on a page."""

from datetime import timedelta

import pytest

from adapters_http.form_texts import SUBSCRIBE_FORM
from adapters_http.problems import STATUSES
from adapters_http.refusals import BodyBroken, BodyTooLarge, BodyTooSlow, BodyTypeRefused
from adapters_http.wording import LABELS, LIMITED, SENTENCES, in_words
from tests.support.http import House
from zero2prod_core.domain.limits import Limits
from zero2prod_core.errors import (
    FieldInvalid,
    FieldMissing,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    IssueUnknown,
    LimitExceeded,
    NewsletterUnknown,
    NothingToConfirm,
    PasswordsDiffer,
    StoreUnavailable,
    SubscriberUnknown,
    TokenMalformed,
    Zero2ProdError,
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FieldMissing("name"), "Name is missing. Fill it in and try again."),
        (FieldInvalid("new_password", "must have 12 characters"), "New password must have 12 characters. Correct it"),
        (FieldInvalid("email", "must be {so}", "Try"), "E-mail address must be {so}. Try."),
        (FieldMissing("token"), "The code in this link is missing. Open the link exactly as it was given."),
        (TokenMalformed(), "The code in this link is not complete. Open the link exactly as it was given."),
        (IdempotencyKeyReused(), "The key of this form was already used for other content."),
        (IdempotencyKeyInUse(), "The key of this form is in use by a first request."),
        (NewsletterUnknown("x"), "Newsletter must be one that exists."),
        (IssueUnknown("x"), "This issue does not exist."),
        (SubscriberUnknown(), "This subscriber does not exist."),
        (NothingToConfirm(), "No sign-up of this reader waits for its confirmation"),
        (BodyTooLarge(5), "The form must have at most 5 bytes."),
        (BodyTooSlow(5), "The form must arrive within 5 seconds."),
        (BodyBroken(), "The form cannot be read to its end."),
        (BodyTypeRefused("Content-Type", "must be a form"), "Content-Type: must be a form."),
        (FieldMissing("unheard_of"), "unheard_of: missing."),
        (PasswordsDiffer(), "You entered two different new passwords"),
        (StoreUnavailable(), "The database does not answer."),
    ],
)
def test_people_read_labels_where_programs_read_names(error: Zero2ProdError, words: str) -> None:
    assert in_words(error).startswith(words)


@pytest.mark.parametrize("scope", LIMITED)
def test_a_limit_blames_nobody_who_shares_a_network(scope: str) -> None:
    assert in_words(LimitExceeded(scope, timedelta(seconds=20))) == f"{LIMITED[scope]}. Try again in 20 seconds."
    assert hasattr(Limits, scope)


def test_any_other_limit_is_told_as_it_is() -> None:
    assert in_words(LimitExceeded("of_tomorrow", timedelta(seconds=1))) == "Too many requests. Try again in 1 second."


def test_every_sentence_is_an_error_s() -> None:
    assert set(SENTENCES) <= set(STATUSES)


@pytest.mark.parametrize("field", ["name", "email"])
def test_who_consents_is_shown_the_labels_that_the_evidence_has(field: str) -> None:
    assert SUBSCRIBE_FORM.words[field] == LABELS[field]


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/subscriptions", {"email": "x"}), ("/subscriptions", {"name": "Ada", "email": "x"}), ("/login", {})],
)
async def test_no_page_shows_the_name_of_a_field(house: House, path: str, fields: dict[str, str]) -> None:
    page = (await house.post(path, fields)).text
    assert 'role="alert"' in page
    for name in ("name: ", "email: ", "username: "):
        assert name not in page
