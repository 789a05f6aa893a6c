"""The command line. Results go to stdout, everything else to stderr, and what is refused is told in one line."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click
from click.exceptions import NoArgsIsHelpError

from zero2prod.commands.admin import admin
from zero2prod.commands.doctor import doctor
from zero2prod.commands.issues import issues
from zero2prod.commands.newsletters import newsletters
from zero2prod.commands.services import migrate, serve, up, worker
from zero2prod.commands.subscribers import subscribers
from zero2prod.commands.suppressions import suppressions
from zero2prod.commands.terminal import REFUSED, fail
from zero2prod.services import WRONG_SET_UP
from zero2prod_core.errors import (
    DataDirectoryRefused,
    IssueUnknown,
    SchemaRefused,
    SettingInvalid,
    Unavailable,
    Zero2ProdError,
)

WRONG_USAGE = click.UsageError.exit_code

INTERRUPTED = 130
"""What a shell reports for a program that ended by SIGINT."""

EXIT_STATUSES: Mapping[int, str] = {
    0: "done",
    REFUSED: "refused or failed; one line says what and why",
    WRONG_USAGE: "wrong usage, wrong settings, or a data directory that cannot be used",
    INTERRUPTED: "ended at once, at the second signal",
}

HELP = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=HELP)
@click.version_option(package_name="zero2prod")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Data directory of the `up` that a command is for.")
def cli(data_dir: Path | None) -> None:
    """A newsletter service: sign-up with double opt-in, and issues that arrive.

    Commands reach the database that the settings name, or else the one of the `up` that runs on this machine.
    """


for command in (up, serve, worker, migrate, doctor, admin, newsletters, subscribers, suppressions, issues):
    cli.add_command(command)


def main() -> None:
    """Run the command line; whatever the house refuses becomes one line and an exit code, never a traceback."""
    try:
        # Not standalone, click raises what it would else tell in its own form, and returns the status of --help.
        raise SystemExit(cli(prog_name="zero2prod", standalone_mode=False))
    except click.UsageError as error:
        fail(_usage(error), error.exit_code)
    except click.Abort:
        fail("stopped.", INTERRUPTED)
    except asyncio.CancelledError:
        fail("stopped at once, at the second signal.", INTERRUPTED)
    except (SettingInvalid, SchemaRefused, DataDirectoryRefused) as error:
        fail(str(error), WRONG_SET_UP)
    except IssueUnknown as error:
        fail(f"{error} Those that there are: zero2prod issues list", REFUSED)
    except Zero2ProdError as error:
        fail(f"{_as_options(str(error))}{_driver_says(error)}", REFUSED)
    except OSError as error:
        fail(f"the result cannot be written: {error.strerror}.", REFUSED)


OPTIONS: Mapping[str, str] = {"text_content": "--text", "html_content": "--html", "markdown_content": "--markdown"}
"""Fields of an issue's form, and how they are given here."""


def _as_options(sentence: str) -> str:
    for field, option in OPTIONS.items():
        sentence = sentence.replace(field, option)
    return sentence


def _usage(error: click.UsageError) -> str:
    """What is wrong, what would be right, and where it is explained."""
    message = "a command is missing" if isinstance(error, NoArgsIsHelpError) else error.format_message()
    sentence = f"{message[:1].lower()}{message[1:]}" + ("" if message.endswith((".", "?")) else ".")
    context = error.ctx or click.Context(cli, info_name="zero2prod", **cli.context_settings)
    command, path = context.command, context.command_path
    right = f"Write: {' '.join([path, *command.collect_usage_pieces(context)])}"
    if isinstance(command, click.Group):
        right = f"Commands are: {', '.join(command.list_commands(context))}"
    if isinstance(error, click.NoSuchOption) and error.option_name == "--data-dir":
        right = f"It stands before the command. Write: {path.replace(' ', ' --data-dir DIR ', 1)}"
    return f"{sentence} {right}. More: {path} --help"


def _driver_says(error: Zero2ProdError) -> str:
    """Why a part does not answer, in its driver's words: a wrong password looks like a server that is away."""
    if not isinstance(error, Unavailable) or error.__cause__ is None:
        return ""
    return f" ({' '.join(str(error.__cause__).split())})"
