import threading

import pytest
from structlog.testing import capture_logs

from adapters_email.memory import InMemoryMailer
from tests.support.waiting import eventually
from zero2prod import embedding
from zero2prod.embedding import DEFAULT_NEWSLETTER, VISITOR, EmailAddress, Embedded, Evidence, SignUp, SubscriberName
from zero2prod.testing.application import CheapPasswordHasher, CountedIds, CountedRandomness

POLICY = embedding.Policy("https://news.example.org", EmailAddress.parse("news@example.org"))
SIGN_UP = SignUp(
    DEFAULT_NEWSLETTER.slug,
    EmailAddress.parse("ada@example.com"),
    SubscriberName.parse("Ada"),
    Evidence(VISITOR, "test"),
)


def recipients(mailer: InMemoryMailer) -> list[str]:
    return [mail.envelope.recipient for mail in mailer.mails]


class Broken(embedding.Mailer):
    async def run(self, desk: embedding.Desk) -> None:
        raise ZeroDivisionError


def argon2_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("argon2")]


@pytest.fixture
def mailer() -> InMemoryMailer:
    return InMemoryMailer()


@pytest.fixture
def house(mailer: InMemoryMailer) -> Embedded:
    return embedding.in_memory(POLICY, mailer)


async def test_mail_is_sent_while_the_block_lasts(house: Embedded, mailer: InMemoryMailer) -> None:
    async def sent() -> bool:
        return bool(mailer.mails)

    async with house.delivering():
        await house.application.subscribe(SIGN_UP)
        assert await eventually(sent)
    assert recipients(mailer) == ["ada@example.com"]


async def test_delivering_ends_with_a_failure_in_the_block(house: Embedded, mailer: InMemoryMailer) -> None:
    with pytest.raises(ZeroDivisionError):
        async with house.delivering():
            raise ZeroDivisionError
    await house.application.subscribe(SIGN_UP)
    assert recipients(mailer) == []


async def test_a_mailer_that_fails_is_logged_at_once_and_raised_at_the_end() -> None:
    house = embedding.in_memory(POLICY, Broken())

    async def logged() -> bool:
        return any(line["event"] == "delivering_failed" for line in lines)

    with capture_logs() as lines, pytest.raises(ZeroDivisionError):
        async with house.delivering():
            assert await eventually(logged)


async def test_its_own_hasher_rests_after_the_block_and_can_be_used_again(house: Embedded) -> None:
    hasher = house.application.accounts.set_password.passwords
    for _ in range(2):
        async with house.delivering():
            encoded = await hasher.hash("correct horse")
            assert (await hasher.verify("correct horse", encoded)).matches
            assert argon2_threads()
        assert not argon2_threads()


async def test_what_is_due_is_sent_at_once(house: Embedded, mailer: InMemoryMailer) -> None:
    await house.application.subscribe(SIGN_UP)
    await house.deliver()
    await house.deliver()
    assert recipients(mailer) == ["ada@example.com"]


async def test_a_port_that_is_given_is_used(mailer: InMemoryMailer) -> None:
    ids, passwords = CountedIds(), CheapPasswordHasher()
    before = ids.new()
    house = embedding.in_memory(POLICY, mailer, ids=ids, randomness=CountedRandomness(), passwords=passwords)
    await house.application.subscribe(SIGN_UP)
    await house.deliver()
    assert ids.new().int > before.int + 1
    assert house.application.accounts.set_password.passwords is passwords


async def test_two_houses_share_nothing(house: Embedded, mailer: InMemoryMailer) -> None:
    await embedding.in_memory(POLICY, mailer).application.subscribe(SIGN_UP)
    await house.deliver()
    assert recipients(mailer) == []


def test_every_public_name_is_there() -> None:
    assert embedding.__all__ == [name for name in embedding.__all__ if hasattr(embedding, name)]
