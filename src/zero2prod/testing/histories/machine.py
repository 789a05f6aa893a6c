"""State machines over a backend. Hypothesis has no rules that can be awaited: each machine has a runner of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, TypeVar, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from zero2prod.testing.builders import numbers_anew
from zero2prod.testing.contract import Contract

T = TypeVar("T")


class StoreMachine(RuleBasedStateMachine):
    """``uow`` is a new and empty store of the contract's."""

    def __init__(self, contract: Contract) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.stack.enter_context(numbers_anew())
        contract.backend = self.run(self.stack.enter_async_context(contract.open_backend()))
        self.uow = contract.uow

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


def hold(machine: Callable[[Contract], StoreMachine], contract: Contract, steps: int) -> None:
    """Look for a history of at most ``steps`` that makes the machine fail.

    How hard it looks is the business of Hypothesis's settings, the loaded profile's, and of the contract's ``share``.
    Where they ask for the same examples in each run, as under CI, the history is told as it was found: making it short
    takes minutes, which only a search has. A store may take its time, so no example has a deadline.
    """
    usual = settings.default
    assert usual
    chosen = settings(
        max_examples=max(1, int(usual.max_examples * contract.share)),
        stateful_step_count=steps,
        phases=[phase for phase in usual.phases if phase is not Phase.shrink or not usual.derandomize],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    # Any call that makes a machine will do, though its signature asks for a class.
    factory = cast(type[StoreMachine], partial(machine, contract))
    run_state_machine_as_test(factory, settings=chosen)
