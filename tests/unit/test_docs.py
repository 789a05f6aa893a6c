"""The documentation agrees with the code: settings, commands, routes, errors, file names, links, and every example."""

import io
import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import attrs
import click
import pytest

from adapters_http.app import make_app
from adapters_http.config import HttpConfig
from adapters_http.problems import STATUSES
from adapters_memory import InMemoryHealth, InMemoryHeartbeats, InMemoryUnitOfWork
from tests.support.builders import KEYS
from tests.support.chance import CountedIds, CountedRandomness
from tests.support.core import BASE_URL, POLICY
from tests.support.passwords import CheapPasswordHasher
from zero2prod import settings
from zero2prod.cli import cli
from zero2prod.settings_loading import duration
from zero2prod_core.application import Application, Ports
from zero2prod_core.errors import Zero2ProdError

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
RECORDS = DOCS / "explanation" / "decisions"

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CELLS = re.compile(r"(?<!\\)\|")


@attrs.frozen
class Example:
    """A fenced block; ``follows`` is the one after it, if no heading stands between."""

    page: Path
    language: str
    code: str
    follows: "Example | None" = None

    def __str__(self) -> str:
        return f"{relative(self.page)}: {self.code.splitlines()[0]}"


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def examples(*languages: str) -> list[Example]:
    return [example for page in PAGES for example in examples_of(page) if example.language in languages]


def examples_of(page: Path) -> Iterator[Example]:
    text = page.read_text()
    matches = list(FENCED.finditer(text))
    for place, match in enumerate(matches):
        after = matches[place + 1] if place + 1 < len(matches) else None
        near = after and not re.search("^#", text[match.end() : after.start()], re.MULTILINE)
        follows = Example(page, after[1], after[2]) if after and near else None
        yield Example(page, match[1], match[2], follows)


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each table row whose first cell begins with code."""
    for line in text.splitlines():
        if line.startswith("| `"):
            yield [cell.strip().replace("\\|", "|") for cell in CELLS.split(line)[1:-1]]


def code(cell: str) -> str:
    """What stands between the first pair of backticks."""
    return cell.split("`")[1]


# Links and names


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if not re.match(r"[a-z]+:", link)]
    broken = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


PATH = re.compile(r"`((?:src|tests|docs|benchmarks|requirements)/[^`\s]*)`")


@pytest.mark.parametrize("page", [page for page in PAGES if PATH.search(prose(page))], ids=relative)
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = {re.sub("<[a-z]+>", "*", name).rstrip("/") for name in PATH.findall(prose(page))}
    assert [name for name in sorted(named) if not any(ROOT.glob(name))] == []


def test_the_architecture_page_names_a_file_at_every_step() -> None:
    text = prose(DOCS / "explanation" / "architecture.md")
    for way in ("sign-up", "issue"):
        section = re.split(r"^## ", text.partition(f"## The way of one {way}")[2], maxsplit=1, flags=re.MULTILINE)[0]
        assert len(set(PATH.findall(section))) >= 10


def test_the_index_of_decisions_has_every_record() -> None:
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (RECORDS / "README.md").read_text())
    assert listed == sorted(path.name for path in RECORDS.glob("0*.md"))


# Settings


def shown(default: object) -> str:
    """A default as the page writes it."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, StrEnum):
        return f"`{default.value}`"
    return f"`{default}`" if default != "" else "empty"


def described_settings() -> dict[str, tuple[str, str]]:
    """Name → default and meaning."""
    return {code(name): (default, meaning) for name, default, meaning in rows((REFERENCE / "settings.md").read_text())}


def test_the_page_has_every_setting_and_none_besides() -> None:
    assert list(described_settings()) == [settings.name_of(path) for path in settings.options()]


@pytest.mark.parametrize("path", settings.options())
def test_a_setting_is_told_with_its_default_and_whether_it_is_secret(path: str) -> None:
    default, meaning = described_settings()[settings.name_of(path)]
    actual = settings.options()[path].default
    if isinstance(actual, timedelta):
        assert duration(code(default)) == actual
    else:
        assert default == shown(actual)
    assert meaning.startswith("Secret.") == settings.is_secret(path)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_setting_that_is_mentioned_exists(page: Path) -> None:
    names = {settings.name_of(path) for path in settings.options()}
    names |= {f"{settings.name_of(path)}_FILE" for path in settings.options() if settings.is_secret(path)}
    assert set(re.findall(r"ZERO2PROD_[A-Z_]*[A-Z]", page.read_text())) <= names


# Commands


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(cli, "zero2prod"))


