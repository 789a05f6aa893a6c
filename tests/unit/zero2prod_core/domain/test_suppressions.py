from itertools import combinations

import pytest
from hypothesis import given
from hypothesis.strategies import frozensets, sampled_from

from zero2prod.testing.builders import KEY, email
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.suppressions import (
    BLOCKS_ACCOUNT_MAIL,
    LIFTED_BY_CONFIRMING,
    Reason,
    digest,
    digests,
    may_sign_up,
)

OTHER = Key("other", bytes(range(32, 64)))


def test_a_digest_is_of_the_mailbox_not_of_how_it_was_typed() -> None:
    assert digest(KEY, email("Ada@Example.com")) == digest(KEY, email("ada@example.com"))
    assert digest(KEY, email("ada@example.com")) != digest(KEY, email("bob@example.com"))


def test_a_digest_names_its_key_and_needs_it() -> None:
    made = digest(KEY, email("ada@example.com"))
    assert (made.key_id, len(made.value)) == ("test", 32)
    assert digest(OTHER, email("ada@example.com")).value != made.value


def test_there_is_one_for_every_listed_key_newest_first() -> None:
    ada = email("ada@example.com")
    assert digests(KeyRing((OTHER, KEY)), ada) == (digest(OTHER, ada), digest(KEY, ada))


@given(frozensets(sampled_from(Reason)))
def test_one_reason_that_only_staff_lift_is_enough_to_keep_mail_away(reasons: frozenset[Reason]) -> None:
    assert may_sign_up(reasons) == (not reasons & {Reason.COMPLAINT, Reason.IMPORT, Reason.MANUAL})


@pytest.mark.parametrize("reasons", [frozenset(pair) for pair in combinations(LIFTED_BY_CONFIRMING, 2)])
def test_all_that_confirming_lifts_may_be_confirmed_away(reasons: frozenset[Reason]) -> None:
    assert may_sign_up(reasons)


def test_staff_mail_obeys_bounces_only() -> None:
    assert {Reason.BOUNCE} == BLOCKS_ACCOUNT_MAIL
