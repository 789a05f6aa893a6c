"""The how-tos about erasing a person and importing a list, typed as they stand."""

from collections.abc import Iterator

import orjson
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.documentation import blocks
from tests.support.machines import Machine, furnished
from zero2prod.testing.builders import origin, sign_up

pytestmark = pytest.mark.untraced


@pytest.fixture
def machine(postgres_server: EmbeddedPostgres) -> Iterator[Machine]:
    with furnished(postgres_server) as machine:
        yield machine


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
