from itertools import product

import pytest

from zero2prod.testing.builders import letter, new_id
from zero2prod_core.domain.letters import (
    PRIORITIES,
    TRANSITIONS,
    URGENT,
    LetterEvent,
    LetterKind,
    LetterState,
    template_letter,
)
from zero2prod_core.errors import TransitionRefused


@pytest.mark.parametrize(("state", "event"), [*product(LetterState, LetterEvent)])
def test_the_table_decides_and_what_it_does_not_list_is_refused(state: LetterState, event: LetterEvent) -> None:
    before = letter(state=state)
    if (state, event) in TRANSITIONS:
        assert before.on(event).state is TRANSITIONS[state, event]
        return
    with pytest.raises(TransitionRefused, match=f"letter: cannot {event} while {state}"):
        before.on(event)


def test_every_kind_has_a_priority_and_all_but_issues_are_urgent() -> None:
    assert {kind for kind in LetterKind if PRIORITIES[kind] == URGENT} == set(LetterKind) - {LetterKind.ISSUE}
    assert letter().priority > URGENT


def test_a_template_letter_has_one_id_for_each_newsletter_and_kind() -> None:
    one, other = new_id(), new_id()
    ids = {template_letter(newsletter, kind).id for newsletter in (one, other) for kind in LetterKind}
    assert len(ids) == 2 * len(LetterKind)
    assert template_letter(one, LetterKind.NOTICE) == template_letter(one, LetterKind.NOTICE)


def test_a_template_letters_words_come_from_its_package() -> None:
    made = template_letter(new_id(), LetterKind.CONFIRMATION)
    assert (made.subject, made.text, made.html, made.dated_at) == (None, None, None, None)
    assert made.state is LetterState.OPEN
