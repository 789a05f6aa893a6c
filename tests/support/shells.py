"""Shell commands of the documentation, run as a person would type them."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs

from tests.support.supervisors import NOTHING, caller
from tests.support.waiting import PATIENCE


@attrs.frozen
class Shell:
    """A directory in which to type, in which ``.venv`` is this environment.

    ``exchanges`` maps regular expressions for what belongs to a machine, such as paths, to what is there instead.
    ``before`` is typed before everything: functions in place of programs that would change the machine.
    """

    place: Path
    exchanges: Mapping[str, str]
    environment: Mapping[str, str] = NOTHING
    before: str = ""

    @classmethod
    def in_checkout(
        cls, place: Path, exchanges: Mapping[str, str], environment: Mapping[str, str] = NOTHING, before: str = ""
    ) -> "Shell":
        venv = place / ".venv"
        if not venv.exists():
            venv.symlink_to(sys.prefix)
        return cls(place, exchanges, environment, before)

    def exchanging(self, more: Mapping[str, str]) -> "Shell":
        """The same, with further exchanges."""
        return attrs.evolve(self, exchanges={**self.exchanges, **more})

    def typed(self, block: str) -> "subprocess.CompletedProcess[str]":
        """A whole block, of which every command must succeed but perhaps the last."""
        command = self._command(block)
        return subprocess.run(command, **self._around, text=True, check=False, timeout=PATIENCE)

    def _command(self, block: str) -> list[str]:
        for pattern, new in self.exchanges.items():
            block = re.sub(pattern, new, block)
        return ["sh", "-euc", f"{self.before}\n{block}"]

    def _begun(self, block: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(self._command(block), **self._around, text=True, start_new_session=True)

    @property
    def _around(self) -> dict[str, Any]:
        own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **caller().environment}
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return {"cwd": self.place, "env": {**os.environ, **own, **self.environment}, **streams}

    def succeeds(self, block: str) -> str:
        """What it printed."""
        done = self.typed(block)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    @asynccontextmanager
    async def running(self, settings: str, *programs: str) -> AsyncIterator[None]:
        """After ``settings``, programs that go on, side by side; at the end each gets SIGTERM and must end well."""
        stop = self.place / "stop"
        os.mkfifo(stop)
        side_by_side = "".join(f'{program.strip()} & pids="${{pids-}} $!"\n' for program in programs)
        end = f"read _ < {stop} || true\nkill $pids\nfor pid in $pids; do wait $pid; done"
        shell = self._begun(f"{settings}\n{side_by_side}{end}")
        try:
            yield
        finally:
            # Opened for both, it does not wait for a shell that has ended already.
            with stop.open("r+b", buffering=0) as told:
                told.write(b"\n")
                said, complaints = await asyncio.to_thread(_ended, shell)
            stop.unlink()
        assert shell.returncode == 0, complaints + said


def _ended(shell: "subprocess.Popen[str]") -> tuple[str, str]:
    """What it and its programs wrote; in the end none of them runs."""
    try:
        return shell.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)
        return shell.communicate()
