"""What the documentation shows of a screen is what is printed there."""

import json
import re
from collections.abc import Iterator

import pytest

from adapters_postgres.embedded import default_data_dir
from tests.support.documentation import DOCS, ROOT, Example, examples
from tests.support.http import JSON, serving
from zero2prod import supervisor
from zero2prod.doctor.examination import CHECKS
from zero2prod.doctor.findings import Level
from zero2prod.settings import Settings
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.errors import Zero2ProdError

COMPARED = ("Site ", "src/", "Zero2ProdError", "ok ", "> ")
"""How the screens begin that are compared below, with the doctor's tests, or with those of the examples."""

USUAL_DATA_DIR = "/home/ada/.local/share/zero2prod"
"""Where Ada's data are, on the pages."""


def shown() -> list[Example]:
    """Blocks of text but those that a Python example before them prints."""
    printed = {each.follows.code for each in examples("python") if each.follows}
    return [each for each in examples("text") if each.code not in printed]


async def places(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What `up` prints at its first start."""

    async def link(settings: Settings) -> str:
        return f"{settings.base_url}/setup?token=…"

    monkeypatch.setattr(supervisor, "_set_up_link", link)
    plan = supervisor.Plan(default_data_dir(), None, 1)
    await supervisor._announce(Settings(), "http://127.0.0.1:8025/", plan)
    told = capsys.readouterr()
    return (told.out + told.err).replace(str(default_data_dir()), USUAL_DATA_DIR)


async def test_the_places_are_printed_as_the_pages_show_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = [each.code for each in shown() if each.code.startswith("Site ")]
    printed = await places(monkeypatch, capsys)
    assert blocks
    assert blocks == [printed] * len(blocks)


def names_in(tree: str) -> Iterator[str]:
    """The paths that a drawing of directories names."""
    above: list[str] = []
    for line in tree.splitlines():
        if match := re.match(r"((?:  )*)(\w[\w.]*/?)(?:\s{2,}|$)", line):
            above = [*above[: len(match[1]) // 2], match[2]]
            yield "".join(above)


def test_the_drawing_of_directories_names_what_is_there() -> None:
    (drawing,) = [each.code for each in shown() if each.code.startswith("src/")]
    named = list(names_in(drawing))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_drawing_of_errors_has_the_classes_below_the_root() -> None:
    (drawing,) = [each.code for each in shown() if each.code.startswith(Zero2ProdError.__name__)]
    assert re.findall(r"── (\w+)", drawing) == [child.__name__ for child in Zero2ProdError.__subclasses__()]


def test_the_sum_of_an_audience_names_every_state_of_a_delivery() -> None:
    sums = re.findall(r"^ *audience = (.*)$", (DOCS / "explanation" / "delivery.md").read_text(), re.MULTILINE)
    assert [sorted(each.split(" + ")) for each in sums] == [sorted(DeliveryState)]


def test_the_doctors_lines_are_about_what_it_looks_at() -> None:
    (lines,) = [each.code for each in shown() if each.code.startswith(f"{Level.OK:<8} ")]
    for line in lines.splitlines():
        level, subject = line[:8].rstrip(), line[9:].partition(": ")[0]
        assert (Level(level), subject) in {(each, check.subject) for each in Level for check in CHECKS}


async def test_problem_details_are_what_the_page_shows() -> None:
    (page,) = [json.loads(each.code) for each in examples("json") if each.page.name == "errors.md"]
    async with serving() as house:
        answered = json.loads((await house.post("/subscriptions", {}, JSON)).body)
    assert page == {**answered, "request_id": page["request_id"]}


def test_every_screen_is_compared_with_what_is_printed() -> None:
    assert [str(each) for each in shown() if not each.code.startswith(COMPARED)] == []
