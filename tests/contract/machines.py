"""State machines over a backend. Hypothesis has no rules that can be awaited: each machine has a runner of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, TypeVar, cast

from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.contract.backends import Subject
from tests.support.builders import numbers_anew

T = TypeVar("T")


class StoreMachine(RuleBasedStateMachine):
    """``uow`` is a new and empty store."""

    def __init__(self, subject: Subject) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.stack.enter_context(numbers_anew())
        self.uow = self.run(self.stack.enter_async_context(subject.open())).uow

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def finish(self) -> None:
        """What must come true in the end, whatever has happened."""

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self.run(self.stack.aclose())
            self.runner.close()


def hold(machine: Callable[[Subject], StoreMachine], subject: Subject, steps: int) -> None:
    """Look for a way of at most ``steps`` to make the machine fail.

    The gate tells the way as it was found; making it short takes minutes, which only a search has.
    """
    usual = settings.default
    assert usual
    examples = max(1, int(usual.max_examples * subject.share))
    phases = [phase for phase in usual.phases if phase is not Phase.shrink or not usual.derandomize]
    chosen = settings(max_examples=examples, stateful_step_count=steps, phases=phases)
    # Any call that makes a machine will do, though its signature asks for a class.
    factory = cast(type[StoreMachine], partial(machine, subject))
    run_state_machine_as_test(factory, settings=chosen)
