"""Accounts of the staff."""

import re
from collections.abc import Collection
from uuid import UUID

import attrs

from zero2prod_core.domain.checklist import Step
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.suppressions import Digest
from zero2prod_core.errors import FieldInvalid, FieldMissing

LONGEST_USERNAME = 64
"""Characters: it is shown in a heading on a phone."""

USERNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]*[A-Za-z0-9])?")


@attrs.frozen
class Username:
    """1–64 ASCII letters, digits and ``. _ @ + -`` between them; unique without regard to case."""

    text: str

    @property
    def key(self) -> str:
        return self.text.lower()

    @classmethod
    def parse(cls, raw: str, field: str = "username") -> "Username":
        if not raw:
            raise FieldMissing(field)
        if len(raw) > LONGEST_USERNAME or not USERNAME.fullmatch(raw):
            rule = f"must be 1 to {LONGEST_USERNAME} ASCII letters or digits, with . _ @ + - only between them"
            raise FieldInvalid(field, rule)
        return cls(raw)


@attrs.frozen
class Account:
    """A member of staff. Without ``password_hash`` nobody can log in: the set-up link has not been used yet.

    ``digest`` is the e-mail address's, for the look at suppressions before a mail; both are None where there is none.
    ``dismissed`` are the steps that the checklist no longer shows.
    """

    id: UUID
    username: Username
    created_at: Instant
    email: EmailAddress | None = None
    digest: Digest | None = None
    password_hash: str | None = attrs.field(default=None, repr=False)
    dismissed: frozenset[Step] = frozenset()

    def dismissing(self, steps: Collection[Step]) -> "Account":
        """With these steps dismissed as well."""
        return attrs.evolve(self, dismissed=self.dismissed.union(steps))
