"""Letters that may take long to turn into mails: made in a process of their own, once for all lanes.

Markdown, style sheets and HTML can be such that reading them takes minutes, or more stack than a process has; some of
what reads them lets nothing else run meanwhile, which a thread would not change. A process can be stopped, and when it
dies the letter is at fault and nobody else.
"""

import asyncio
import os
import pickle
import resource
import sys
from functools import partial
from types import TracebackType
from typing import BinaryIO, Self
from uuid import UUID

from adapters_email.content import Content, Source, content_from, is_kept, keep, source_of
from zero2prod_core.domain.letters import Letter
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel

__all__ = ["Preparing", "main", "serve"]

QUICK = 16 * 1024
"""Characters that are made on the spot: the worst of so many take some tenths of a second, and nest so deeply that a
stack of 8 MiB is enough for twice as many.
"""

PATIENCE = 60.0
"""Seconds: a large newsletter takes one or two."""

MOST_MEMORY = 2 * 1024**3
"""Bytes of the other process's memory; the largest letter takes some hundred million."""

REST = 60.0
"""Seconds in which a letter that could not be made is not tried again: nothing in it has changed."""

PROGRAM = "from adapters_email.preparing import main; main()"

LOADING = ("LD_LIBRARY_PATH", "PYTHONHOME")
"""Where an interpreter finds itself and its libraries."""

SIMPLER = "make it simpler"


class Preparing:
    """Has what a letter says ready before its mails are composed.

    Args:
        limit: seconds for one letter.
    """

    def __init__(self, limit: float = PATIENCE) -> None:
        self._limit = limit
        self._making: dict[UUID, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        tasks = list(self._making.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __call__(self, parcel: Parcel) -> None:
        """See to it that composing this parcel takes no time worth mentioning.

        Raises:
            Defect: its letter cannot be turned into a mail, or not in time.
        """
        if _size(parcel.letter) <= QUICK:
            return
        while not is_kept(parcel):
            await asyncio.shield(self._made(parcel))

    def _made(self, parcel: Parcel) -> "asyncio.Task[None]":
        """The one task for all who wait for this letter; one that failed stays for a while."""
        letter = parcel.letter.id
        if letter not in self._making:
            self._making[letter] = asyncio.create_task(self._make(source_of(parcel)))
            self._making[letter].add_done_callback(partial(self._forget, letter))
        return self._making[letter]

    def _forget(self, letter: UUID, task: "asyncio.Task[None]") -> None:
        failed = not task.cancelled() and task.exception()
        asyncio.get_running_loop().call_later(REST if failed else 0, self._making.pop, letter, None)

    async def _make(self, source: Source) -> None:
        answer = await self._answer(pickle.dumps(source))
        if not answer:
            raise Defect(f"this issue cannot be turned into a mail: reading it fails; {SIMPLER}")
        made: Content | Defect = pickle.loads(answer)  # noqa: S301 - our own process wrote it
        if isinstance(made, Defect):
            raise made
        keep(source, made)

    async def _answer(self, question: bytes) -> bytes:
        """What the other process makes of it; nothing where it failed."""
        process = await self._started()
        try:
            async with asyncio.timeout(self._limit):
                answer, _ = await process.communicate(question)
        except TimeoutError:
            rule = f"this issue takes longer than {self._limit:g} s to turn into a mail"
            raise Defect(f"{rule}; {SIMPLER}") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return answer if process.returncode == 0 else b""

    async def _started(self) -> asyncio.subprocess.Process:
        """It gets where modules are found, and no secret of ours."""
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-c",
                PROGRAM,
                str(int(self._limit)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(),
            )
        except OSError as error:
            raise Defect(f"this issue cannot be turned into a mail: no process for it ({error.strerror})") from error


def _environment() -> dict[str, str]:
    modules = os.pathsep.join(path for path in sys.path if path)
    return {name: os.environ[name] for name in LOADING if name in os.environ} | {"PYTHONPATH": modules}


def main() -> None:
    """The other process. It ends by itself should nobody be left to stop it."""
    seconds = int(sys.argv[1]) + 5
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    serve(sys.stdin.buffer, sys.stdout.buffer)


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Read one source, and write its content, or the `Defect` that it has."""
    source: Source = pickle.load(questions)  # noqa: S301 - our own process wrote it
    made: Content | Defect
    try:
        made = content_from(source)
    except Defect as error:
        made = error
    answers.write(pickle.dumps(made))


def _size(letter: Letter) -> int:
    return sum(len(part) for part in (letter.text, letter.html, letter.markdown) if part)
