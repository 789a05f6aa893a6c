"""Every example in the documentation is run or parsed, by its kind. Which test runs a command is in test_docs_runs;
what a screen shows is compared in test_docs_screens.
"""

import io
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from configparser import ConfigParser
from contextlib import redirect_stdout
from pathlib import Path

import click
import pytest

from tests.support.documentation import PAGES, ROOT, Example, examples, examples_of, relative
from zero2prod.cli import cli
from zero2prod.settings import PREFIX, Settings
from zero2prod.settings_loading import load
from zero2prod_core.errors import SettingInvalid

KINDS = {"python", "sh", "console", "text", "json", "toml", "env", "ini"}
"""Checked below."""

SERVED = {("nginx", "docs/how-to/deploy-behind-nginx.md"), ("caddyfile", "docs/how-to/deploy-behind-caddy.md")}
"""Run in tests/integration/test_docs_deploy.py, which knows these pages."""

PASTED = {
    ("html", "docs/how-to/ask-readers-more.md"),
    ("html", "docs/how-to/put-a-form-on-your-site.md"),
    ("js", "docs/how-to/put-a-form-on-your-site.md"),
}
"""Compared in test_docs_forms.py; the script is run in tests/integration/browser/test_other_sites.py."""

SCRAPED = {("yaml", "docs/how-to/watch-with-prometheus.md")}
"""Read in test_metrics_told.py."""

OTHERS = {
    ".",
    "cat",
    "cd",
    "chgrp",
    "chmod",
    "chown",
    "cp",
    "createdb",
    "createuser",
    "curl",
    "dropdb",
    "echo",
    "git",
    "install",
    "ln",
    "ls",
    "mkdir",
    "mv",
    "nginx",
    "openssl",
    "pg_dump",
    "pg_restore",
    "pip",
    "printf",
    "psql",
    "pytest",
    "python3",
    "sed",
    "set",
    "systemctl",
    "umask",
    "useradd",
    "uvicorn",
}
"""Programs that are not ours and may stand in an example."""

PUNCTUATION = "();<>|&\n"

HERE_DOCUMENT = re.compile(r"<<'(\w+)'\n.*?^\1$", re.MULTILINE | re.DOTALL)
"""What a command reads, as it stands."""

SECRETS: Mapping[str, str] = {
    "DATABASE_URL": "postgresql://zero2prod@db.example.org/zero2prod",
    "DATABASE_OWNER_URL": "postgresql://zero2prod_owner@db.example.org/zero2prod",
    "SECRET_KEYS": "0f" * 32,
    "MAIL_SMTP_URL": "smtp://mail.example.org:587?tls=starttls",
    "MAIL_POSTMARK_TOKEN": "d2ca7bf1-2b1f-4d16-8ba8-4c5b3e0d8c11",
}
"""What stands in the files that examples name."""


