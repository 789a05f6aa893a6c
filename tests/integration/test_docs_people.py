"""The how-tos about erasing a person and importing a list, typed as they stand."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import attrs
import orjson
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import APPLICATION
from tests.support.databases import migrated_database
from tests.support.documentation import blocks
from tests.support.machines import url_of
from tests.support.postgres import scratch_directory
from tests.support.services import Installation
from tests.support.shells import Shell
from zero2prod.runtime import Runtime, running
from zero2prod.settings_loading import load
from zero2prod.testing.builders import number, origin, sign_up

# Each block is one to three commands, of a second or two each.
pytestmark = [pytest.mark.timeout(240), pytest.mark.untraced]

Result = TypeVar("Result")

NOBODY_LISTENS = 1


@attrs.frozen
class Machine:
    """A shell with an installation's settings, and the application beside it."""

    shell: Shell

    def ask(self, verb: Callable[[Runtime], Awaitable[Result]]) -> Result:
        async def answer() -> Result:
            async with running(load(None, self.shell.environment)) as runtime:
                return await verb(runtime)

        return asyncio.run(answer())


@pytest.fixture
def machine(postgres_server: EmbeddedPostgres) -> Iterator[Machine]:
    name = f"people_{number()}"
    with scratch_directory() as place, migrated_database(postgres_server, name):
        house = Installation.over(url_of(postgres_server, APPLICATION, name), NOBODY_LISTENS)
        environment = {f"ZERO2PROD_{name}": str(value) for name, value in house.settings.items()}
        yield Machine(Shell.in_checkout(place, {}, environment))


def test_a_person_is_shown_and_erased(machine: Machine) -> None:
    show, erase, again = blocks("erase-a-person", "sh")
    machine.ask(lambda runtime: runtime.application.subscribe(sign_up("ada@example.com", "Ada Lovelace")))
    said = machine.shell.succeeds(show)
    assert "default\twaits for the confirmation\tAda Lovelace" in said
    given = orjson.loads((machine.shell.place / "ada.json").read_bytes())
    assert given["subscriptions"][0]["name"] == "Ada Lovelace"
    assert machine.shell.succeeds(erase) == "Erased ada@example.com from 1 newsletter.\n"
    assert orjson.loads(machine.shell.succeeds(again)) == {"newsletters": 0}


def test_a_list_is_imported(machine: Machine) -> None:
    first, show = blocks("import-suppressions", "sh")
    said = machine.shell.typed(first)
    once, twice = said.stdout.splitlines()
    assert (said.returncode, once) == (0, "Suppressed 2 e-mail addresses.")
    assert orjson.loads(twice)["known"] == 2
    assert said.stderr.startswith("line 3: ")
    assert "no mail" in machine.shell.succeeds(show)


def test_the_audit_log_is_seen(machine: Machine) -> None:
    (look,) = blocks("look-after-a-reader", "sh")
    machine.ask(lambda runtime: runtime.application.people.import_suppressions(origin(), ["ada@example.com"]))
    assert "suppressions_imported" in machine.shell.succeeds(look)
