"""What a visitor does before a sign-up is taken, so that signing up a thousand strangers costs something."""

from datetime import timedelta
from enum import StrEnum

import attrs

from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import Key
from zero2prod_core.domain.newsletters import Slug
from zero2prod_core.domain.suppressions import Digest, digest


class Challenged(StrEnum):
    """Who is asked for it: nobody, whoever seems to be a program, or everybody."""

    OFF = "off"
    SUSPICIOUS = "suspicious"
    ALWAYS = "always"


@attrs.frozen
class Subject:
    """The sign-up that a challenge is for, so that its answer serves no other: no other newsletter, no other victim.

    The e-mail address itself is not needed, so it is not told to whoever makes the challenge.
    """

    newsletter: Slug
    email: Digest

    @classmethod
    def of(cls, key: Key, newsletter: Slug, email: EmailAddress) -> "Subject":
        return cls(newsletter, digest(key, email))

    @property
    def octets(self) -> bytes:
        """One text for each subject: neither a slug nor a key's id holds NUL."""
        return b"\0".join([self.newsletter.text.encode(), self.email.key_id.encode(), self.email.value])


@attrs.frozen
class Challenge:
    """What is asked for.

    Either a number for which the SHA-256 of ``text``, a colon and the number begins with ``bits`` zero bits; or nothing
    but patience: after ``wait`` the text alone is an answer. Both are taken for as long as it ``lasts``, from now.
    """

    text: str
    bits: int
    wait: timedelta
    lasts: timedelta


@attrs.frozen
class Answer:
    """What came back: the challenge's text, and a number or nothing, as they were sent."""

    text: str = ""
    number: str = ""
