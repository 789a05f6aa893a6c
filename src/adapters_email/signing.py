"""Signing mails on their way out, in threads where that takes longer than the way to a thread and back.

OpenSSL lets other threads run while it calculates, so RSA keys use every core. Ed25519 takes so little that it is done
at once.
"""

import asyncio
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import attrs

from adapters_email.composing import Mail
from adapters_email.dkim import DkimKey, sign

__all__ = ["Signing"]

LARGEST_BATCH = 16
"""Mails for one thread at a time: their way there and back then costs little, and none waits for long."""

_Waiting: TypeAlias = "tuple[Mail, asyncio.Future[Mail]]"


class Signing:
    """A step that each composed mail passes before it is sent: it comes back under the signatures of its keys.

    What waits is bounded by the callers, of whom each waits for its own mail; and what is being signed by the threads.

    Args:
        keys: those that may sign; a mail gets the signatures of those that vouch for its From.
        threads: how many sign at a time; by default one for each core.
    """

    def __init__(self, keys: Sequence[DkimKey], threads: int | None = None) -> None:
        self._keys = keys
        self._at_once = all(key.is_quick for key in keys)
        self._threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="signing")
        self._waiting: deque[_Waiting] = deque()
        self._busy = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, mail: Mail) -> Mail:
        """The mail, signed; its content is final, and so is its length."""
        if self._at_once:
            return self._signed(mail)
        signed: asyncio.Future[Mail] = asyncio.get_running_loop().create_future()
        self._waiting.append((mail, signed))
        if self._busy < self._threads:
            self._busy += 1
            task = asyncio.create_task(self._serve())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await signed

    def close(self) -> None:
        """Let the threads end; what is being signed is signed to its end."""
        self._pool.shutdown(cancel_futures=True)

    async def _serve(self) -> None:
        """One thread's work, as long as there is any: a share of what waits, and then the next."""
        try:
            while self._waiting:
                share = min(LARGEST_BATCH, -(-len(self._waiting) // self._threads))
                await self._sign([self._waiting.popleft() for _ in range(share)])
        finally:
            self._busy -= 1

    async def _sign(self, batch: Sequence[_Waiting]) -> None:
        """Give each waiting caller its mail, or all of them the error that befell the batch."""
        loop = asyncio.get_running_loop()
        try:
            mails = await loop.run_in_executor(self._pool, self._signed_batch, [mail for mail, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller knows what to do about its mail
            for _, signed in batch:
                if not signed.done():
                    signed.set_exception(error)
            return
        for mail, (_, signed) in zip(mails, batch, strict=True):
            if not signed.done():
                signed.set_result(mail)

    def _signed_batch(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        return [self._signed(mail) for mail in mails]

    def _signed(self, mail: Mail) -> Mail:
        return attrs.evolve(mail, content=sign(self._keys, mail.content, mail.pieces))
