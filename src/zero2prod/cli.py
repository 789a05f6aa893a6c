"""The command line. Results go to stdout, everything else to stderr; exit 0 done, 1 refused or failed, 2 wrong
set-up.
"""

import asyncio
from pathlib import Path

import click

from zero2prod.commands.admin import admin
from zero2prod.commands.issues import issues
from zero2prod.commands.newsletters import newsletters
from zero2prod.commands.services import migrate, serve, up, worker
from zero2prod.commands.terminal import REFUSED, fail
from zero2prod.services import WRONG_SET_UP
from zero2prod_core.errors import DataDirectoryRefused, SchemaRefused, SettingInvalid, Unavailable, Zero2ProdError

INTERRUPTED = 130
"""What a shell reports for a program that ended by SIGINT."""

HELP = {"help_option_names": ["-h", "--help"]}


@click.group(context_settings=HELP)
@click.version_option(package_name="zero2prod")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Data directory of the `up` that a command is for.")
def cli(data_dir: Path | None) -> None:
    """A newsletter service: sign-up with double opt-in, and issues that arrive.

    Commands reach the database that the settings name, or else the one of the `up` that runs on this machine.
    """


for command in (up, serve, worker, migrate, admin, newsletters, issues):
    cli.add_command(command)


def main() -> None:
    """Run the command line; whatever the house refuses becomes one line and an exit code, never a traceback."""
    try:
        cli(prog_name="zero2prod")
    except asyncio.CancelledError:
        fail("stopped at once, at the second signal.", INTERRUPTED)
    except (SettingInvalid, SchemaRefused, DataDirectoryRefused) as error:
        fail(str(error), WRONG_SET_UP)
    except Zero2ProdError as error:
        fail(f"{error}{_driver_says(error)}", REFUSED)
    except OSError as error:
        fail(f"the result cannot be written: {error.strerror}.", REFUSED)


def _driver_says(error: Zero2ProdError) -> str:
    """Why a part does not answer, in its driver's words: a wrong password looks like a server that is away."""
    if not isinstance(error, Unavailable) or error.__cause__ is None:
        return ""
    return f" ({' '.join(str(error.__cause__).split())})"
