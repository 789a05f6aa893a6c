"""What a person types to find subscribers, made ready to be compared with what stores keep."""

import re

import attrs

from zero2prod_core.domain.domain_names import DomainName
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.folding import fold
from zero2prod_core.domain.subscribers import Status
from zero2prod_core.errors import FieldInvalid, Refusal

LONGEST_SEARCH = 256
"""Characters: more than any e-mail address has, and as many as are seen of a name."""

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Nothing that is stored holds them, and a NUL or a lone surrogate cannot even be asked for."""


@attrs.frozen
class Wanted:
    """Which subscribers of a newsletter a page of them shows; whatever is empty or None does not matter.

    ``prefix`` begins the e-mail address's key or the name's; ``domain`` is a whole one, in lower-case ASCII. At most
    one of the two is given.
    """

    prefix: str = ""
    domain: str = ""
    status: Status | None = None
    tag: str = ""

    @classmethod
    def parse(cls, search: str = "", status: str | None = None, tag: str = "") -> "Wanted":
        """Read what was typed: the beginning of an e-mail address or of a name, or ``@`` and a domain.

        Raises:
            FieldInvalid: ``search`` or ``tag`` cannot be part of anything stored; there is no such status.
        """
        typed = _line(search, "search")
        domain = _domain(typed[1:]) if typed.startswith("@") else ""
        prefix = "" if domain else _prefix(typed)
        return cls(prefix, domain, _status(status), _line(tag, "tag"))


def _line(raw: str, field: str) -> str:
    text = raw.strip()
    if UNPRINTABLE.search(text):
        raise FieldInvalid(field, "must be one line without control characters")
    if len(text) > LONGEST_SEARCH:
        raise FieldInvalid(field, f"must have at most {LONGEST_SEARCH} characters", "Use a shorter one")
    return text


def _status(raw: str | None) -> Status | None:
    if not raw:
        return None
    if raw not in list(Status):
        raise FieldInvalid("status", f"must be one of {', '.join(Status)}", "Choose one of them")
    return Status(raw)


def _prefix(typed: str) -> str:
    """As a key has it; a whole e-mail address may have its domain in either form."""
    try:
        return EmailAddress.parse(typed).key
    except Refusal:
        return fold(typed)


def _domain(typed: str) -> str:
    """In the form that is stored; what cannot be a domain is nobody's."""
    try:
        return DomainName.parse(typed).ascii
    except Refusal:
        return typed.lower()
