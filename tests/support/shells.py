"""Shell commands of the documentation, run as a person would type them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import attrs

from tests.support.supervisors import NOTHING, caller

# Each takes seconds at most, on a machine with much else to do.
DONE_WITHIN = 60.0


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

    def typed(self, block: str) -> "subprocess.CompletedProcess[str]":
        """A whole block, of which every command must succeed but perhaps the last."""
        for pattern, new in self.exchanges.items():
            block = re.sub(pattern, new, block)
        own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **caller().environment}
        return subprocess.run(
            ["sh", "-euc", f"{self.before}\n{block}"],
            cwd=self.place,
            env={**os.environ, **own, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=DONE_WITHIN,
        )

    def succeeds(self, block: str) -> str:
        """What it printed."""
        done = self.typed(block)
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout
