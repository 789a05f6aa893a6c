"""E-mail addresses, as typed and as compared."""

import re
import unicodedata

import attrs

from zero2prod_core.domain.domain_names import SPECIAL_USE, DomainName
from zero2prod_core.domain.folding import fold
from zero2prod_core.errors import FieldInvalid, FieldMissing

LONGEST = 254
"""Octets: a path of RFC 5321 §4.5.3.1.3 without its angle brackets."""

LONGEST_LOCAL_PART = 64
"""Octets (RFC 5321 §4.5.3.1.1), in UTF-8 (RFC 6531 §3.3)."""

ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
"""What an atom is made of (RFC 5322 §3.2.3), as the inside of a character class."""

LOCAL_PART = re.compile(rf"[{ATEXT}\x80-\U0010ffff]+(?:\.[{ATEXT}\x80-\U0010ffff]+)*")
"""A dot-atom, extended by RFC 6531 §3.3; no quoted strings, no comments."""

ENCODED_WORD = re.compile(r"=\?[^?]*\?[BbQq]\?[^?]*\?=")
"""In a header a mail program would show another e-mail address in its place (RFC 2047 §2)."""

_LABEL = r"(?!..--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
PLAIN = re.compile(
    rf"(?=[^@]{{1,{LONGEST_LOCAL_PART}}}@)[{ATEXT}]+(?:\.[{ATEXT}]+)*@(?:{_LABEL}\.)+(?=[A-Za-z0-9-]*[A-Za-z]\Z){_LABEL}"
)
"""Nearly every e-mail address there is; whatever it does not match is read part by part."""

EXAMPLE = "Write it as name@example.com"


@attrs.frozen
class EmailAddress:
    """One mailbox.

    ``text`` is as typed, without spaces around it, in NFC (RFC 6532 §3.1). ``key`` is what makes it unique: the local
    part case-folded, the domain in its lower-case ASCII form. Mail goes to ``wire``.
    """

    text: str
    key: str

    @classmethod
    def parse(cls, raw: str, field: str = "email") -> "EmailAddress":
        """Read an e-mail address without asking the DNS.

        Special-use names where mail cannot exist are refused (``domain_names.SPECIAL_USE``); ``example.com`` and names
        under ``.test`` are taken, because people try their own service with them.

        Raises:
            FieldMissing: there is nothing but white space.
            FieldInvalid: the rule that is broken; the value itself is not repeated.
        """
        typed = raw.strip(" ")
        if not typed.strip():
            raise FieldMissing(field)
        return cls._plain(typed) or cls._read(typed, field)

    @classmethod
    def _plain(cls, typed: str) -> "EmailAddress | None":
        """The common case, at a tenth of the price."""
        if len(typed) > LONGEST or "=?" in typed or not PLAIN.fullmatch(typed):
            return None
        key = typed.lower()
        return None if key.rpartition(".")[2] in SPECIAL_USE else cls(typed, key)

    @classmethod
    def _read(cls, typed: str, field: str) -> "EmailAddress":
        _check_length(typed, field)
        local, _, domain = typed.partition("@")
        if not (local and domain) or "@" in domain:
            raise FieldInvalid(field, "must have a local part, one @ and a domain", EXAMPLE)
        normal = unicodedata.normalize("NFC", local)
        for form in (local, normal):
            _check_local_part(form, field)
        name = DomainName.parse(domain, field)
        text = f"{normal}@{unicodedata.normalize('NFC', domain)}"
        for form in (typed, text, f"{normal}@{name.ascii}", f"{normal}@{name.unicode}"):
            _check_length(form, field)
        return cls(text, f"{fold(normal)}@{name.ascii}")

    @property
    def domain(self) -> str:
        """In lower-case ASCII, with A-labels: what is looked up, limited and counted by."""
        return self.key.rpartition("@")[2]

    @property
    def wire(self) -> str:
        """The form for SMTP: the local part as typed, the domain in ASCII."""
        return f"{self.text.partition('@')[0]}@{self.domain}"

    @property
    def is_ascii_local(self) -> bool:
        """Whether any mail server can take it; otherwise only one that offers SMTPUTF8 (RFC 6531)."""
        return self.text.partition("@")[0].isascii()


def _check_length(text: str, field: str) -> None:
    if len(text) > LONGEST or len(text.encode("utf-8", "surrogatepass")) > LONGEST:
        raise FieldInvalid(field, f"must have at most {LONGEST} bytes", "Use a shorter one")


def _check_local_part(local: str, field: str) -> None:
    if not LOCAL_PART.fullmatch(local):
        rule = "must have letters, digits and !#$%&'*+/=?^_`{|}~- before its @, in parts joined by single dots"
        raise FieldInvalid(field, rule, EXAMPLE)
    if ENCODED_WORD.search(local):
        raise FieldInvalid(field, "must not look like an encoded word (RFC 2047) before its @", EXAMPLE)
    if any(unicodedata.category(character)[0] in "CZ" for character in local):
        raise FieldInvalid(field, "must have no control, invisible, unassigned or space characters before its @")
    if unicodedata.category(local[0])[0] == "M":
        raise FieldInvalid(field, "must not start with a combining mark")
    if len(local.encode()) > LONGEST_LOCAL_PART:
        raise FieldInvalid(field, f"must have at most {LONGEST_LOCAL_PART} bytes before its @", "Use a shorter one")
