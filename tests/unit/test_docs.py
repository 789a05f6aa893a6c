"""The documentation agrees with the code: settings, commands, routes, errors, file names, links."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import pytest

from adapters_http.problems import STATUSES
from docs.generate import stale
from tests.support.documentation import DOCS, PAGES, ROOT, prose, relative
from tests.support.routes import routes
from zero2prod import settings
from zero2prod.cli import cli
from zero2prod.durations import duration
from zero2prod_core.errors import Zero2ProdError

REFERENCE = DOCS / "reference"
RECORDS = DOCS / "explanation" / "decisions"

CELLS = re.compile(r"(?<!\\)\|")


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


def test_the_home_page_leads_to_every_page_but_the_decisions() -> None:
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", (DOCS / "index.md").read_text()))
    pages = {page.relative_to(DOCS).as_posix() for page in PAGES if page.is_relative_to(DOCS)}
    decisions = {page for page in pages if page.startswith(f"{RECORDS.relative_to(DOCS).as_posix()}/0")}
    assert linked == pages - decisions - {"index.md"}


# Settings and commands


def test_the_generated_pages_are_what_the_code_says() -> None:
    assert stale() == [], "Run: .venv/bin/python docs/generate.py"


@pytest.mark.parametrize("path", settings.options())
def test_a_setting_is_told_with_its_default_and_whether_it_is_secret(path: str) -> None:
    described = {code(name): (default, meaning) for name, default, meaning in rows(reference("settings"))}
    default, meaning = described[settings.name_of(path)]
    actual = settings.options()[path].default
    assert default == "empty" if actual == "" else duration_or_text(code(default), actual) == actual
    assert meaning.startswith("Secret.") == settings.is_secret(path)
    assert len(settings.help_of(path)) > 20


def reference(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text()


def duration_or_text(shown: str, like: object) -> object:
    """What is shown, as a value of the same kind."""
    if isinstance(like, timedelta):
        return duration(shown)
    if isinstance(like, bool):
        return shown == "true"
    return int(shown) if isinstance(like, int) else shown


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_setting_that_is_mentioned_exists(page: Path) -> None:
    names = {settings.name_of(path) for path in settings.options()}
    names |= {f"{settings.name_of(path)}_FILE" for path in settings.options() if settings.is_secret(path)}
    assert set(re.findall(r"ZERO2PROD_[A-Z_]*[A-Z]", page.read_text())) <= names


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = {"zero2prod": cli, **dict(commands(cli, "zero2prod"))}


def described_commands() -> dict[str, str]:
    """Command → its section."""
    _, *sections = re.split(r"^## `(.*)`$", reference("command-line"), flags=re.MULTILINE)
    return dict(zip(sections[::2], sections[1::2], strict=True))


def test_the_page_has_every_command_and_none_besides() -> None:
    assert sorted(described_commands()) == sorted(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_told_with_its_usage_and_the_meaning_of_each_option(name: str) -> None:
    section = described_commands()[name]
    assert f"Usage: `{name} [OPTIONS]" in section
    described = {code(option): meaning for option, _, meaning in rows(section)}
    options = [option for option in COMMANDS[name].params if isinstance(option, click.Option)]
    assert list(described) == [option.opts[0] for option in options]
    assert all(len(meaning) > 10 for meaning in described.values())


# Routes


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
