"""A relay over Postmark's e-mail API.

Each lane has one request under way at most: it takes some parcels, has their marks granted together, sends those that
were, and reports.
"""

import asyncio
import ssl
from collections.abc import Iterator, Sequence

import attrs

from adapters_email.lanes import PATIENCE, Lane, Rest, at_least_one, run_lanes
from adapters_email.postmark_account import PostmarkAccount
from adapters_email.postmark_api import PostmarkApi, PostmarkRequest
from adapters_email.postmark_messages import postmark_message
from adapters_email.preparing import Preparing
from zero2prod_core.domain.deliveries import Outcome, Reply, Scope, SenderFault, Throttled
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Desk, Mailer, Parcel

__all__ = ["PostmarkMailer"]

LANES = 4
"""Requests at a time, as many as SMTP connections by default; each may leave a whole batch uncertain."""

BATCH = 50
"""Messages in one request: what a lost answer makes uncertain, and a tenth of the most that Postmark takes."""

MOST_BYTES = 10 * 1024 * 1024
"""Bytes in one request of several messages. Postmark takes 50 MB; every lane holds one request in memory."""

TAKEN_BEFORE_MORE = 100
"""Requests in a row before larger ones are tried again: where the bound has stayed, one in a hundred is refused."""


class PostmarkMailer(Mailer):
    """Sends over ``connections`` lanes. With two or more, the first is for urgent parcels alone.

    Args:
        account: where the API is, and who sends.
        batch: messages in one request, 1 to 500 (Postmark's bound).
        connections: lanes, at least one.
        time_limit: seconds for one request with its answer.
        context: which certificates to believe; by default the system's.
    """

    def __init__(
        self,
        account: PostmarkAccount,
        *,
        batch: int = BATCH,
        connections: int = LANES,
        time_limit: float = PATIENCE,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._account = account
        self._batch = at_least_one(batch, "message in a request")
        self._connections = at_least_one(connections, "connection")
        self._time_limit = time_limit
        self._context = context or ssl.create_default_context()

    async def run(self, desk: Desk) -> None:
        api = PostmarkApi(
            self._account, connections=self._connections, time_limit=self._time_limit, context=self._context
        )
        async with api, Preparing() as prepare:
            gate = _Gate(api)
            await run_lanes(lambda urgent: _Lane(desk, gate, prepare, self._batch, urgent=urgent), self._connections)


class _Gate:
    """The way to the API for all lanes. It remembers for a moment that there is no use in trying.

    ``most_bytes`` becomes half of a request that was too large, since something on the way may take less than Postmark
    does, and doubles again later. Only a request of several messages is ever too large, so half of one is the least.
    """

    def __init__(self, api: PostmarkApi) -> None:
        self.most_bytes = MOST_BYTES
        self.rest: Rest[Outcome] = Rest()
        self._api = api
        self._taken = 0

    async def send(self, request: PostmarkRequest) -> Sequence[Outcome]:
        outcomes = await self._api.send(request)
        if all(isinstance(outcome, Throttled) and outcome.scope is Scope.RELAY for outcome in outcomes):
            self.rest.begin(outcomes[0])
        self._measure(request)
        return outcomes

    def _measure(self, request: PostmarkRequest) -> None:
        self._taken = self._taken + 1 if request.was_taken else 0
        if request.was_too_large:
            self.most_bytes = min(self.most_bytes, len(request.body) // 2)
        elif self._taken >= TAKEN_BEFORE_MORE:
            self.most_bytes = min(self.most_bytes * 2, MOST_BYTES)
            self._taken = 0


@attrs.frozen
class _Written:
    """A parcel with its message in JSON."""

    parcel: Parcel
    message: bytes


class _Lane(Lane):
    """One request at a time; the connections are the client's."""

    def __init__(self, desk: Desk, gate: _Gate, prepare: Preparing, batch: int, *, urgent: bool) -> None:
        super().__init__(desk, urgent=urgent, most=batch)
        self._gate = gate
        self._prepare = prepare

    async def handle(self, parcels: Sequence[Parcel]) -> None:
        for lot in self._lots([parcel for parcel in parcels if await self._is_prepared(parcel)]):
            await self._send(lot)

    async def hang_up(self) -> None:
        """Nothing: the client closes its connections when all lanes have ended."""

    def drop(self) -> None:
        """Nothing, as for `hang_up`."""

    async def _is_prepared(self, parcel: Parcel) -> bool:
        try:
            await self._prepare(parcel)
        except Defect as error:
            self._blame(parcel, error)
            return False
        return True

    def _blame(self, parcel: Parcel, error: Defect) -> None:
        self.due.append(parcel.report(SenderFault(Reply.of(None, str(error)))))

    def _lots(self, parcels: Sequence[Parcel]) -> Iterator[Sequence[_Written]]:
        """What goes into one request each; one message is never too much."""
        lot: list[_Written] = []
        size = 0
        for written in self._written(parcels):
            if lot and size + len(written.message) > self._gate.most_bytes:
                yield lot
                lot, size = [], 0
            lot.append(written)
            size += len(written.message)
        if lot:
            yield lot

    def _written(self, parcels: Sequence[Parcel]) -> Iterator[_Written]:
        for parcel in parcels:
            try:
                yield _Written(parcel, postmark_message(parcel))
            except Defect as error:
                self._blame(parcel, error)

    async def _send(self, lot: Sequence[_Written]) -> None:
        if said := self._gate.rest.said:
            self.due += [each.parcel.report(said) for each in lot]
            return
        granted = await self.settle([each.parcel.mark for each in lot])
        lot = [each for each, holds in zip(lot, granted, strict=True) if holds]
        if lot:
            await self._post([each.parcel for each in lot], PostmarkRequest([each.message for each in lot]))

    async def _post(self, parcels: Sequence[Parcel], request: PostmarkRequest) -> None:
        try:
            outcomes = await self._gate.send(request)
        except asyncio.CancelledError:
            self._report(parcels, request.unanswered("sending was stopped before Postmark answered"))
            raise
        self._report(parcels, outcomes)

    def _report(self, parcels: Sequence[Parcel], outcomes: Sequence[Outcome]) -> None:
        self.due += [parcel.report(outcome) for parcel, outcome in zip(parcels, outcomes, strict=True)]