def described_commands() -> dict[str, str]:
    """Command → its section."""
    _, *sections = re.split(r"^## `(.*)`$", (REFERENCE / "command-line.md").read_text(), flags=re.MULTILINE)
    return dict(zip(sections[::2], sections[1::2], strict=True))


def default_of(option: click.Parameter) -> str:
    has_one = isinstance(option.default, int | str) and not isinstance(option.default, bool) and option.default != ""
    return f"`{option.default}`" if has_one else "–"


def test_the_page_has_every_command_and_none_besides() -> None:
    assert sorted(described_commands()) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_told_with_its_options_and_their_defaults(name: str) -> None:
    described = {code(option): default for option, default, _ in rows(described_commands()[name])}
    options = [option for option in COMMANDS[name].params if isinstance(option, click.Option)]
    assert described == {option.opts[0]: default_of(option) for option in options}


# Routes


def routes() -> set[tuple[str, str]]:
    """Method and path of every route; HEAD goes with GET."""
    uow = InMemoryUnitOfWork()
    ports = Ports(uow, CountedIds(), CountedRandomness(), CheapPasswordHasher(), KEYS, POLICY)
    config = HttpConfig(BASE_URL, KEYS)
    app = make_app(Application.assemble(ports), config, InMemoryHealth(), InMemoryHeartbeats(uow), CountedIds())
    found = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    return {(method, path) for method, path in found if method != "HEAD"}


def test_the_page_has_every_route_and_none_besides() -> None:
    described = [tuple(code(route).split()) for route, *_ in rows((REFERENCE / "routes.md").read_text())]
    assert len(described) == len(set(described))
    assert set(described) == routes()


# Errors


def errors(root: type[Zero2ProdError]) -> Iterator[type[Zero2ProdError]]:
    yield root
    for child in root.__subclasses__():
        if child.__module__.startswith(("zero2prod_core", "adapters_")):
            yield from errors(child)


def test_the_page_has_every_error_with_its_status() -> None:
    described = [
        (code(error), class_, int(status)) for error, class_, status, _ in rows((REFERENCE / "errors.md").read_text())
    ]
    expected = {(error.code, error.__name__, int(STATUSES[error.code])) for error in errors(Zero2ProdError)}
    assert len(described) == len(set(described))
    assert set(described) == expected


# Examples

OTHERS = {
    "cat",
    "chmod",
    "createdb",
    "createuser",
    "mv",
    "printf",
    "psql",
    "python3",
    ".venv/bin/pip",
    ".venv/bin/pytest",
}
"""Programs that are not ours and may stand in an example."""

PUNCTUATION = "();<>|&\n"


@pytest.mark.parametrize("example", examples("python"), ids=str)
def test_a_python_example_runs_and_prints_what_the_page_says(example: Example) -> None:
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(example.code, relative(example.page), "exec"), {"__name__": "__main__"})  # noqa: S102 - our own page
    expected = example.follows.code if example.follows and example.follows.language == "text" else None
    assert expected is None or printed.getvalue() == expected


def shell_commands(block: str) -> Iterator[list[str]]:
    """The words of every simple command, without redirections and the variables set before it."""
    bare = re.sub(r"(^|\s)#.*$", "", block.replace("\\\n", " "), flags=re.MULTILINE)
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
    if program.removeprefix(".venv/bin/") == "zero2prod":
        parse(cli, arguments)
    elif program == "make":
        check_make(arguments)
    elif program == "export":
        assert all("=" in argument for argument in arguments)
    else:
        assert program in OTHERS


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
            parse(COMMANDS["zero2prod up"], shlex.split(argument.removeprefix("ARGS=")))


@pytest.mark.parametrize("example", examples("sh", "console"), ids=str)
def test_a_shell_example_names_commands_and_options_that_exist(example: Example) -> None:
    found = list(shell_commands(example.code))
    assert found
    for words in found:
        check_command(words)


@pytest.mark.parametrize(
    "line", ["zero2prod fly", "zero2prod up --fast", "make tea", "zero2prdo up", "make up ARGS=--x"]
)
def test_what_cannot_be_typed_would_be_noticed(line: str) -> None:
    (words,) = shell_commands(line)
    with pytest.raises((AssertionError, KeyError, click.UsageError)):
        check_command(words)


def test_variables_redirections_and_comments_are_no_commands() -> None:
    block = "A=1 make up # now\nnew=$(python3 -c 'x; y') > file\nexport B=2 \\\n  C=3"
    assert list(shell_commands(block)) == [["make", "up"], ["python3", "-c", "x; y"], ["export", "B=2", "C=3"]]
