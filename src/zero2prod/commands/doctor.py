"""``zero2prod doctor``."""

import asyncio
import os
from pathlib import Path

import attrs
import click

from zero2prod import runtime
from zero2prod.commands.terminal import REFUSED, json_option, settings_and_their_home, show
from zero2prod.doctor.findings import Finding, Level
from zero2prod.doctor.patient import looking_at
from zero2prod.settings import Settings


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Look whether this installation is well, and say how to mend what is not.

    Prints one line for each check: ok, unknown, warning or error, what was found, and the remedy. Changes nothing and
    sends no mail. Ends with 1 where there is an error; warnings are for a person to weigh, and unknown is what cannot
    be looked at before an error is mended. Takes at most about ten seconds.
    """
    settings, home = settings_and_their_home()
    runtime.check_database(settings)
    if asyncio.run(_examine(settings, home, as_json=as_json)) is Level.ERROR:
        raise SystemExit(REFUSED)


async def _examine(settings: Settings, data_dir: Path | None, *, as_json: bool) -> Level:
    """Print within the loop, whose end may have to wait for a resolver of names that hangs."""
    from zero2prod.doctor.examination import examine  # noqa: PLC0415 - other commands do without all that it loads

    async with looking_at(settings, os.environ, data_dir) as patient:
        findings = await examine(patient)
        show([attrs.asdict(finding) for finding in findings], [finding.line for finding in findings], as_json=as_json)
        return _worst(*findings)


def _worst(*findings: Finding) -> Level:
    return max((finding.level for finding in findings), key=list(Level).index)
