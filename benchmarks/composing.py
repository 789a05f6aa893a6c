"""What does composing once per letter gain over building each recipient's mail by the standard library?

Both make the same mail: 8 kB of text and HTML with the reader's name at the top of each and a link at the end, and the
same header fields. Beside it stands what signing costs, which is done in threads while a relay is waited for.
"""

import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from adapters_email.composing import Mail, compose
from adapters_email.dkim import DkimKey, sign
from benchmarks.support import Rates, judge, machine, run, take_turns
from tests.support.parcels import LISTING, NOON, issue, listed, parcel, parsed, words
from zero2prod_core.ports.mailer import Parcel

LEAST_GAIN = 30  # what the engine's design asks for; a third of what was measured when it was written
ROUNDS = 7
READERS = 500
SPLICED, BUILT = "composed once per letter", "EmailMessage per recipient"
SPLICED_MAILS, BUILT_MAILS, RSA_MAILS, ED25519_MAILS = (
    6_000,
    150,
    500,
    2_000,
)  # of a round: some tenths of a second each

TEXT = "A line of some words, as they stand in newsletters: of moderate length.\n" * 52
HTML = "<p>A line of <b>some words</b>, as they stand in newsletters.</p>\n" * 57
LETTER = issue("Weekly", f"Dear {{{{ subscriber.name }}}},\n{TEXT}", f"<p>Dear {{{{ subscriber.name }}}},</p>\n{HTML}")


def main() -> int:
    """Print the machine, the rates and their ratio; 1 if it is too small."""
    print(machine())
    return judge("mails", run(measure()), {(SPLICED, BUILT): LEAST_GAIN})


async def measure() -> Rates:
    parcels = [reader(number) for number in range(READERS)]
    print(
        f"mails of {len(compose(parcels[0]).content):,} bytes, {len(Builder(parcels[0]).mail(parcels[0])):,} as built"
    )
    check(parcels[7])
    mails = [compose(each) for each in parcels]
    rsa = DkimKey("mail", None, generate_private_key(65537, 2048))
    ed25519 = DkimKey("ed", None, Ed25519PrivateKey.generate())
    return await take_turns(
        ROUNDS,
        {
            SPLICED: repeated(compose, parcels, SPLICED_MAILS),
            BUILT: repeated(Builder(parcels[0]).mail, parcels, BUILT_MAILS),
            "signed by RSA-2048, 1 thread": signed(rsa, mails, RSA_MAILS, 1),
            "signed by RSA-2048, 2 threads": signed(rsa, mails, RSA_MAILS, 2),
            "signed by Ed25519, 1 thread": signed(ed25519, mails, ED25519_MAILS, 1),
            "signed by Ed25519, 2 threads": signed(ed25519, mails, ED25519_MAILS, 2),
        },
    )


def reader(number: int) -> Parcel:
    sent = listed(parcel(LETTER, f"reader-{number}@example.com"))
    listing = attrs.evolve(
        LISTING,
        unsubscribe_link=f"{LISTING.unsubscribe_link}{number:06}",
        preferences_link=f"{LISTING.preferences_link}{number:06}",
    )
    return attrs.evolve(sent, listing=listing, delivery=attrs.evolve(sent.delivery, name=f"Ada Müller {number}"))


class Builder:
    """As most programs do it: a message of its own for each recipient, from words with their values in them."""

    def __init__(self, pattern: Parcel) -> None:
        """The words come from a composed mail, so that both say the same."""
        mail = parsed(compose(pattern).content)
        self._pattern = pattern
        self._text, self._html = words(mail, "plain"), words(mail, "html")
        self._fields = {
            name: mail[name] for name in ("From", "Subject", "List-Id", "List-Unsubscribe-Post", "Feedback-ID")
        }

    def mail(self, sent: Parcel) -> bytes:
        message = EmailMessage(SMTP)
        for name, value in self._fields.items():
            message[name] = str(value)
        message["To"] = sent.delivery.email.wire
        message["Date"] = format_datetime(NOON)
        message["Message-ID"] = sent.message_id
        message["List-Unsubscribe"] = f"<{_link(sent)}>"
        message.set_content(self._filled(self._text, sent, str))
        message.add_alternative(self._filled(self._html, sent, escape), subtype="html")
        return message.as_bytes()

    def _filled(self, of_pattern: str, sent: Parcel, encode: Callable[[str], str]) -> str:
        named = of_pattern.replace(encode(self._pattern.delivery.name), encode(sent.delivery.name))
        for link in ("unsubscribe_link", "preferences_link"):
            named = named.replace(_link(self._pattern, link), _link(sent, link))
        return named


def _link(sent: Parcel, name: str = "unsubscribe_link") -> str:
    return str(getattr(sent.listing, name))


def check(sent: Parcel) -> None:
    """Both ways say the same, or their rates say nothing."""
    ours, theirs = parsed(compose(sent).content), parsed(Builder(reader(0)).mail(sent))
    names = [name for name in theirs if name != "Content-Type"]  # whose boundary is each one's own
    assert [str(ours[name]).strip() for name in names] == [str(theirs[name]).strip() for name in names]
    for subtype in ("plain", "html"):
        assert words(ours, subtype).split() == words(theirs, subtype).split()


def repeated(make: Callable[[Parcel], object], parcels: Sequence[Parcel], count: int) -> Callable[[], Awaitable[float]]:
    async def contender() -> float:
        began = time.perf_counter()
        for number in range(count):
            make(parcels[number % READERS])
        return count / (time.perf_counter() - began)

    return contender


def signed(key: DkimKey, mails: Sequence[Mail], count: int, threads: int) -> Callable[[], Awaitable[float]]:
    """In batches, as they go to threads when many mails wait."""
    batches = [[mails[(start + number) % READERS] for number in range(10)] for start in range(0, count, 10)]

    def sign_batch(batch: Sequence[Mail]) -> int:
        return len([sign([key], mail.content, mail.pieces) for mail in batch])

    async def contender() -> float:
        with ThreadPoolExecutor(threads) as pool:
            began = time.perf_counter()
            done = sum(pool.map(sign_batch, batches))
            return done / (time.perf_counter() - began)

    return contender


if __name__ == "__main__":
    sys.exit(main())
