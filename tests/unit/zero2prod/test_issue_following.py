"""Watching an issue from a terminal."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import attrs
import orjson
import pytest

from zero2prod.commands.issue_following import Drawing, Follower, Lines, Screen, json_line, screen_for
from zero2prod.commands.issue_lines import bar, line_of, page_of, picture_of
from zero2prod.testing.builders import T0, letter, new_id
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.issues import Issue, IssueState, PauseCause
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.progress import Speedometer, Standing
from zero2prod_core.domain.progress_reports import IssueProgress, ProgressReport
from zero2prod_core.domain.remedies import RATED
from zero2prod_core.domain.state_words import MEANINGS
from zero2prod_core.errors import StoreUnavailable

ISSUE = Issue(new_id(), DEFAULT_NEWSLETTER.id, new_id(), "News of May", IssueState.SENDING, T0, audience=100)


LETTER = letter()


def progress(sent: int, state: IssueState = IssueState.SENDING, **changes: Any) -> IssueProgress:  # noqa: ANN401 - whatever an issue has
    """Of a hundred mails so many are sent, the others pending."""
    sums: Mapping[DeliveryState, int] = {DeliveryState.PENDING: 100 - sent, DeliveryState.SENT: sent}
    issue = attrs.evolve(ISSUE, state=state, **changes)
    return IssueProgress(issue, DEFAULT_NEWSLETTER, LETTER, sums, 0, [])


FINISHED = progress(100, IssueState.FINISHED)

PAUSED = progress(40, IssueState.PAUSED, pause_cause=PauseCause.SENDER, pause_reason="530 log in first")


class Noting(Screen):
    def __init__(self) -> None:
        self.shown: list[ProgressReport] = []

    def show(self, report: ProgressReport) -> None:
        self.shown.append(report)


class Story:
    """What is seen at each look; a look takes ``seconds``, and rests are noted and pass at once."""

    def __init__(self, *seen: IssueProgress | Exception, seconds: float = 0.0) -> None:
        self._seen: Iterator[IssueProgress | Exception] = iter(seen)
        self._seconds = seconds
        self.now = 0.0
        self.rests: list[float] = []

    async def look(self) -> IssueProgress:
        self.now += self._seconds
        found = next(self._seen)
        if isinstance(found, Exception):
            raise found
        return found

    def clock(self) -> float:
        return self.now

    async def rest(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds


async def followed(story: Story) -> Sequence[ProgressReport]:
    screen = Noting()
    await Follower(story.look, screen, story.clock, story.rest)()
    return screen.shown


async def test_it_looks_once_a_second_until_the_issue_is_over() -> None:
    story = Story(progress(0), progress(10), progress(20), FINISHED)
    shown = await followed(story)
    assert story.rests == [1.0, 1.0, 1.0]
    assert [report.rate for report in shown] == [None, 10.0, 10.0, None]
    assert shown[-1].is_over


async def test_looks_that_take_long_come_seldom() -> None:
    story = Story(progress(0), FINISHED, seconds=3.0)
    await followed(story)
    assert story.rests == [pytest.approx(27.0)]


async def test_a_pause_is_waited_out() -> None:
    shown = await followed(Story(progress(40), PAUSED, PAUSED, progress(60), FINISHED))
    assert [report.issue.state for report in shown].count(IssueState.PAUSED) == 2
    assert shown[1].remaining is None


async def test_a_store_that_goes_away_is_waited_for() -> None:
    story = Story(progress(0), StoreUnavailable(), StoreUnavailable(), FINISHED)
    assert len(await followed(story)) == 2


async def test_a_store_that_is_away_from_the_start_is_said() -> None:
    with pytest.raises(StoreUnavailable):
        await followed(Story(StoreUnavailable()))


async def test_a_cancelled_issue_is_over_when_nothing_waits_any_more() -> None:
    waiting = progress(40, IssueState.CANCELLED)
    over = attrs.evolve(waiting, sums={DeliveryState.SENT: 40, DeliveryState.CANCELLED: 60})
    assert len(await followed(Story(progress(40), waiting, over))) == 3


def report(found: IssueProgress, rate: float | None = None) -> ProgressReport:
    speedometer = Speedometer() if rate is None else Speedometer().seen(0.0, 0).seen(100.0, round(rate * 100))
    return ProgressReport(found, speedometer)


@pytest.mark.parametrize(
    ("done", "total", "width", "drawn"),
    [
        (0, 10, 10, "[----------]"),
        (5, 10, 10, "[#####-----]"),
        (99, 100, 10, "[#########-]"),
        (10, 10, 10, "[##########]"),
        (0, 0, 10, "[##########]"),
        (5, 10, 9, ""),
        (5, 10, -3, ""),
    ],
)
def test_a_bar_is_full_when_all_is_done(done: int, total: int, width: int, drawn: str) -> None:
    assert bar(Standing(total, total - done, done), width) == drawn


def test_a_picture_has_bar_rate_time_and_sums() -> None:
    title, numbers, sums = picture_of(report(progress(40), 20.0), 80)
    assert title == "News of May"
    assert numbers.startswith("[")
    assert numbers.endswith("]   sending   40 %   40 of 100   20 mails/s   3 s left")
    assert sums == "pending 60   sent 40"
    assert len(numbers) <= 80


def test_every_sum_is_seen_on_a_narrow_screen() -> None:
    sums = dict.fromkeys(DeliveryState, 1_000_000)
    lines = picture_of(report(attrs.evolve(progress(0), sums=sums, possibly_twice=3)), 60)
    assert all(len(line) <= 60 for line in lines)
    assert all(any(f"{state} 1,000,000" in line for line in lines) for state in DeliveryState)
    assert any("possibly twice 3" in line for line in lines)


def test_each_state_says_what_it_means() -> None:
    sums = dict.fromkeys(DeliveryState, 1)
    lines = page_of(report(attrs.evolve(progress(0), sums=sums)))
    assert all(f"{state}\t1\t{MEANINGS[state]}" in lines for state in DeliveryState)


def test_while_mails_wait_a_rate_is_told() -> None:
    assert f"rate\t{RATED}" in page_of(report(attrs.evolve(progress(40), limited=True)))
    for other in (progress(40), attrs.evolve(PAUSED, limited=True), attrs.evolve(progress(100), limited=True)):
        assert not any(RATED in line for line in page_of(report(other)))


@pytest.mark.parametrize("width", [10, 40, 79, 200])
def test_a_picture_fits_its_screen(width: int) -> None:
    lines = picture_of(report(PAUSED, 20.0), width)
    assert all(len(line) <= width for line in lines)
    assert "Mend" in "".join(lines)


def test_a_pause_is_said_with_its_remedy() -> None:
    assert "paused: 530 log in first   remedy: The relay refuses" in line_of(report(PAUSED))
    assert "paused\t530 log in first" in page_of(report(PAUSED))


def test_nobody_is_said_so() -> None:
    nobody = attrs.evolve(FINISHED, sums={})
    assert line_of(report(nobody)) == "finished   100 %   0 of 0   nobody to send it to"


def test_what_may_have_come_twice_is_said() -> None:
    assert line_of(report(attrs.evolve(FINISHED, possibly_twice=3))).endswith("sent 100   possibly twice 3")


def test_a_terminal_is_drawn_over(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((80, 24)))
    drawing = Drawing()
    drawing.show(report(progress(1)))
    assert "\x1b" not in capsys.readouterr().out
    drawing.show(report(PAUSED))
    assert capsys.readouterr().out.startswith("\x1b[3F\x1b[JNews of May\n")
    drawing.show(report(FINISHED))
    assert capsys.readouterr().out.startswith("\x1b[7F\x1b[JNews of May\n")


def test_what_does_not_fit_a_terminal_is_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((20, 6)))
    Drawing().show(report(PAUSED))
    assert capsys.readouterr().out.count("\n") == 5


def test_elsewhere_each_change_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(lambda found: f"{found.progress.sums[DeliveryState.SENT]} at {found.rate}")
    for sent, rate in zip((1, 1, 2, 2), count(1.0), strict=False):
        lines.show(report(progress(sent), rate))
    assert capsys.readouterr().out == "1 at 1.0\n2 at 3.0\n"


def test_programs_get_an_object_a_line() -> None:
    told = orjson.loads(json_line(report(progress(40), 20.0)))
    assert (told["rate"], told["seconds_left"], told["left"]) == (20.0, 3, 60)
    assert "\n" not in json_line(report(progress(40)))


@pytest.mark.parametrize(
    ("as_json", "is_terminal", "kind"), [(True, True, Lines), (False, True, Drawing), (False, False, Lines)]
)
def test_the_screen_is_chosen_by_who_reads(as_json: bool, is_terminal: bool, kind: type[Screen]) -> None:
    assert isinstance(screen_for(as_json=as_json, is_terminal=is_terminal), kind)
