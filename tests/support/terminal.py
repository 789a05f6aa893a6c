"""A person at a terminal, over a core in memory."""

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import attrs
import pytest

from tests.support.core import Core
from zero2prod import cli, logs
from zero2prod.commands import terminal
from zero2prod.container import Container
from zero2prod.runtime import Runtime
from zero2prod.settings import Settings

Result = TypeVar("Result")


@attrs.frozen
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def told(self) -> Any:  # noqa: ANN401 - whatever the command tells
        return json.loads(self.out)


def nothing(*_: object) -> None:
    """Log nowhere."""


class Terminal:
    """Types commands over one core."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.core = Core()
        self.settings: Settings | None = None
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setattr(logs, "configure", nothing)
        monkeypatch.setattr(terminal, "running", self._running)
        monkeypatch.setattr(terminal, "default_data_dir", lambda: Path("no-up-runs-here"))

    @asynccontextmanager
    async def _running(self, settings: Settings) -> AsyncIterator[Runtime]:
        self.settings = settings
        yield Runtime(self.core.application, settings, Container(settings=settings))

    def type(self, *arguments: str, stdin: bytes = b"") -> Done:
        self._monkeypatch.setattr(sys, "argv", ["zero2prod", *arguments])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capsys.readouterr()
        return Done(ended.value.code if isinstance(ended.value.code, int) else 0, said.out, said.err)

    def refused(self, *arguments: str, status: int = 1, stdin: bytes = b"") -> str:
        """The one line of a refusal."""
        done = self.type(*arguments, stdin=stdin)
        assert (done.status, done.out) == (status, "")
        assert done.err.startswith("zero2prod: ")
        assert done.err.count("\n") == 1
        return done.err.removeprefix("zero2prod: ").rstrip()


def wait(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)
