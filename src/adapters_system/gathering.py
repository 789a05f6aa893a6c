"""Concurrent requests written together: one flight commits while the next one gathers.

A transaction costs about the same for one row as for five hundred, so callers who arrive while a write is under way
share the next one. There is no timer: a request that finds nobody flying takes off on the event loop's next turn,
together with whatever else arrived in this one. Under load flights grow by themselves; at rest nobody waits.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, Generic, TypeVar

import attrs

from zero2prod_core.errors import CommitUnknown, Defect, Unavailable

__all__ = ["Gathering"]

Request = TypeVar("Request")
Result = TypeVar("Result")

# Claims and reports were fastest in batches of 500: 50,124 per second, against 32,340 at 100 and 44,796 at 2,000.
MOST: Final = 500


@attrs.frozen
class _Failed:
    """An error on its way to one caller, with the traceback it had when the flight failed.

    One error may go to hundreds of callers, and each ``raise`` lengthens the traceback of the shared object; so every
    caller starts from the one kept here.
    """

    error: BaseException
    trace: TracebackType | None

    @classmethod
    def of(cls, error: BaseException) -> "_Failed":
        return cls(error, error.__traceback__)

    def throw(self) -> BaseException:
        return self.error.with_traceback(self.trace)


@attrs.frozen(eq=False)
class _Seat(Generic[Request, Result]):
    """One caller's place in a flight: what is asked, and where the answer goes."""

    request: Request
    answer: "asyncio.Future[Result | _Failed]"

    def land(self, outcome: Result | _Failed) -> None:
        """Give the caller the outcome, unless it has one or has gone away."""
        if not self.answer.done():
            self.answer.set_result(outcome)


class Gathering(Generic[Request, Result]):
    """``await gathering(request)`` answers as ``(await flush([request]))[0]`` would, written together with others.

    Args:
        flush: writes a list of requests, all of them or (when it raises) none, and gives their results in the same
            order. A result that is an ``Exception`` is raised for its own caller; the others are not disturbed.
        most: requests in one flight, at most.
        flights: flights under way at once, at most. With one, requests are written in the order of their arrival.

    A flight that raises is written again in halves until only the requests that cannot be written fail, each with its
    own error. An ``Unavailable`` (the store is away, or it is unknown whether it committed) is nobody's fault in
    particular: it is not tried again, and everyone in the flight who has no answer yet gets it.

    A caller that is cancelled before its flight takes off is not written; one that is cancelled later may have been.
    Neither is noticed by its neighbours. No caller is left without an answer: when a flight is torn down (cancelled, or
    by an error that is no ``Exception``) its passengers get ``CommitUnknown``, and those who wait get another flight.

    Belongs to one event loop.
    """

    def __init__(
        self,
        flush: Callable[[list[Request]], Awaitable[Sequence[Result | Exception]]],
        *,
        most: int = MOST,
        flights: int = 1,
    ) -> None:
        if most < 1 or flights < 1:
            raise Defect(f"a gathering needs most ≥ 1 and flights ≥ 1, not {most} and {flights}")
        self._flush = flush
        self._most = most
        self._flights = flights
        self._waiting: deque[_Seat[Request, Result]] = deque()
        self._pilots: set[asyncio.Task[None]] = set()
        self._closed = False
        # A flight serves many callers, so it must not carry the context (a request id, say) of the one that began it.
        self._context = contextvars.copy_context()

    async def __call__(self, request: Request) -> Result:
        """The result for this request.

        Raises:
            Exception: what ``flush`` raised or returned for this request.
            Unavailable: the store is away, or it is unknown whether the request was written.
            Defect: the gathering is closed, or ``flush`` broke its promise.
        """
        if self._closed:
            raise Defect("this gathering is closed; it takes no more requests")
        seat = _Seat[Request, Result](request, asyncio.get_running_loop().create_future())
        self._waiting.append(seat)
        self._take_off()
        outcome = await seat.answer
        if isinstance(outcome, _Failed):
            raise outcome.throw()
        return outcome

    async def aclose(self) -> None:
        """Take no more requests, and wait until everyone aboard or waiting has an answer. May be called twice."""
        self._closed = True
        while self._pilots:
            await asyncio.wait(self._pilots)

    def _take_off(self) -> None:
        if len(self._pilots) < self._flights:
            pilot = asyncio.get_running_loop().create_task(self._fly_all(), context=self._context.copy())
            self._pilots.add(pilot)
            pilot.add_done_callback(self._landed)

    def _landed(self, pilot: "asyncio.Task[None]") -> None:
        """Send the next pilot to those who still wait: they came after this one's last look, or it was torn down.

        A done callback, because a task that is cancelled before its first step never reaches a ``finally``. When the
        whole program is cancelled so are the callers, and then nobody flies.
        """
        self._pilots.discard(pilot)
        if not pilot.cancelled():
            pilot.exception()  # its passengers have it as their error's cause, so asyncio need not report it as lost
        if any(not seat.answer.done() for seat in self._waiting):
            self._take_off()

    async def _fly_all(self) -> None:
        while seats := self._board():
            try:
                await self._fly(seats)
            except BaseException as error:
                unknown = CommitUnknown()
                unknown.__cause__ = error
                _land_all(seats, unknown)
                raise

    def _board(self) -> list[_Seat[Request, Result]]:
        seats: list[_Seat[Request, Result]] = []
        while self._waiting and len(seats) < self._most:
            seat = self._waiting.popleft()
            if not seat.answer.done():
                seats.append(seat)
        return seats

    async def _fly(self, seats: list[_Seat[Request, Result]]) -> None:
        """Write these seats, in halves where that is needed; on ``Unavailable`` all that have no answer yet get it."""
        groups = [seats]
        while groups:
            group = groups.pop()
            try:
                results = await self._flush([seat.request for seat in group])
            except Unavailable as error:
                _land_all(seats, error)
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer of some caller
                groups += _halves(group, error)
            else:
                _disembark(group, results)


def _halves(
    group: list[_Seat[Request, Result]], error: Exception
) -> tuple[()] | tuple[list[_Seat[Request, Result]], list[_Seat[Request, Result]]]:
    """The group in two, the earlier half on top of the stack; a group of one has its culprit and is done."""
    if len(group) == 1:
        _land_all(group, error)
        return ()
    middle = len(group) // 2
    return group[middle:], group[:middle]


def _disembark(group: list[_Seat[Request, Result]], results: Sequence[Result | Exception]) -> None:
    """Hand out the results of a write that has happened: whatever is wrong with them, it must not be repeated."""
    if len(results) != len(group):
        _land_all(group, Defect(f"flush was given {len(group)} requests and answered {len(results)}"))
        return
    for seat, result in zip(group, results, strict=True):
        seat.land(_Failed.of(result) if isinstance(result, Exception) else result)


def _land_all(seats: list[_Seat[Request, Result]], error: BaseException) -> None:
    failed = _Failed.of(error)
    for seat in seats:
        seat.land(failed)
