import pytest

from zero2prod_core.domain.checklist import Facts, Item, Step, checklist

EVERYTHING = Facts(signed_up=True, mailbox_opened=True, confirmed=True, published=True, arrived=True)


@pytest.mark.parametrize(
    ("fact", "ticked"),
    [
        ("signed_up", {Step.SUBSCRIBE}),
        ("mailbox_opened", {Step.MAILBOX}),
        ("confirmed", {Step.MAILBOX, Step.CONFIRM}),
        ("published", {Step.PUBLISH}),
        ("arrived", {Step.ARRIVE}),
    ],
)
def test_each_fact_ticks_its_step_and_a_confirmation_the_one_before(fact: str, ticked: set[Step]) -> None:
    assert checklist(Facts(**{fact: True}), ()) == [Item(step, step in ticked) for step in Step]


@pytest.mark.parametrize("dismissed", Step)
def test_what_is_dismissed_is_left_out_done_or_not(dismissed: Step) -> None:
    left = [step for step in Step if step is not dismissed]
    assert checklist(EVERYTHING, {dismissed}) == [Item(step, done=True) for step in left]
    assert checklist(Facts(), {dismissed}) == [Item(step, done=False) for step in left]


def test_of_everything_dismissed_nothing_is_left() -> None:
    assert checklist(EVERYTHING, frozenset(Step)) == []
