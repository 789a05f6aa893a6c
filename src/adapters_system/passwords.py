"""Argon2id, off the event loop, a bounded number at a time."""

import asyncio
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Final, TypeVar

import argon2
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError

from zero2prod_core.errors import Defect, HasherBusy
from zero2prod_core.ports.accounts import PasswordHasher, Verification

__all__ = ["Argon2PasswordHasher"]

Answer = TypeVar("Answer")

# OWASP's password storage cheat sheet: 19 MiB and two passes in one lane, about 20 ms on one core.
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1

# With two threads the event loop is late by 0.8 ms (p99), with eight on two cores by 6.5 ms. Two use 38 MiB.
THREADS: Final = 2

# The last in the queue waits for 32 hashes in each thread: about two thirds of a second, as long as a person accepts.
WAITING: Final = 64


class Argon2PasswordHasher(PasswordHasher):
    """Argon2id (RFC 9106) by libargon2, in two threads of its own.

    Args:
        memory_kib, passes, lanes: the cost of one hash; stored hashes of another cost are called outdated.
        threads: hashes under way at once.
        waiting: calls that may queue; one more is refused with ``HasherBusy``.
    """

    def __init__(
        self,
        *,
        memory_kib: int = MEMORY_KIB,
        passes: int = PASSES,
        lanes: int = LANES,
        threads: int = THREADS,
        waiting: int = WAITING,
    ) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="argon2")
        self._places = threading.Semaphore(threads + waiting)

    async def hash(self, password: str) -> str:
        """The password's hash as a PHC string, with its parameters and a salt of its own.

        Raises:
            HasherBusy: the queue is full, or there is no memory for one more hash.
        """
        return await self._in_thread(lambda: self._hash(password))

    async def verify(self, password: str, encoded: str | None) -> Verification:
        """Whether the password has this hash; ``None``, for an unknown user, never matches and takes as long.

        Raises:
            HasherBusy: the queue is full, or there is no memory for one more hash.
            Defect: ``encoded`` is no argon2 hash.
        """
        return await self._in_thread(lambda: self._verify(password, encoded))

    def close(self) -> None:
        """Finish the hashes under way, cancel those that wait, and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _in_thread(self, work: Callable[[], Answer]) -> Answer:
        if not self._places.acquire(blocking=False):
            raise HasherBusy
        try:
            job = self._pool.submit(work)
        except RuntimeError as error:
            self._places.release()
            raise Defect("this password hasher is closed") from error
        # By the job and not by its caller: a caller may be cancelled while its job still holds a thread.
        job.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(job)

    def _hash(self, password: str) -> str:
        try:
            return self._argon2.hash(_octets(password))
        except HashingError as error:
            raise HasherBusy from error

    def _verify(self, password: str, encoded: str | None) -> Verification:
        # Made before anything is known of this user, so that the first unknown one takes no longer than the others.
        dummy = self._dummy
        matches = self._matches(password, dummy if encoded is None else encoded)
        if encoded is None or not matches:
            return Verification(matches=False, outdated=False)
        return Verification(matches=True, outdated=self._argon2.check_needs_rehash(encoded))

    def _matches(self, password: str, encoded: str) -> bool:
        try:
            return self._argon2.verify(encoded, _octets(password))
        except VerifyMismatchError:
            return False
        except InvalidHashError as error:
            raise Defect("a stored password hash is not one of argon2's") from error
        except VerificationError as error:
            raise HasherBusy from error

    @cached_property
    def _dummy(self) -> str:
        """The hash of a password that nobody knows, of the same cost as a real one."""
        return self._hash(secrets.token_hex())


def _octets(password: str) -> bytes:
    """Any text a form can bring has octets here, lone surrogates too: an odd password is a wrong one, not an error."""
    return password.encode("utf-8", "surrogatepass")
