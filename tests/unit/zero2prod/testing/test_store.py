"""All contracts together make the whole suite."""

import inspect
from collections import Counter
from pathlib import Path

from zero2prod import testing
from zero2prod.testing import Backend, Contract, StoreContract

PUBLIC = {name: getattr(testing, name) for name in testing.__all__}
CONTRACTS = [part for part in PUBLIC.values() if part not in (Backend, Contract, StoreContract)]


def written_in(contract: type) -> list[str]:
    """Those that are written in the class itself."""
    return [name for name in vars(contract) if name.startswith("test_")]


def test_the_whole_suite_inherits_every_contract() -> None:
    assert all(issubclass(StoreContract, contract) for contract in CONTRACTS)


def test_every_part_of_the_suite_is_public() -> None:
    parts = {part for part in StoreContract.__mro__ if written_in(part)}
    assert parts <= {inherited for contract in CONTRACTS for inherited in contract.__mro__}


def test_no_two_tests_have_one_name() -> None:
    counted = Counter(name for part in StoreContract.__mro__ for name in written_in(part))
    assert [name for name, count in counted.items() if count > 1] == []
    assert counted


def test_our_own_stores_are_held_to_every_contract() -> None:
    modules = (Path(__file__).parents[3] / "contract").glob("test_*.py")
    text = "".join(module.read_text() for module in modules)
    assert [part.__name__ for part in CONTRACTS if f"(EveryBackend, {part.__name__})" not in text] == []


def test_no_test_is_left_to_a_plugin() -> None:
    names = [name for part in StoreContract.__mro__ for name in written_in(part)]
    assert [name for name in names if inspect.iscoroutinefunction(getattr(StoreContract, name))] == []


def test_every_contract_says_which_port_it_is_of() -> None:
    assert [name for name, part in PUBLIC.items() if not inspect.getdoc(part)] == []
