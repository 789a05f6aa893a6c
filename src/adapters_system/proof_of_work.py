"""Challenges that need no third party, no store and no cookie: a little work for a browser, or a short wait.

The work is Hashcash's (Back, 2002): a number is looked for whose hash begins with zero bits. It cannot be shortened,
and checking it costs one hash. It does not tell people from programs; it makes a sign-up cost about as much as a
visitor's browser has to spare, which is too much for whoever wants a million.
"""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Final

import attrs

from zero2prod_core.domain.challenges import Answer, Challenge, Subject
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.stamps import read_stamp, stamp
from zero2prod_core.ports.challenges import Challenges
from zero2prod_core.ports.system import Clock

__all__ = ["BITS", "LASTS", "WAIT", "ProofOfWork", "solves"]

# 65,536 hashes on average. The page's script takes 0.1 s for them on a desktop. In a browser slowed down
# to a quarter, about a phone, it is 0.3 s, and 0.9 s in one of twenty cases. Each bit more would double that.
BITS: Final = 16

# For those whose browser runs no scripts. Long enough that a program gets nothing out of asking again and again, short
# enough that a person stays.
WAIT: Final = timedelta(seconds=15)

# A person on a slow machine, or one who is called away, is done by then; what is collected for later use is too old.
LASTS: Final = timedelta(minutes=10)

PURPOSE: Final = "challenge"

# 15 digits are exact in every language; no search gets that far.
NUMBER: Final = re.compile(r"[0-9]{1,15}")


def solves(text: str, number: str, bits: int = BITS) -> bool:
    """Whether SHA-256 of ``text:number`` begins with so many zero bits."""
    if not NUMBER.fullmatch(number):
        return False
    digest = hashlib.sha256(f"{text}:{number}".encode()).digest()
    return int.from_bytes(digest, "big") >> (8 * len(digest) - bits) == 0


@attrs.frozen
class ProofOfWork(Challenges):
    """The challenge is the signed moment of its making, bound to its subject; whatever key the ring has, may read it.

    Args:
        clock: the wall clock; servers' may differ by seconds.
    """

    keys: KeyRing
    clock: Clock

    def make(self, subject: Subject) -> Challenge:
        text = stamp(self.keys.newest, PURPOSE, self.clock.now(), subject.octets)
        return Challenge(text, BITS, WAIT, LASTS)

    def check(self, subject: Subject, answer: Answer) -> Challenge | None:
        made = read_stamp(self.keys, PURPOSE, answer.text, subject.octets)
        age = self._since(made) if made else LASTS
        if age >= LASTS:
            return self.make(subject)
        if age >= WAIT or solves(answer.text, answer.number):
            return None
        return Challenge(answer.text, BITS, WAIT - age, LASTS - age)

    def _since(self, made: datetime) -> timedelta:
        return self.clock.now() - made
