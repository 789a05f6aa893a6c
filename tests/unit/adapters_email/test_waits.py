import pytest

from adapters_email.waits import BOUNDS, StepName, Waits
from tests.support.desks import RecordingDesk
from tests.support.parcels import parcel
from tests.support.scripted_relay import ScriptedRelay, mailer
from zero2prod_core.ports.telemetry import Distribution


def distributions(waits: Waits) -> dict[str, Distribution]:
    found = {reading.labels["step"]: reading.value for reading in waits.readings()}
    return {step: value for step, value in found.items() if isinstance(value, Distribution)}


def counts(waits: Waits) -> dict[str, int]:
    found = {step: sum(value.counts) for step, value in distributions(waits).items()}
    return {step: count for step, count in found.items() if count}


def test_what_was_answered_at_once_was_waited_for_as_long() -> None:
    waits = Waits()
    waits.note([StepName.END, StepName.MAIL], BOUNDS[3])
    waits.note([StepName.END], BOUNDS[-1] + 1)
    seen = distributions(waits)
    assert seen.keys() == set(StepName)
    assert [seen["end"].counts[3], seen["end"].counts[-1], seen["mail"].counts[3]] == [1, 1, 1]
    assert seen["end"].total == BOUNDS[3] + BOUNDS[-1] + 1


@pytest.mark.parametrize("offers", [(), ("PIPELINING",), ("PIPELINING", "CHUNKING")])
async def test_every_way_counts_the_same_number_of_ends(monkeypatch: pytest.MonkeyPatch, offers: tuple[str]) -> None:
    ScriptedRelay(*offers).installed(monkeypatch)
    sender = mailer()
    await sender.run(RecordingDesk([parcel(to=f"reader{number}@example.com") for number in range(3)]))
    seen = counts(sender.waits)
    assert (seen["mail"], seen["rcpt"], seen["end"], seen.get("data")) == (3, 3, 3, None if "CHUNKING" in offers else 3)


async def test_a_reply_in_pieces_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    relay = ScriptedRelay("PIPELINING", cut=lambda said: (said[:2], said[2:7], said[7:]))
    relay.installed(monkeypatch)
    sender = mailer()
    await sender.run(RecordingDesk([parcel()]))
    assert counts(sender.waits) == {"mail": 1, "rcpt": 1, "data": 1, "end": 1, "quit": 1}
