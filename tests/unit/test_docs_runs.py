"""Which test runs a block of shell commands, or why none can: every block of every page has a line here."""

import ast
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import pytest

from tests.support.documentation import ROOT, examples, relative

SETUP = "tests/integration/test_docs_setup.py"
MAIL = "tests/integration/test_docs_mail.py"
STEERING = "tests/integration/test_docs_steering.py"
UPKEEP = "tests/integration/test_docs_upkeep.py"
DEPLOY = "tests/integration/test_docs_deploy.py"

FIRST_START = "not by pytest: tests/first_start.py types it in a fresh clone, and .ci/run what follows"
UVICORN = "not run: uvicorn is none of our dependencies; the program is run without it, by the next block's test"
INSTALLS = "not run: it asks a package index; tests/integration/test_wheel.py installs the wheel offline"

OWN_DATABASE = f"{SETUP}::test_a_database_of_ones_own_serves_and_delivers"
DOCTOR = f"{SETUP}::test_the_doctor_speaks_to_people_and_to_programs"
MACHINE = f"{SETUP}::test_services_of_a_machine"
RELAY = f"{MAIL}::test_mail_leaves_over_a_relay"
POSTMARK = f"{MAIL}::test_mail_leaves_over_postmark"
DKIM = f"{MAIL}::test_mails_are_signed_and_the_doctor_tells_the_records"
STEERED = f"{STEERING}::test_an_issue_is_watched_held_and_decided"
CANCELLED = f"{STEERING}::test_an_issue_is_stopped_for_good"
SLOWER = f"{STEERING}::test_rates_are_taken"
BACKUP = f"{UPKEEP}::test_a_database_of_ones_own_is_backed_up_and_restored"
OWN_BACKUP = f"{UPKEEP}::test_the_database_that_up_brings_is_backed_up_and_restored"
UPGRADE = f"{UPKEEP}::test_an_upgrade_brings_an_older_schema_up_to_date"
EXAMPLES = "tests/integration/test_examples.py::test_an_examples_tests_pass"
STARLETTE = "tests/integration/test_examples_starlette.py::test_the_page_starts_it_and_signs_up"
LIVE = f"{SETUP}::test_a_server_goes_live_with_the_files_of_one_place"
ASKING = "tests/integration/test_docs_fields.py::test_readers_are_asked_and_answered"
ERASED = "tests/integration/test_docs_people.py::test_a_person_is_shown_and_erased"
UNWANTED = "tests/integration/test_docs_people.py::test_a_list_is_imported"
SEEN = "tests/integration/test_docs_people.py::test_the_audit_log_is_seen"
LIMITED = "tests/integration/test_docs_limits.py::test_a_visitor_who_is_refused_learns_of_the_limit"
KEYS = f"{UPKEEP}::test_keys_are_rotated"

RUNS: Mapping[str, Sequence[str]] = {
    "CONTRIBUTING.md": [FIRST_START],
    "README.md": [FIRST_START],
    "docs/how-to/ask-readers-more.md": [ASKING] * 3,
    "docs/how-to/back-up-and-restore.md": [*[BACKUP] * 3, *[OWN_BACKUP] * 4],
    "docs/how-to/check-an-installation.md": [DOCTOR, DOCTOR],
    "docs/how-to/deploy-behind-caddy.md": ["not run: it is for the machine's service manager alone"],
    "docs/how-to/deploy-behind-nginx.md": [f"{DEPLOY}::test_a_site_of_nginx_is_switched_on"],
    "docs/how-to/erase-a-person.md": [ERASED] * 3,
    "docs/how-to/import-suppressions.md": [UNWANTED] * 2,
    "docs/how-to/embed-the-core.md": [INSTALLS, UVICORN, STARLETTE],
    "docs/how-to/go-live-on-one-server.md": [LIVE] * 3,
    "docs/how-to/look-after-a-reader.md": [SEEN],
    "docs/how-to/rotate-keys.md": [KEYS] * 3,
    "docs/how-to/run-under-systemd.md": [INSTALLS, MACHINE, MACHINE, MACHINE],
    "docs/how-to/run-with-your-own-postgresql.md": [OWN_DATABASE] * 8,
    "docs/how-to/send-through-an-smtp-relay.md": [
        RELAY,
        RELAY,
        f"{MAIL}::test_under_up_it_takes_the_place_of_the_mailbox",
        RELAY,
        RELAY,
        f"{MAIL}::test_an_issue_that_was_paused_is_resumed",
    ],
    "docs/how-to/send-through-postmark.md": [POSTMARK] * 3,
    "docs/how-to/sign-with-dkim.md": [DKIM] * 4,
    "docs/how-to/steer-an-issue.md": [*[STEERED] * 5, CANCELLED, SLOWER],
    "docs/how-to/test-your-own-adapter.md": [INSTALLS, EXAMPLES],
    "docs/how-to/tune-limits.md": [LIMITED],
    "docs/how-to/upgrade.md": [
        *[UPGRADE] * 4,
        "not run: a pull, and a later start as in tests/first_start.py",
    ],
    "docs/how-to/write-property-tests.md": [INSTALLS],
    "docs/tutorials/first-issue.md": [FIRST_START],
}
"""Page → for each of its blocks, in order, the test or the reason."""

BLOCKS = {page: list(found) for page, found in groupby(examples("sh", "console"), lambda each: relative(each.page))}

TESTS = sorted({run for runs in RUNS.values() for run in runs if "::" in run})


def test_every_page_with_commands_is_listed() -> None:
    assert sorted(RUNS) == sorted(BLOCKS)


@pytest.mark.parametrize("page", sorted(BLOCKS))
def test_every_block_is_run_or_cannot_be(page: str) -> None:
    assert len(RUNS[page]) == len(BLOCKS[page]), [str(block) for block in BLOCKS[page]]
    assert all(run in TESTS or run.startswith("not ") for run in RUNS[page])


@pytest.mark.parametrize("test", TESTS)
def test_a_test_that_is_named_exists_and_takes_the_pages_blocks(test: str) -> None:
    bodies = functions(test.partition("::")[0])
    body = bodies[test.partition("::")[2]]
    if test != EXAMPLES:
        for page in [page for page, runs in RUNS.items() if test in runs]:
            assert f"blocks('{Path(page).stem}', 'sh')" in body


def functions(file: str) -> Mapping[str, str]:
    """Of a file of tests: name → source, as Python writes it."""
    nodes = ast.parse((ROOT / file).read_text()).body
    return {node.name: ast.unparse(node) for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
