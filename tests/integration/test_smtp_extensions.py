"""PIPELINING and CHUNKING over sockets: against the server that proofs use, and against Postfix's own."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from adapters_email.composing import compose
from adapters_email.dialogue import Way
from adapters_email.smtp import SmtpMailer
from adapters_email.smtp_url import SmtpUrl
from benchmarks.support.sinks import GrantingDesk, smtp_sink
from tests.support.desks import RecordingDesk
from tests.support.parcels import issue, parcel
from tests.support.relays import recording
from zero2prod_core.domain.deliveries import Sent
from zero2prod_core.ports.mailer import Parcel


def parcels(count: int, text: str = "Hello, readers.\n") -> Sequence[Parcel]:
    return [parcel(issue(text=text), f"reader{number}@example.com") for number in range(count)]


def mailer(port: int, connections: int = 4, most_advanced: Way = Way.CHUNKING) -> SmtpMailer:
    relay = SmtpUrl.parse(f"smtp://127.0.0.1:{port}")
    return SmtpMailer(relay, connections=connections, time_limit=20, most_advanced=most_advanced)


@pytest.mark.parametrize(
    "without",
    [(), ("CHUNKING",), ("CHUNKING", "PIPELINING"), ("SIZE", "8BITMIME", "SMTPUTF8")],
    ids=["all", "no CHUNKING", "neither", "no words about mails"],
)
@pytest.mark.parametrize("text", ["Hello, readers.\n.\n", "long " * 200_000], ids=["small", "large"])
async def test_whatever_a_server_offers_the_same_bytes_arrive(
    tmp_path: Path, without: tuple[str, ...], text: str
) -> None:
    sent = parcels(60 if len(text) < 100 else 6, text)
    with recording(tmp_path, without=without) as relay:
        desk = RecordingDesk(sent)
        await mailer(relay.port).run(desk)
        accepted = {mail.recipient: mail.digest for mail in relay.mails}
    assert {type(outcome) for outcome in desk.outcomes} == {Sent}
    assert accepted == {each.delivery.email.text: hashlib.sha256(compose(each).content).hexdigest() for each in sent}
    assert len(desk.outcomes) == len(sent)


@pytest.mark.parametrize("way", Way)
async def test_postfixs_own_sink_takes_them(way: Way) -> None:
    sent = parcels(100)
    with smtp_sink() as port:
        desk = GrantingDesk(sent)
        await mailer(port, most_advanced=way).run(desk)
    assert desk.sent == len(sent)