def test_every_example_is_of_a_kind_that_is_checked() -> None:
    strange = [each for each in examples() if each.language not in KINDS]
    assert [
        str(each) for each in strange if (each.language, relative(each.page)) not in SERVED | PASTED | SCRAPED
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_no_example_escapes_the_checks_by_its_indentation(page: Path) -> None:
    fences = re.findall(r"^\s*(?:```|~~~)", page.read_text(), re.MULTILINE)
    assert len(fences) == 2 * len(list(examples_of(page)))


# Python


@pytest.mark.parametrize("example", examples("python"), ids=str)
def test_a_python_example_runs_and_prints_what_the_page_says(example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    # Programs of the guides import what lies beside them.
    for name in ("own_adapter", "embed_in_starlette"):
        monkeypatch.syspath_prepend(ROOT / "examples" / name)
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(example.code, relative(example.page), "exec"), {"__name__": "__main__"})  # noqa: S102 - our own page
    expected = example.follows.code if example.follows and example.follows.language == "text" else None
    assert expected is None or printed.getvalue() == expected


# Shell


def shell_commands(block: str) -> Iterator[list[str]]:
    """The words of every simple command, without redirections and the variables set before it."""
    typed = HERE_DOCUMENT.sub("", block).replace("\\\n", " ")
    bare = re.sub(r"(^|\s)#.*$", "", typed, flags=re.MULTILINE)
    words = shlex.shlex(bare, posix=True, punctuation_chars=PUNCTUATION)
    words.whitespace, words.whitespace_split, words.commenters = " \t", True, ""
    command: list[str] = []
    redirected = False
    for word in [*words, "\n"]:
        if word and set(word) <= set(PUNCTUATION):
            redirected = bool({"<", ">"} & set(word))
            if not redirected and command:
                yield command
                command = []
        elif redirected:
            redirected = False
        elif command or not re.match(r"\w+=", word):
            command.append(word)


def check_command(words: Sequence[str]) -> None:
    """Raises an AssertionError or a click.UsageError for what could not be typed."""
    program, *arguments = words
    name = Path(program).name
    if program == "runuser":
        check_command(arguments[arguments.index("--") + 1 :])
    elif name == "zero2prod":
        parse(cli, arguments)
    elif program == "make":
        check_make(arguments)
    elif program == "export":
        assert all("=" in argument for argument in arguments)
    else:
        assert (program if program == "." else name) in OTHERS


def parse(command: click.Command, arguments: Sequence[str]) -> None:
    name, rest = "zero2prod", list(arguments)
    while isinstance(command, click.Group):
        name = rest.pop(0)
        command = command.commands[name]
    command.make_context(name, rest, parent=click.Context(cli, **cli.context_settings))


def check_make(arguments: Sequence[str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {argument for argument in arguments if "=" not in argument} <= targets
    for argument in arguments:
        if argument.startswith("ARGS=") and "up" in arguments:
            parse(cli.commands["up"], shlex.split(argument.removeprefix("ARGS=")))


@pytest.mark.parametrize("example", examples("sh", "console"), ids=str)
def test_a_shell_example_names_commands_and_options_that_exist(example: Example) -> None:
    found = list(shell_commands(example.code))
    assert found
    for words in found:
        check_command(words)


@pytest.mark.parametrize(
    "line",
    ["zero2prod fly", "zero2prod up --fast", "make tea", "zero2prdo up", "make up ARGS=--x", "runuser -u a -- x"],
)
def test_what_cannot_be_typed_would_be_noticed(line: str) -> None:
    (words,) = shell_commands(line)
    with pytest.raises((AssertionError, KeyError, click.UsageError)):
        check_command(words)


def test_what_a_command_reads_is_no_command() -> None:
    block = "cat > file <<'END'\nmake tea # now\n  END\nEND\nmake up\n"
    assert list(shell_commands(block)) == [["cat"], ["make", "up"]]


def test_variables_redirections_and_comments_are_no_commands() -> None:
    block = "A=1 make up # now\nnew=$(python3 -c 'x; y') > file\nexport B=2 \\\n  C=3"
    assert list(shell_commands(block)) == [["make", "up"], ["python3", "-c", "x; y"], ["export", "B=2", "C=3"]]


# Settings


def settings_in(code: str) -> dict[str, str]:
    """The settings that a block gives, in a shell or in a file of systemd's."""
    lines = re.findall(rf"^(?:export )?{PREFIX}\w+=.*$", code.replace("\\\n", " "), re.MULTILINE)
    words = [word for line in lines for word in shlex.split(line) if re.match(rf"{PREFIX}\w+=", word)]
    return {name: value for name, _, value in (word.partition("=") for word in words)}


def with_secrets(environment: Mapping[str, str], place: Path) -> dict[str, str]:
    """The files that it names are made in ``place``, with something that is possible in each."""
    made = dict(environment)
    for name in [name for name in environment if name.endswith("_FILE")]:
        file = place / name
        file.write_text(SECRETS[name.removeprefix(PREFIX).removesuffix("_FILE")])
        made[name] = str(file)
    return made


@pytest.mark.parametrize("example", [each for each in examples("sh", "env") if settings_in(each.code)], ids=str)
def test_settings_in_an_example_are_possible(example: Example, tmp_path: Path) -> None:
    given = settings_in(example.code)
    assert isinstance(load(environment=with_secrets(given, tmp_path), file=tmp_path / "none.toml"), Settings)


@pytest.mark.parametrize("example", examples("env"), ids=str)
def test_a_file_of_settings_holds_nothing_else(example: Example) -> None:
    lines = [line for line in example.code.splitlines() if not line.startswith("#")]
    assert len(lines) == len(settings_in(example.code)) > 0


@pytest.mark.parametrize("example", examples("toml"), ids=str)
def test_a_settings_file_in_an_example_is_read(example: Example, tmp_path: Path) -> None:
    file = tmp_path / "zero2prod.toml"
    file.write_text(example.code)
    assert load(environment={}, file=file) != Settings()


def test_impossible_settings_in_an_example_would_be_noticed(tmp_path: Path) -> None:
    given = settings_in("# nothing\nexport ZERO2PROD_HTTP_PORT='none of it'\n")
    with pytest.raises(SettingInvalid):
        load(environment=given, file=tmp_path / "none.toml")


# Units of systemd; tests/integration/test_docs_deploy.py lets systemd judge the rest.


@pytest.mark.parametrize("example", examples("ini"), ids=str)
def test_a_unit_starts_a_command_that_exists(example: Example) -> None:
    unit = ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    unit.read_string(example.code)
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert program == "/opt/zero2prod/bin/zero2prod"
    parse(cli, arguments)
