import attrs
import pytest

from zero2prod.testing.builders import email, new_id, newsletter
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.fields import Field, FieldType, Tag
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Slug
from zero2prod_core.errors import NewsletterTaken

TEMPLATES = [template_letter(DEFAULT_NEWSLETTER.id, kind) for kind in LetterKind if kind is not LetterKind.ISSUE]

ASKED = (
    Field("city", "Wo wohnst du?"),
    Field("size", "Größe", FieldType.CHOICE, True, ("S", "M, L", "XL")),
    Field("born", "Birthday", FieldType.DATE),
)
TAGS = (Tag("music", "Music & more"), Tag("art", "Art"))


class NewslettersContract(Contract):
    """Newsletters: `zero2prod_core.ports.newsletters.NewsletterRepository`."""

    async def test_the_default_newsletter_is_there_from_the_start(self) -> None:
        async with self.uow.reading() as tx:
            assert await tx.newsletters.list() == [DEFAULT_NEWSLETTER]
            assert await tx.newsletters.find([DEFAULT_NEWSLETTER.slug]) == {DEFAULT_NEWSLETTER.slug: DEFAULT_NEWSLETTER}

    async def test_the_default_newsletters_template_letters_are_there_too(self) -> None:
        async with self.uow.reading() as tx:
            assert await tx.letters.get_batch({letter.id for letter in TEMPLATES}) == {
                letter.id: letter for letter in TEMPLATES
            }

    async def test_a_newsletter_comes_back_as_it_was_added(self) -> None:
        sender, reply_to = email("müller@bücher.example.com"), email("Reply@Example.com")
        full = newsletter(
            name="Grüße ☕",
            sender=sender,
            reply_to=reply_to,
            postal_address="1 Main St\nSpringfield",
            fields=ASKED,
            tags=TAGS,
        )
        bare = newsletter()
        async with self.uow() as tx:
            await tx.newsletters.add(full)
            await tx.newsletters.add(bare)
        async with self.uow.reading() as tx:
            assert await tx.newsletters.get_batch([full.id, bare.id]) == {full.id: full, bare.id: bare}

    async def test_only_newsletters_that_exist_are_found(self) -> None:
        known = newsletter()
        async with self.uow() as tx:
            await tx.newsletters.add(known)
            assert await tx.newsletters.find([known.slug, Slug("unknown")]) == {known.slug: known}
            assert await tx.newsletters.find([]) == {}
            assert await tx.newsletters.get_batch([known.id, new_id()]) == {known.id: known}
            assert await tx.newsletters.get_batch([]) == {}

    async def test_newsletters_are_listed_by_slug(self) -> None:
        async with self.uow() as tx:
            for slug in ("zebra", "a-b", "a1", "a"):
                await tx.newsletters.add(newsletter(slug=Slug(slug)))
            listed = [found.slug.text for found in await tx.newsletters.list()]
        assert listed == ["a", "a-b", "a1", "default", "zebra"]

    async def test_a_slug_that_exists_is_refused(self) -> None:
        first, second = newsletter(slug=Slug("news")), newsletter(slug=Slug("news"))
        async with self.uow() as tx:
            await tx.newsletters.add(first)
        with pytest.raises(NewsletterTaken, match="news is taken"):
            async with self.uow() as tx:
                await tx.newsletters.add(second)
        async with self.uow.reading() as tx:
            assert await tx.newsletters.find([Slug("news")]) == {first.slug: first}

    async def test_saving_a_newsletter_writes_all_but_id_and_slug(self) -> None:
        known, other = newsletter(postal_address="1 Main St"), newsletter()
        async with self.uow() as tx:
            await tx.newsletters.add(known)
            await tx.newsletters.add(other)
        changed = attrs.evolve(
            known, name="Renamed", sender=email(), reply_to=email(), postal_address=None, fields=ASKED, tags=TAGS
        )
        async with self.uow() as tx:
            assert await tx.newsletters.find([known.slug, other.slug], lock=True) == {
                known.slug: known,
                other.slug: other,
            }
            await tx.newsletters.save(attrs.evolve(changed, slug=Slug("another-slug")))
        async with self.uow.reading() as tx:
            assert await tx.newsletters.get_batch([known.id, other.id]) == {known.id: changed, other.id: other}
