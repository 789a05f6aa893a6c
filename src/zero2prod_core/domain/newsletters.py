"""Newsletters: what people subscribe to, and in whose name it is sent."""

import re
from uuid import UUID

import attrs

from zero2prod_core.domain.declarations import parse_fields, parse_tag_lines
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.fields import Field, Tag, check_declared, check_types
from zero2prod_core.domain.lines import parse_line
from zero2prod_core.errors import FieldInvalid, FieldMissing

LONGEST_SLUG = 63
"""Characters: a slug stands in links and in List-Id, where a DNS label's length is the bound (RFC 2919 §2)."""

LONGEST_NAME = 200
"""Characters: it is shown in a From field beside an e-mail address, and mail programs cut it much earlier."""

LONGEST_POSTAL_ADDRESS = 500
"""Characters, line breaks counted: ten lines of a long envelope; it stands in every mail."""

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@attrs.frozen
class Slug:
    """A newsletter's name in links: lower-case ASCII letters, digits and single hyphens."""

    text: str

    @classmethod
    def parse(cls, raw: str, field: str = "newsletter") -> "Slug":
        if not raw:
            raise FieldMissing(field)
        if len(raw) > LONGEST_SLUG or not SLUG.fullmatch(raw):
            raise FieldInvalid(
                field,
                f"must be a slug of a-z, 0-9 and single hyphens, at most {LONGEST_SLUG} characters",
                "Write it like my-news",
            )
        return cls(raw)


def _parse_mailbox(raw: str, field: str) -> EmailAddress | None:
    return EmailAddress.parse(raw, field) if raw else None


def _parse_postal_address(raw: str, field: str = "postal_address") -> str | None:
    lines = [parse_line(line, field, LONGEST_POSTAL_ADDRESS) for line in raw.splitlines() if line.strip()]
    text = "\n".join(lines)
    if len(text) > LONGEST_POSTAL_ADDRESS:
        raise FieldInvalid(field, f"must have at most {LONGEST_POSTAL_ADDRESS} characters")
    return text or None


@attrs.frozen
class Newsletter:
    """What a subscriber signs up for.

    ``sender`` and ``reply_to`` override the service's own sender; ``postal_address`` is what the law of
    some countries asks for in every issue (CAN-SPAM, 15 U.S.C. 7704(a)(5)). ``fields`` and ``tags`` are what its
    readers are asked for.
    """

    id: UUID
    slug: Slug
    name: str
    sender: EmailAddress | None = None
    reply_to: EmailAddress | None = None
    postal_address: str | None = None
    fields: tuple[Field, ...] = ()
    tags: tuple[Tag, ...] = ()

    @classmethod
    def parse(
        cls, id_: UUID, slug: str, name: str, sender: str = "", reply_to: str = "", postal_address: str = ""
    ) -> "Newsletter":
        """Build one from typed text; empty optional texts mean "not set"."""
        bare = cls(id_, Slug.parse(slug, "slug"), parse_line(name, "name", LONGEST_NAME))
        return bare.edited(sender=sender, reply_to=reply_to, postal_address=postal_address)

    def edited(
        self,
        *,
        name: str | None = None,
        sender: str | None = None,
        reply_to: str | None = None,
        postal_address: str | None = None,
        fields: str | None = None,
        tags: str | None = None,
    ) -> "Newsletter":
        """With typed text in place of what was there; None leaves it, and an empty optional text clears it.

        ``fields`` and ``tags`` declare one in each line, as `declarations` reads them. A field keeps its type.
        """
        asked = self.asking(
            self.fields if fields is None else parse_fields(fields),
            self.tags if tags is None else parse_tag_lines(tags),
        )
        return attrs.evolve(
            asked,
            name=self.name if name is None else parse_line(name, "name", LONGEST_NAME),
            sender=self.sender if sender is None else _parse_mailbox(sender, "sender"),
            reply_to=self.reply_to if reply_to is None else _parse_mailbox(reply_to, "reply_to"),
            postal_address=self.postal_address if postal_address is None else _parse_postal_address(postal_address),
        )

    def asking(self, fields: tuple[Field, ...], tags: tuple[Tag, ...]) -> "Newsletter":
        """With other declarations. Raises FieldInvalid: too many, one twice, or a field that has another type now."""
        check_declared(fields, tags)
        check_types(self.fields, fields)
        return attrs.evolve(self, fields=fields, tags=tags)


DEFAULT_NEWSLETTER = Newsletter(UUID("00000000-0000-7000-8000-000000000001"), Slug("default"), "Newsletter")
"""Exists in every store from the start; its id is fixed so that every backend and every copy agree on it."""
