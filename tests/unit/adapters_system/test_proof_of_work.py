"""A challenge is answered by work or by patience, for one sign-up, for a while."""

import hashlib
from datetime import timedelta

import attrs
import pytest

from adapters_system.proof_of_work import BITS, LASTS, WAIT, ProofOfWork, solves
from tests.support.doors import StandingClock, solution
from zero2prod.testing.builders import KEYS
from zero2prod_core.domain.challenges import Answer, Challenge, Subject
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.newsletters import Slug


def subject(email: str = "ada@example.com", newsletter: str = "default") -> Subject:
    return Subject.of(KEYS.newest, Slug(newsletter), EmailAddress.parse(email))


@attrs.frozen
class Scene:
    clock: StandingClock
    challenges: ProofOfWork
    challenge: Challenge


@pytest.fixture
def scene() -> Scene:
    clock = StandingClock()
    challenges = ProofOfWork(KEYS, clock)
    return Scene(clock, challenges, challenges.make(subject()))


@pytest.fixture(scope="module")
def number() -> str:
    """Every challenge of these tests is made at the same moment for the same subject, and so is the same."""
    return solution(ProofOfWork(KEYS, StandingClock()).make(subject()).text)


def test_the_number_begins_a_hash_with_zero_bits(scene: Scene, number: str) -> None:
    digest = hashlib.sha256(f"{scene.challenge.text}:{number}".encode()).digest()
    assert f"{int.from_bytes(digest, 'big'):0256b}".startswith("0" * BITS)
    assert solves(scene.challenge.text, number)


def test_work_is_an_answer_at_once_and_may_be_sent_again(scene: Scene, number: str) -> None:
    for _ in range(2):
        assert scene.challenges.check(subject(), Answer(scene.challenge.text, number)) is None


def test_patience_is_an_answer_too(scene: Scene) -> None:
    assert scene.challenge.wait == WAIT
    scene.clock.forward(WAIT.total_seconds())
    assert scene.challenges.check(subject(), Answer(scene.challenge.text)) is None


@pytest.mark.parametrize("number", ["", "0", "-1", "1.5", "1e3", " 1", "٣", "9" * 16, "x" * 10_000, "\ud800"])
def test_too_early_the_same_challenge_stands_with_less_to_wait(scene: Scene, number: str) -> None:
    scene.clock.forward(5)
    still = scene.challenges.check(subject(), Answer(scene.challenge.text, number))
    assert still == Challenge(scene.challenge.text, BITS, WAIT - timedelta(seconds=5), LASTS - timedelta(seconds=5))


def test_too_late_there_is_a_new_one(scene: Scene, number: str) -> None:
    scene.clock.forward(LASTS.total_seconds())
    fresh = scene.challenges.check(subject(), Answer(scene.challenge.text, number))
    assert fresh is not None
    assert fresh.text != scene.challenge.text
    assert (fresh.wait, fresh.lasts) == (WAIT, LASTS)


@pytest.mark.parametrize("other", [subject("grace@example.com"), subject(newsletter="weekly")])
def test_an_answer_serves_no_other_victim_and_no_other_newsletter(scene: Scene, number: str, other: Subject) -> None:
    scene.clock.forward(WAIT.total_seconds())
    fresh = scene.challenges.check(other, Answer(scene.challenge.text, number))
    assert fresh == scene.challenges.make(other)


@pytest.mark.parametrize("text", ["", "A" * 32, "x", "\ud800" * 32, "\0"])
def test_a_challenge_that_we_have_not_made_is_none(scene: Scene, text: str) -> None:
    scene.clock.forward(WAIT.total_seconds())
    assert scene.challenges.check(subject(), Answer(text, "1")) == scene.challenges.make(subject())


def test_a_challenge_outlives_the_rotation_of_keys(scene: Scene, number: str) -> None:
    rotated = ProofOfWork(KeyRing((Key("new", b"n" * 32), *KEYS.keys)), scene.clock)
    assert rotated.check(subject(), Answer(scene.challenge.text, number)) is None


def test_it_says_nothing_of_whom_it_is_for(scene: Scene) -> None:
    assert "ada" not in scene.challenge.text
    assert len(f"{scene.challenge.text}:{'9' * 15}") <= 55, "one block of SHA-256, which is all that the script hashes"
