"""A person's data and their erasure, and lists of whom not to mail, from a terminal."""

from datetime import timedelta
from pathlib import Path

import attrs
import pytest

from tests.support.core import ADA
from tests.support.terminal import Terminal, wait
from zero2prod.commands.suppressions import MOST_SHOWN, REMEDY
from zero2prod.testing.builders import later, origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.origins import ActorKind

SHAPE = "must have a local part, one @ and a domain"


def test_a_person_is_shown_with_newsletters_and_history(typist: Terminal) -> None:
    reader, edit = wait(typist.core.confirmed()), typist.core.application.edit_newsletter
    wait(edit(origin(), "default", fields='city: text "Your city"', tags='vip: "Guests"'))
    kept = attrs.evolve(reader, fields={"city": "Bern", "shoe": "42"}, tags=("vip", "old"), paused_until=later(60))
    wait(typist.core.save(kept))
    wait(typist.core.application.people.suppress(origin(), reader.id, "She wrote a letter."))
    done = typist.type("subscribers", "show", ADA.upper())
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[:3] == [ADA, "default\tconfirmed\tAda", "\tpaused until\t2026-01-05 12:01:00"]
    assert "\tYour city\tBern" in lines
    assert "\ttags\tGuests" in lines
    assert "\tnote\tShe wrote a letter." in lines
    assert any("Confirmed the sign-up" in line and "\tdefault\t" in line for line in lines)
    assert "\tNetwork address\t192.0.2.1" in lines
    assert "no mail\t2026-01-05 12:00:00\tA member of the staff keeps mail away. Only you can lift it." in lines
    assert "\tto lift it\tsearch for the whole e-mail address at http://127.0.0.1:8000/admin/subscribers" in lines


def test_what_is_not_kept_of_a_person_is_told(typist: Terminal) -> None:
    wait(typist.core.confirmed())
    typist.core.clock.forward(timedelta(days=31))
    shown = typist.type("subscribers", "show", ADA)
    assert "Mails that were done with before 2026-01-06 are not kept one by one" in shown.out


def test_a_person_is_told_to_programs_and_the_look_is_on_record(typist: Terminal) -> None:
    wait(typist.core.confirmed())
    told = typist.type("subscribers", "show", ADA, "--json").told
    assert told["email"] == ADA
    assert [each["newsletter"] for each in told["subscriptions"]] == ["default"]
    assert [fact["what"] for fact in told["history"] if fact["kind"] == "consent"] == ["requested", "confirmed"]
    event = wait(typist.core.audit())[-1]
    assert (event.action, event.origin.actor.kind) == (Action.SENSITIVE_READ, ActorKind.TERMINAL)


@pytest.mark.parametrize("command", [("show",), ("erase", "--yes")])
def test_nobody_is_refused(typist: Terminal, command: tuple[str, ...]) -> None:
    assert typist.refused("subscribers", *command, ADA).startswith("subscriber: nobody of this")
    assert typist.refused("subscribers", *command, "ada").startswith(f"email: {SHAPE}")


def test_a_person_is_erased_once_it_is_sure(typist: Terminal) -> None:
    wait(typist.core.confirmed())
    refused = typist.type("subscribers", "erase", ADA, stdin=b"n\n")
    assert (refused.status, refused.out) == (0, "")
    assert refused.err.endswith("Nothing was erased.\n")
    assert wait(typist.core.subscriber()).email.text == ADA
    done = typist.type("subscribers", "erase", ADA, stdin=b"y\n")
    assert (done.status, done.out) == (0, f"Erased {ADA} from 1 newsletter.\n")
    again = typist.type("subscribers", "erase", ADA, "--yes")
    assert again.out == f"{ADA} is erased; no newsletter had it.\n"
    assert typist.type("subscribers", "show", ADA).out.startswith(f"{ADA}\nno mail\t")


def test_an_erasure_is_told_to_programs(typist: Terminal) -> None:
    wait(typist.core.confirmed())
    assert typist.type("subscribers", "erase", ADA, "--yes", "--json").told == {"newsletters": 1}
    event = wait(typist.core.audit())[-1]
    assert (event.action, event.origin.actor.kind) == (Action.SUBSCRIBER_ERASED, ActorKind.TERMINAL)


def test_a_question_that_nobody_answers_erases_nothing(typist: Terminal) -> None:
    wait(typist.core.confirmed())
    assert typist.type("subscribers", "erase", ADA).status == 130
    assert wait(typist.core.subscriber()).email.text == ADA


def test_a_list_is_imported_and_its_odd_lines_are_told(typist: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text(f"\ufeff{ADA}\r\nnobody\n\nbob@example.com\n{ADA}\n", encoding="utf-8")
    done = typist.type("suppressions", "import", str(file))
    assert (done.status, done.out) == (0, "Suppressed 2 e-mail addresses.\n")
    assert done.err == f"line 2: is no e-mail address ({SHAPE})\n{REMEDY}.\n"
    file.write_text(f"{ADA}\neve@example.com\n", encoding="utf-8")
    again = typist.type("suppressions", "import", str(file))
    assert (again.out, again.err) == ("Suppressed 1 e-mail address; 1 was known before.\n", "")
    assert typist.type("subscribers", "show", "bob@example.com").status == 0


def test_a_list_comes_from_standard_input_and_its_sums_go_to_programs(typist: Terminal) -> None:
    told = typist.type("suppressions", "import", "-", "--json", stdin=f"{ADA}\nx".encode()).told
    assert told == {"added": 1, "known": 0, "invalid": [{"line": 2, "rule": SHAPE, "remedy": REMEDY}]}
    (event,) = wait(typist.core.audit())
    assert (event.action, event.origin.actor.kind) == (Action.SUPPRESSIONS_IMPORTED, ActorKind.TERMINAL)


def test_of_many_odd_lines_the_first_are_told(typist: Terminal) -> None:
    done = typist.type("suppressions", "import", "-", stdin=b"x\n" * (MOST_SHOWN + 2) + ADA.encode())
    assert (done.status, done.out) == (0, "Suppressed 1 e-mail address.\n")
    assert done.err.splitlines()[MOST_SHOWN:] == ["and 2 more; --json lists all", f"{REMEDY}."]


def test_a_list_of_no_e_mail_address_at_all_fails(typist: Terminal) -> None:
    done = typist.type("suppressions", "import", "-", "--json", stdin=b"Eve <eve@example.com>\n")
    assert (done.status, done.told["added"]) == (1, 0)
    assert "line 1: is no e-mail address (" in done.err
    assert done.err.endswith(f"zero2prod: file: no line is an e-mail address. {REMEDY}.\n")


@pytest.mark.parametrize("stdin", [b"", b"\n \n"])
def test_an_empty_list_is_refused(typist: Terminal, stdin: bytes) -> None:
    assert typist.refused("suppressions", "import", "-", stdin=stdin) == f"file: is empty. {REMEDY}."


def test_a_list_in_another_encoding_is_refused_with_the_line(typist: Terminal) -> None:
    refusal = typist.refused("suppressions", "import", "-", stdin=f"{ADA}\nM\xfcller@example.com\n".encode("latin-1"))
    assert refusal == "file: line 2 is not in UTF-8. Save it as UTF-8."


def test_a_list_that_is_not_there_is_refused(typist: Terminal) -> None:
    refusal = typist.refused("suppressions", "import", "nowhere.txt")
    assert refusal == "file: nowhere.txt cannot be read (No such file or directory). Give a file that exists."
