"""Letters that take long to turn into mails."""

import asyncio
import io
import pickle

import attrs
import pytest

from adapters_email import preparing
from adapters_email.composing import compose
from adapters_email.content import content_from, content_of, is_kept, source_of
from adapters_email.memory import InMemoryMailer
from adapters_email.preparing import QUICK, Preparing, serve
from tests.support.desks import RecordingDesk
from tests.support.hostile_letters import ENDLESS, TOO_DEEP, letter_of
from tests.support.parcels import LISTING, listed, parcel
from tests.support.waiting import eventually
from zero2prod_core.domain.deliveries import SenderFault, Sent
from zero2prod_core.domain.letters import Letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel

LARGE = "<p>{{ subscriber.name }}, read this.</p>\n" * (QUICK // 16)


def mails(letter: Letter, count: int = 1) -> list[Parcel]:
    return [listed(parcel(letter, f"a{number}@example.com")) for number in range(count)]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.subprocess.Process]:
    """The processes that were started."""
    processes: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def starting(*args: str, **options: object) -> asyncio.subprocess.Process:
        processes.append(await start(*args, **options))  # type: ignore[arg-type]  # they are handed on as they came
        return processes[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", starting)
    return processes


async def test_a_large_letter_is_made_elsewhere_once_for_all_lanes(
    started: list[asyncio.subprocess.Process],
) -> None:
    sent = mails(letter_of(LARGE), 4)
    async with Preparing() as prepare:
        assert not is_kept(sent[0])
        await asyncio.gather(*(prepare(each) for each in sent))
        content = content_of(sent[0])
        await prepare(sent[0])
    assert [process.returncode for process in started] == [0]
    assert all(content_of(each) is content for each in sent)
    assert content.html == content_from(source_of(sent[0])).html
    assert compose(sent[1]).content


async def test_a_letter_of_common_size_is_made_on_the_spot(started: list[asyncio.subprocess.Process]) -> None:
    [sent] = mails(letter_of("<p>Words</p>"))
    async with Preparing() as prepare:
        await prepare(sent)
    assert not started
    assert not is_kept(sent)


async def test_everything_else_runs_meanwhile() -> None:
    """The letter takes for ever, and the loop is not held up: it goes round a thousand times before giving up."""
    [endless] = mails(letter_of(ENDLESS))
    async with Preparing() as prepare:
        making = asyncio.create_task(prepare(endless))
        for _ in range(1000):
            await asyncio.sleep(0)
        quick = parcel()
        await prepare(quick)
        assert compose(quick).content
        assert not making.done()
        making.cancel()
        await asyncio.wait({making})
    assert making.cancelled()


async def test_whoever_stops_leaves_no_process_behind(started: list[asyncio.subprocess.Process]) -> None:
    [endless] = mails(letter_of(ENDLESS))
    async with Preparing() as prepare:
        making = asyncio.create_task(prepare(endless))

        async def is_running() -> bool:
            return bool(started)

        assert await eventually(is_running)
    assert started[0].returncode is not None
    with pytest.raises(asyncio.CancelledError):
        await making


async def test_a_letter_that_takes_too_long_is_said_to_be_at_fault(
    started: list[asyncio.subprocess.Process],
) -> None:
    sent = mails(letter_of(ENDLESS), 3)
    async with Preparing(limit=0.2) as prepare:
        for each in sent:
            with pytest.raises(Defect, match=r"^this issue takes longer than 0\.2 s .*; make it simpler$"):
                await prepare(each)
    assert len(started) == 1
    assert started[0].returncode not in {0, None}


async def test_after_a_while_it_is_tried_again(
    started: list[asyncio.subprocess.Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "REST", 0.0)
    [sent] = mails(letter_of(TOO_DEEP))
    async with Preparing() as prepare:

        async def is_forgotten() -> bool:
            return not prepare._making

        for _ in range(2):
            with pytest.raises(Defect, match=r"^this issue cannot be turned into a mail: reading it fails"):
                await prepare(sent)
            assert await eventually(is_forgotten)
    assert len(started) == 2


async def test_a_mailer_reports_it_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Preparing.__init__, "__defaults__", (0.2,))
    mailer = InMemoryMailer()
    desk = RecordingDesk([*mails(letter_of(ENDLESS), 2), *mails(letter_of("<p>Words</p>"))])
    await mailer.run(desk)
    assert [type(outcome) for outcome in desk.outcomes] == [SenderFault, SenderFault, Sent]
    assert "make it simpler" in desk.outcomes[0].reply.text


async def test_a_letter_that_says_nothing_is_told_as_ever() -> None:
    [sent] = mails(attrs.evolve(letter_of(None), markdown="x" * QUICK + "\ud800"))
    async with Preparing() as prepare:
        with pytest.raises(Defect):
            await prepare(sent)


async def test_without_a_process_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    [sent] = mails(letter_of(LARGE))
    async with Preparing() as prepare:
        with pytest.raises(Defect, match=r"no process for it .No such file or directory"):
            await prepare(sent)


@pytest.mark.parametrize("letter", [letter_of("<p>Words</p>"), letter_of(None)], ids=["words", "none"])
def test_the_other_process_answers_with_a_content_or_with_what_is_wrong(letter: Letter) -> None:
    answers = io.BytesIO()
    source = letter, DEFAULT_NEWSLETTER, LISTING.list_id
    serve(io.BytesIO(pickle.dumps(source)), answers)
    made = pickle.loads(answers.getvalue())  # noqa: S301 - it was written a line above
    if letter.html:
        assert made.html == content_from(source).html
    else:
        assert str(made).endswith("says nothing")
