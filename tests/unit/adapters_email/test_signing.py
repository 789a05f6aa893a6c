"""Signing in threads: whoever waits gets its own mail, and no thread is left behind."""

import asyncio
import threading
from collections.abc import Iterator

import attrs
import pytest

from adapters_email import signing
from adapters_email.composing import Mail, compose
from adapters_email.dkim import sign
from adapters_email.signing import Signing
from tests.support.dkim_keys import ed25519_key, rsa_key
from tests.support.dkim_verifying import verdicts
from tests.support.parcels import issue, listed, parcel
from zero2prod_core.errors import Defect

KEYS = (rsa_key(), ed25519_key())


@pytest.fixture(params=[1, 2])
def signed(request: pytest.FixtureRequest) -> Iterator[Signing]:
    made = Signing(KEYS, request.param)
    yield made
    made.close()


def mail(to: str = "ursula@example.com") -> Mail:
    return compose(listed(parcel(issue(), to)))


async def test_a_mail_comes_back_signed_and_is_else_the_same(signed: Signing) -> None:
    result = await signed(mail())
    assert verdicts(result.content, KEYS, "news.example.com") == [True, True]
    assert result.envelope == mail().envelope
    assert result.content.endswith(mail().content)


async def test_of_many_each_gets_its_own(signed: Signing) -> None:
    mails = [mail(f"reader-{number}@example.com") for number in range(100)]
    for _ in range(2):  # threads that had nothing more to do take up what comes later
        results = await asyncio.gather(*map(signed, mails))
        assert [result.content for result in results] == [sign(KEYS, each.content) for each in mails]


async def test_quick_keys_alone_need_no_thread() -> None:
    before = threading.active_count()
    made = Signing([ed25519_key()])
    assert (await made(mail())).content == sign([ed25519_key()], mail().content)
    assert threading.active_count() == before
    made.close()


async def test_what_befalls_a_mail_is_told_to_who_waits_and_the_next_one_is_signed(signed: Signing) -> None:
    dateless = attrs.evolve(mail(), content=b"From: <a@news.example.com>\r\n\r\nHi\r\n")
    with pytest.raises(Defect, match="Date"):
        await signed(dateless)
    assert (await signed(mail())).content == sign(KEYS, mail().content)


async def test_who_waits_no_more_keeps_nobody_else_from_a_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    held, begun = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(keys: object, content: bytes, pieces: object) -> bytes:
        loop.call_soon_threadsafe(begun.set)
        held.wait()
        if b"dateless" in content:
            raise Defect("a mail without Date cannot be signed")
        return content

    monkeypatch.setattr(signing, "sign", slow)
    made = Signing(KEYS, 1)
    broken = attrs.evolve(mail(), content=b"dateless")
    for first in (mail(), broken):
        held.clear()
        begun.clear()
        gone = asyncio.create_task(made(first))
        await begun.wait()
        stays = asyncio.create_task(made(mail()))
        gone.cancel()
        await asyncio.wait([gone])
        held.set()
        assert gone.cancelled()
        assert (await stays).content == mail().content
    made.close()
