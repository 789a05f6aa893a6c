import attrs

from zero2prod.testing.builders import email, letter, new_id, newsletter
from zero2prod.testing.contract import Contract
from zero2prod_core.domain.letters import Imprint, Letter, LetterKind, LetterState, UncertainPolicy, template_letter
from zero2prod_core.ports.store import UnitOfWork


async def add(uow: UnitOfWork, *letters: Letter) -> None:
    async with uow() as tx:
        for each in letters:
            await tx.letters.add(each)


async def stored(uow: UnitOfWork, wanted: Letter) -> Letter | None:
    async with uow.reading() as tx:
        return (await tx.letters.get_batch([wanted.id])).get(wanted.id)


class LettersContract(Contract):
    """Letters: `zero2prod_core.ports.letters.LetterRepository`."""

    async def test_a_letter_comes_back_as_it_was_added(self) -> None:
        full = letter(subject="Grüße ☕", text=".\r\n..\n" + "x" * 5000, uncertain=UncertainPolicy.HOLD, issue=new_id())
        marked = letter(html=None, markdown="# Grüße ☕\n\n*Some* words.\n")
        plain = letter(html=None, dated_at=None, state=LetterState.PAUSED, pause_reason="550 5.7.1 no")
        await add(self.uow, full, marked, plain)
        assert [await stored(self.uow, each) for each in (full, marked, plain)] == [full, marked, plain]

    async def test_an_imprint_comes_back_and_can_be_exchanged(self) -> None:
        sender, reply_to = email("Müller@bücher.example.com"), email("Reply@Example.com")
        full = letter(imprint=Imprint("Grüße ☕", sender, reply_to, "1 Main St\nSpringfield", "example.org"))
        bare = letter(imprint=Imprint("News", sender, None, None, "example.org"))
        await add(self.uow, full, bare)
        assert [await stored(self.uow, each) for each in (full, bare)] == [full, bare]
        exchanged = attrs.evolve(full, imprint=bare.imprint)
        async with self.uow() as tx:
            await tx.letters.save(exchanged)
        assert [await stored(self.uow, each) for each in (full, bare)] == [exchanged, bare]

    async def test_a_template_letter_has_no_words(self) -> None:
        home = newsletter()
        template = template_letter(home.id, LetterKind.INVITATION)
        async with self.uow() as tx:
            await tx.newsletters.add(home)
            await tx.letters.add(template)
        assert await stored(self.uow, template) == template

    async def test_a_template_letter_is_made_sure_of_without_a_change(self) -> None:
        home = newsletter()
        template = template_letter(home.id, LetterKind.PREFERENCES)
        async with self.uow() as tx:
            await tx.newsletters.add(home)
            await tx.letters.ensure(template)
        assert await stored(self.uow, template) == template
        paused = attrs.evolve(template, state=LetterState.PAUSED)
        async with self.uow() as tx:
            await tx.letters.save(paused)
            await tx.letters.ensure(template)
        assert await stored(self.uow, template) == paused

    async def test_only_letters_that_exist_are_found(self) -> None:
        known = letter()
        await add(self.uow, known)
        async with self.uow.reading() as tx:
            assert await tx.letters.get_batch([known.id, new_id()]) == {known.id: known}
            assert await tx.letters.get_batch([]) == {}

    async def test_letters_that_are_held_come_as_they_are(self) -> None:
        first, second = letter(), letter(markdown="*Some* words.", html=None, text=None)
        await add(self.uow, first, second)
        async with self.uow() as tx:
            found = await tx.letters.get_batch([second.id, first.id, new_id()], lock=True)
            assert found == {first.id: first, second.id: second}
            await tx.letters.save(attrs.evolve(first, state=LetterState.CLOSED))
        assert await stored(self.uow, first) == attrs.evolve(first, state=LetterState.CLOSED)

    async def test_saving_a_letter_writes_state_and_pause_reason(self) -> None:
        known, other = letter(), letter()
        await add(self.uow, known, other)
        paused = attrs.evolve(known, state=LetterState.PAUSED, pause_reason="550 5.7.1 no")
        async with self.uow() as tx:
            await tx.letters.save(paused)
        assert await stored(self.uow, known) == paused
        async with self.uow() as tx:
            await tx.letters.save(known)
        assert [await stored(self.uow, each) for each in (known, other)] == [known, other]

    async def test_what_a_letter_says_never_changes(self) -> None:
        known = letter()
        await add(self.uow, known)
        other_words = attrs.evolve(
            known,
            subject="Other",
            text="words",
            html=None,
            markdown="words",
            dated_at=None,
            state=LetterState.CLOSED,
        )
        async with self.uow() as tx:
            await tx.letters.save(other_words)
        assert await stored(self.uow, known) == attrs.evolve(known, state=LetterState.CLOSED)
