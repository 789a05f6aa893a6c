"""The reference pages that the code writes itself: settings and command line.

``python docs/generate.py`` writes them, ``python docs/generate.py --check`` says whether they are as they would be
written. What is said by hand stands in ``docs/templates``; all else is the help that the code gives a person.
"""

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import click

from zero2prod.cli import EXIT_STATUSES, cli
from zero2prod.settings import Settings, help_of, is_secret, name_of, options

DOCS = Path(__file__).parent

SEE_ALSO: Mapping[str, str] = {
    "secret.keys": "[Rotate keys](../how-to/rotate-keys.md)",
    "limits.enabled": "[Tune the limits](../how-to/tune-limits.md)",
    "mail.smtp_url": "[Send through an SMTP relay](../how-to/send-through-an-smtp-relay.md)",
    "mail.postmark_token": "[Send through Postmark](../how-to/send-through-postmark.md)",
}

WIDTH = 120

UNITS = {"h": timedelta(hours=1), "m": timedelta(minutes=1), "s": timedelta(seconds=1), "ms": timedelta(milliseconds=1)}

LITERAL = re.compile(r"(?<![`\w-])(--[a-z][a-z-]+|ZERO2PROD_[A-Z_]*[A-Z])(?![`\w])")
"""What is typed as it stands, and is set like that unless it is already."""


def pages() -> dict[Path, str]:
    """What each generated page must hold."""
    return {
        DOCS / "reference" / "settings.md": _filled("settings.md", sections="\n\n".join(_sections())),
        DOCS / "reference" / "command-line.md": _filled(
            "command-line.md",
            statuses=_statuses(),
            commands="\n\n".join(_commands(click.Context(cli, **cli.context_settings), "zero2prod")),
        ),
    }


def stale() -> list[Path]:
    """The pages that are not as they would be written now."""
    return [page for page, text in pages().items() if not page.exists() or page.read_text(encoding="utf-8") != text]


def _filled(template: str, **parts: str) -> str:
    text = (DOCS / "templates" / f"{template}.in").read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return text


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    heading, rule = f"| {' | '.join(head)} |", "|---" * len(head) + "|"
    return "\n".join([heading, rule, *(f"| {' | '.join(cells)} |" for cells in rows)])


def _cell(text: str) -> str:
    return LITERAL.sub(r"`\1`", text).replace("|", "\\|")


# Settings


def _sections() -> Iterator[str]:
    """One for each class of settings, called by its docstring."""
    by_section: dict[str, list[str]] = {}
    for path in options():
        by_section.setdefault(path.partition(".")[0], []).append(path)
    for section, paths in by_section.items():
        heading = (type(getattr(Settings(), section)).__doc__ or section).rstrip(".")
        rows = [[f"`{name_of(path)}`", _default(options()[path].default), _meaning(path)] for path in paths]
        yield f"## {heading}\n\n{_table(['setting', 'default', 'meaning'], rows)}"


def _meaning(path: str) -> str:
    secret = "Secret. " if is_secret(path) else ""
    see = f" See {SEE_ALSO[path]}." if path in SEE_ALSO else ""
    return f"{secret}{_cell(help_of(path))}{see}"


def _default(value: object) -> str:
    if value == "":
        return "empty"
    if isinstance(value, timedelta):
        return f"`{_duration(value)}`"
    return f"`{value.value if isinstance(value, StrEnum) else str(value).lower()}`"


def _duration(value: timedelta) -> str:
    """As it would be typed, in the largest unit that needs no fraction."""
    name, unit = next((name, unit) for name, unit in UNITS.items() if not value % unit)
    return f"{value // unit}{name}"


# Commands


def _statuses() -> str:
    return _table(["exit status", "meaning"], [[str(status), meaning] for status, meaning in EXIT_STATUSES.items()])


def _commands(context: click.Context, name: str) -> Iterator[str]:
    """A section for the root, and for each command that does something."""
    command = context.command
    if context.parent is None or not isinstance(command, click.Group):
        yield "\n\n".join(_parts(context, name))
    if isinstance(command, click.Group):
        for sub in command.commands.values():
            yield from _commands(click.Context(sub, parent=context), f"{name} {sub.name}")


def _parts(context: click.Context, name: str) -> Iterator[str]:
    usage = " ".join([name, *context.command.collect_usage_pieces(context)])
    yield f"## `{name}`"
    yield f"Usage: `{usage}`"
    for paragraph in inspect.cleandoc(context.command.help or "").split("\n\n"):
        words = LITERAL.sub(r"`\1`", " ".join(paragraph.split()))
        yield textwrap.fill(words, WIDTH, break_long_words=False, break_on_hyphens=False)
    rows = [_option(option) for option in context.command.params if isinstance(option, click.Option)]
    if rows:
        yield _table(["option", "default", "meaning"], rows)


def _option(option: click.Option) -> Sequence[str]:
    required = "Required. " if option.required else ""
    return [f"`{option.opts[0]}`", _option_default(option), f"{required}{_cell(option.help or '')}{_range(option)}"]


def _option_default(option: click.Option) -> str:
    if isinstance(option.show_default, str):
        return f"`{option.show_default}`"
    return f"`{option.default}`" if option.show_default else "–"


def _range(option: click.Option) -> str:
    """What the help has not said already."""
    if not isinstance(option.type, click.IntRange) or str(option.type.max) in (option.help or ""):
        return ""
    return f" From {option.type.min} to {option.type.max}."


def main() -> None:
    if sys.argv[1:] == ["--check"]:
        names = ", ".join(str(page.relative_to(DOCS.parent)) for page in stale())
        sys.exit(f"{names}: not what the code says. Run: .venv/bin/python docs/generate.py" if names else 0)
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
