"""A mail server that lies at each point of the dialogue: each lie has the outcome that the table has for it.

The whole engine runs, from the ledger to the socket, over PostgreSQL and over the store in memory; what is looked at is
the ledger, the breakers, the issue, and the server's record. When the server has come to its senses, everybody is
served who can be. Of PostgreSQL `make test` takes each lie in one way of sending, and `make soak` in all.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from adapters_email.dialogue import Way
from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.campaigns import SOAK
from tests.support.engine_stores import MANY_CONNECTIONS, PostgresStores, Stores, in_memory
from tests.support.engines import Fate, engine
from tests.support.lying_smtp import SLOW, Act, Lie, Moment, honest, lying
from tests.support.postgres import UNSAFE_AND_FAST, scratch_directory
from tests.support.waiting import PATIENCE
from zero2prod_core.domain.deliveries import DeliveryState, Scope
from zero2prod_core.domain.issues import Content

pytestmark = pytest.mark.alone

READERS = ("ada@one.example", "ben@two.example", "cyd@three.example")

IMPATIENCE = 3.0
"""Seconds that the mailer waits for a server that is silent: an honest one answers in time on any machine."""

AWAY = Fate(DeliveryState.PENDING, 0, breaker=Scope.RELAY)
BUSY = Fate(DeliveryState.PENDING, 0, breaker=Scope.DOMAIN)
LATER = Fate(DeliveryState.DEFERRED, 1)
NEVER = Fate(DeliveryState.FAILED, 1)
DEAD = Fate(DeliveryState.FAILED, 1, is_suppressed=True)
DOUBT = Fate(DeliveryState.UNCERTAIN, 1)


def paused(reason: str) -> Fate:
    return Fate(DeliveryState.PENDING, 0, reason=reason)


SILENCE = (Act.SILENT, Act.DRIBBLE)
GONE = (Act.DROP, Act.RESET, "what did you say?", "99 bottles", "250 " + "x" * 70_000, *SILENCE)
"""A connection that is lost, a reply that is none, one that is too long, one that does not come."""


def gone(fate: Fate) -> dict[str, Fate]:
    return dict.fromkeys(GONE, fate)


SETUP = {
    "421 4.3.2 closing": AWAY,
    "451 4.3.0 not now": AWAY,
    "550 5.7.1 who are you?": paused("5.7.1 who are you?"),
    "554 no": paused("no"),
}

STEPWISE: Mapping[str, Mapping[str, Fate]] = {
    "connect": SETUP | gone(AWAY),
    "EHLO": SETUP | gone(AWAY),
    "MAIL": {**SETUP, "552 5.3.4 too much": NEVER, "552 too much": NEVER} | gone(AWAY),
    "RCPT": {
        "421 4.3.2 closing": AWAY,
        "450 4.2.1 try again": LATER,
        "451 try again": LATER,
        "452 4.3.2 full": BUSY,
        "451 4.7.1 greylisted": BUSY,
        "550 5.1.1 unknown": DEAD,
        "553 5.1.8 bad sender": paused("5.1.8 bad sender"),
        "552 5.2.2 full": LATER,
        "552 full": LATER,
        "550 5.7.1 unwanted": NEVER,
        "554 no": NEVER,
    }
    | gone(LATER),
    "DATA": {"421 4.3.2 closing": AWAY, "451 4.3.0 not now": LATER, "554 5.7.1 unwanted": NEVER} | gone(LATER),
    "dot": {"421 4.3.2 closing": LATER, "451 4.3.0 not now": LATER, "552 5.3.4 too much": NEVER, "554 no": NEVER}
    | gone(DOUBT),
    "taken": gone(DOUBT),
}
"""What is said at which point, and what becomes of it where the server is asked step by step."""

BLIND = frozenset({"MAIL", "RCPT", "dot", "taken"})
"""A chunk is complete on its way before the server has said anything: a connection lost then leaves doubt."""


def fates(way: Way, point: str) -> Mapping[str, Fate]:
    told = STEPWISE[point]
    return {**told, **gone(DOUBT)} if way is Way.CHUNKING and point in BLIND else told


POINTS = [
    (way, point)
    for way in Way
    for point in STEPWISE
    if (point not in {"connect", "EHLO"} or way is Way.CHUNKING) and (way, point) != (Way.CHUNKING, "DATA")
]
"""What comes before the first mail is the same for all ways; a chunk needs no DATA."""


SHORT = [(way, point) for way, point in POINTS if way is Way.PIPELINING or point in {"connect", "EHLO"}]
"""Every lie once."""


@pytest.fixture(scope="module")
def postgres_stores() -> Iterator[Stores]:
    options = {**UNSAFE_AND_FAST, **MANY_CONNECTIONS}
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data", options=options) as server:
        yield PostgresStores(server)


@pytest.fixture
def stores(request: pytest.FixtureRequest) -> Stores:
    """In memory or in PostgreSQL, as the test is parametrised."""
    if request.param == "memory":
        return in_memory
    made: Stores = request.getfixturevalue("postgres_stores")
    return made


def marks(store: str, *, short: bool) -> Sequence[pytest.MarkDecorator]:
    """Over PostgreSQL all but the short cases are left to `make soak`."""
    return () if short or store == "memory" else SOAK


STORES = ("memory", "postgres")

each_point = pytest.mark.parametrize(
    ("stores", "way", "point"),
    [
        pytest.param(
            store, way, point, marks=marks(store, short=(way, point) in SHORT), id=f"{store}-{way.name}-{point}"
        )
        for store in STORES
        for way, point in POINTS
    ],
    indirect=["stores"],
)
each_way = pytest.mark.parametrize(
    ("stores", "way"),
    [
        pytest.param(store, way, marks=marks(store, short=way is Way.PIPELINING), id=f"{store}-{way.name}")
        for store in STORES
        for way in Way
    ],
    indirect=["stores"],
)


async def suffer(stores: Stores, place: Path, way: Way, point: str, lie: str) -> Fate:
    """An issue to a server that tells this lie to everybody, and then to an honest one; what it was like between."""
    limit = IMPATIENCE if lie in SILENCE else PATIENCE
    with lying(place, lambda moment: lie if moment.point == point else None) as server:
        async with engine(stores, server.relay, way, *READERS, time_limit=limit) as run:
            await run.settled()
            (fate,) = await run.fates()
            run.judge(server.relay)
            server.liar = honest
            await run.finish()
            run.judge(server.relay)
            last = DeliveryState.FAILED if fate.state is DeliveryState.FAILED else DeliveryState.SENT
            assert {row.state for row in run.rows().values()} == {last}
    return fate


@each_point
async def test_each_lie_has_the_outcome_of_the_table(stores: Stores, tmp_path: Path, way: Way, point: str) -> None:
    expected = {lie: fate for lie, fate in fates(way, point).items() if lie not in SILENCE}
    found = await asyncio.gather(
        *(suffer(stores, tmp_path / str(number), way, point, lie) for number, lie in enumerate(expected))
    )
    assert dict(zip(expected, found, strict=True)) == expected


@pytest.mark.parametrize(
    ("stores", "points"),
    [
        pytest.param("memory", POINTS, id="memory"),
        pytest.param("postgres", SHORT, id="postgres"),
        pytest.param("postgres", POINTS, marks=SOAK, id="postgres, all ways"),
    ],
    indirect=["stores"],
)
async def test_a_server_that_does_not_answer_has_the_outcome_of_the_table(
    stores: Stores, tmp_path: Path, points: Sequence[tuple[Way, str]]
) -> None:
    """All at once, since each takes the whole time limit."""
    expected = {(way, point, act): fates(way, point)[act] for way, point in points for act in SILENCE}
    found = await asyncio.gather(
        *(suffer(stores, tmp_path / str(number), *silence) for number, silence in enumerate(expected))
    )
    assert dict(zip(expected, found, strict=True)) == expected


LATER_CODES = [code for code in range(400, 500) if code != 421]
"""421 is no answer to RCPT but the end of the connection, and has a row of its own."""


@each_way
async def test_every_4xx_to_a_recipient_puts_off_that_one_alone(stores: Stores, tmp_path: Path, way: Way) -> None:
    """One reader for each code."""
    readers = {f"reader{code}@domain{code}.example": code for code in LATER_CODES}

    def liar(moment: Moment) -> Lie:
        return f"{readers[moment.recipient]} not now" if moment.point == "RCPT" else None

    with lying(tmp_path, liar) as server:
        async with engine(stores, server.relay, way, *readers) as run:
            await run.settled()
            assert await run.fates() == {LATER}
            server.liar = honest
            await run.finish()
            run.judge(server.relay)
            assert {row.state for row in run.rows().values()} == {DeliveryState.SENT}


LARGE = Content.parse("x" * 200, "{{ issue.title }}\n" * 40_000)
"""8 MB: no kernel holds so much between two processes of which one does not read."""


@each_way
@pytest.mark.parametrize("act", [Act.DROP, Act.RESET])
async def test_a_mail_cut_off_before_its_last_byte_was_written_leaves_no_doubt(
    stores: Stores, tmp_path: Path, way: Way, act: Act
) -> None:
    """Where it is a chunk, the replies before it may be lost as well."""
    with lying(tmp_path, lambda moment: act if moment.point == "body" else None, narrow=True) as server:
        async with engine(stores, server.relay, way, READERS[0], content=LARGE) as run:
            await run.settled()
            assert await run.fates() <= {LATER, AWAY if way is Way.CHUNKING else LATER}
            run.judge(server.relay)


CROWD = [f"reader{number}@domain{number % 7}.example" for number in range(60)]


@each_way
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 50))])
async def test_a_fifth_of_all_steps_put_off_at_random(stores: Stores, tmp_path: Path, way: Way, seed: int) -> None:
    """Nobody is lost, and nobody gets two."""
    dice = random.Random(seed)  # noqa: S311 - the same lies every time
    points = {"MAIL", "RCPT", "DATA", "dot"}

    def liar(moment: Moment) -> Lie:
        return "450 4.2.0 not now" if moment.point in points and dice.random() < 0.2 else None

    with lying(tmp_path, liar) as server:
        async with engine(stores, server.relay, way, *CROWD[:30]) as run:
            await run.settled()
            states = {row.state for row in run.rows().values()}
            put_off = {DeliveryState.DEFERRED, DeliveryState.PENDING}
            assert states <= {DeliveryState.SENT, *put_off}
            assert states & put_off
            await run.finish()
            run.judge(server.relay)
            assert len(server.relay.mails) == len(run.rows())


@each_way
@pytest.mark.parametrize("point", ["MAIL", "250"])
async def test_a_server_that_takes_few_mails_on_a_connection_gets_the_rest_over_others(
    stores: Stores, tmp_path: Path, way: Way, point: str
) -> None:
    """It says 421 to the next MAIL, or at once after a mail. That is no failure of anybody."""
    most = 7

    def liar(moment: Moment) -> Lie:
        is_enough = moment.mails == (most if point == "MAIL" else most - 1)
        return "421 4.7.0 enough for one connection" if moment.point == point and is_enough else None

    with lying(tmp_path, liar) as server:
        async with engine(stores, server.relay, way, *CROWD) as run:
            await run.settled()
            assert await run.fates() == {Fate(DeliveryState.SENT, 1)}
            run.judge(server.relay)
        copies = Counter(mail.connection for mail in server.relay.mails)
        assert max(copies.values()) == most
        assert copies.total() == len(CROWD)


@each_way
@pytest.mark.parametrize("pause", [0.0, SLOW], ids=["torn", "one byte a second"])
async def test_replies_in_pieces_are_replies(stores: Stores, tmp_path: Path, way: Way, pause: float) -> None:
    with lying(tmp_path, pause=pause) as server:
        async with engine(stores, server.relay, way, *READERS) as run:
            await run.settled()
            assert await run.fates() == {Fate(DeliveryState.SENT, 1)}
            run.judge(server.relay)


@each_way
async def test_answers_that_come_as_the_time_limit_ends(stores: Stores, tmp_path: Path, way: Way) -> None:
    """Some in time and some too late, and which is which is up to the machine: the ledger believes only what it heard,
    and nobody gets the mail more often than it had doubts.
    """
    limit, dice = 0.3, random.Random(way)  # noqa: S311 - the same delays every time

    async def liar(moment: Moment) -> Lie:
        if moment.point == "taken":
            await asyncio.sleep(limit * dice.uniform(0.5, 1.5))
        return None

    with lying(tmp_path, liar) as server:
        async with engine(stores, server.relay, way, *CROWD[:12], time_limit=limit) as run:
            await run.settled()
            run.judge(server.relay)
            server.liar = honest
            await run.finish()
            run.judge(server.relay)
            assert {row.state for row in run.rows().values()} == {DeliveryState.SENT}
