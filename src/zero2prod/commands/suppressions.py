"""``zero2prod suppressions``: e-mail addresses that are not to be mailed."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from zero2prod.commands.terminal import REFUSED, fail, json_option, run_with, show, terminal
from zero2prod_core.errors import FieldInvalid
from zero2prod_core.usecases.suppression_lists import Imported, InvalidLine

STDIN = Path("-")

REMEDY = "Write one e-mail address in each line, and nothing else; of a table take that one column"
"""Nearly every odd line is a heading, a name in front or a whole row."""

MOST_SHOWN = 100
"""Invalid lines told one by one: more than that are not mended by hand. The JSON has all of them."""


@click.group()
def suppressions() -> None:
    """E-mail addresses that are not to be mailed."""


@suppressions.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@json_option
def import_(file: Path, as_json: bool) -> None:
    """Never mail the e-mail addresses in FILE again: one in each line, in UTF-8; - reads standard input.

    Only keyed hashes are stored. They hold for every newsletter, for sign-ups and for later imports. Lines that are no
    e-mail address are listed by their numbers, and the others imported all the same; the exit status is 1 where there
    are no others. Running it again does no harm.
    """
    lines, origin = _lines(file), terminal()
    with _bar(len(lines)) as progress:
        imported = run_with(lambda runtime: runtime.application.people.import_suppressions(origin, lines, progress))
    show(_told(imported), [_sentence(imported)], as_json=as_json)
    _list(imported.invalid)
    if not (imported.added or imported.known):
        fail(f"file: no line is an e-mail address. {REMEDY}.", REFUSED)


def _lines(file: Path) -> Sequence[str]:
    """All of them before the import begins, so that a file that cannot be read to its end is not begun."""
    lines = _read(file).splitlines()
    if not any(line.strip() for line in lines):
        raise FieldInvalid("file", "is empty", REMEDY)
    return lines


def _read(file: Path) -> str:
    try:
        return (sys.stdin.buffer.read() if file == STDIN else file.read_bytes()).decode("utf-8-sig")
    except OSError as error:
        raise FieldInvalid("file", f"{file} cannot be read ({error.strerror})", "Give a file that exists") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise FieldInvalid("file", f"line {line} is not in UTF-8", "Save it as UTF-8") from None


@contextmanager
def _bar(length: int) -> Iterator[Callable[[int], object]]:
    """A bar on stderr, where a person watches."""
    with click.progressbar(length=length, label="Importing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        yield bar.update


def _told(imported: Imported) -> dict[str, object]:
    invalid = [{"line": each.number, "rule": each.rule, "remedy": REMEDY} for each in imported.invalid]
    return {"added": imported.added, "known": imported.known, "invalid": invalid}


def _sentence(imported: Imported) -> str:
    known = f"; {imported.known} {'was' if imported.known == 1 else 'were'} known before" if imported.known else ""
    return f"Suppressed {imported.added} e-mail {'address' if imported.added == 1 else 'addresses'}{known}."


def _list(invalid: Sequence[InvalidLine]) -> None:
    for each in invalid[:MOST_SHOWN]:
        click.echo(f"line {each.number}: is no e-mail address ({each.rule})", err=True)
    if len(invalid) > MOST_SHOWN:
        click.echo(f"and {len(invalid) - MOST_SHOWN} more; --json lists all", err=True)
    if invalid:
        click.echo(f"{REMEDY}.", err=True)
