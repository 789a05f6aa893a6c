"""The first five minutes of a newcomer, as a list that ticks itself from what has happened."""

from collections.abc import Collection, Sequence
from enum import StrEnum

import attrs


class Step(StrEnum):
    """In the order in which a person takes them."""

    SUBSCRIBE = "subscribe"
    MAILBOX = "mailbox"
    CONFIRM = "confirm"
    PUBLISH = "publish"
    ARRIVE = "arrive"


@attrs.frozen
class Facts:
    """What has happened, whoever did it. ``arrived``: the relay took an issue's mail for somebody."""

    signed_up: bool = False
    mailbox_opened: bool = False
    confirmed: bool = False
    published: bool = False
    arrived: bool = False


@attrs.frozen
class Item:
    """One line of the checklist."""

    step: Step
    done: bool


def checklist(facts: Facts, dismissed: Collection[Step]) -> Sequence[Item]:
    """Every step but the dismissed ones; whoever has confirmed has opened the mailbox, though nobody saw it."""
    done = {
        Step.SUBSCRIBE: facts.signed_up,
        Step.MAILBOX: facts.mailbox_opened or facts.confirmed,
        Step.CONFIRM: facts.confirmed,
        Step.PUBLISH: facts.published,
        Step.ARRIVE: facts.arrived,
    }
    return [Item(step, done[step]) for step in Step if step not in dismissed]
