import re

import pytest

from adapters_system.metrics import METRICS, Kind, Metric
from adapters_system.telemetry import PrometheusTelemetry
from zero2prod_core.errors import Defect
from zero2prod_core.ports.telemetry import SILENT, Distribution, Reading


def told(telemetry: PrometheusTelemetry) -> dict[str, float]:
    """Sample, as it stands in the text → value."""
    lines = [line for line in telemetry.exposition().decode().splitlines() if not line.startswith("#")]
    samples = [line.rpartition(" ") for line in lines]
    assert len({name for name, _, _ in samples}) == len(samples)
    return {name: float(value) for name, _, value in samples}


def test_what_is_counted_adds_up() -> None:
    telemetry = PrometheusTelemetry()
    telemetry.count("sign_ups", outcome="mailed")
    telemetry.count("sign_ups", 3, outcome="mailed")
    telemetry.count("actions", action="user_created")
    seen = told(telemetry)
    assert seen['zero2prod_sign_ups_total{outcome="mailed"}'] == 4
    assert seen['zero2prod_actions_total{action="user_created"}'] == 1


def test_a_counter_whose_values_are_known_begins_at_0() -> None:
    seen = told(PrometheusTelemetry())
    assert seen['zero2prod_sign_ups_total{outcome="withheld"}'] == 0
    assert seen['zero2prod_actions_total{action="subscriber_erased"}'] == 0


def test_the_order_of_labels_means_nothing() -> None:
    telemetry = PrometheusTelemetry()
    telemetry.count("requests", route="/", method="GET", status="200")
    telemetry.count("requests", status="200", route="/", method="GET")
    assert told(telemetry)['zero2prod_requests_total{method="GET",route="/",status="200"}'] == 2


def test_what_is_observed_falls_into_buckets() -> None:
    telemetry = PrometheusTelemetry()
    for sign_ups in (1, 1, 3, 501):
        telemetry.observe("gathered", sign_ups)
    seen = told(telemetry)
    bounds = ("1", "2", "5", "500", "+Inf")
    assert [seen[f'zero2prod_gathered_sign_ups_bucket{{le="{bound}"}}'] for bound in bounds] == [2, 2, 3, 3, 4]
    assert seen["zero2prod_gathered_sign_ups_count"] == 4
    assert seen["zero2prod_gathered_sign_ups_sum"] == 506


def test_parts_are_asked_each_time_and_know_better_than_the_beginning() -> None:
    telemetry, sent = PrometheusTelemetry(), [1.0]
    telemetry.watch(lambda: [Reading("mails", sent[0], {"outcome": "sent"})])
    telemetry.watch(lambda: [Reading("pool_busy", 3)])
    first = told(telemetry)
    sent[0] = 7
    assert (first['zero2prod_mails_total{outcome="sent"}'], first["zero2prod_pool_busy"]) == (1, 3)
    assert told(telemetry)['zero2prod_mails_total{outcome="sent"}'] == 7


def test_a_part_s_distribution_comes_with_its_own_bounds() -> None:
    telemetry, waits = PrometheusTelemetry(), Distribution((0.5,))
    for seconds in (0.5, 0.6):
        waits.add(seconds)
    telemetry.watch(lambda: [Reading("smtp_wait", waits, {"step": "mail"})])
    seen = told(telemetry)
    assert seen['zero2prod_smtp_wait_seconds_bucket{le="0.5",step="mail"}'] == 1
    assert seen['zero2prod_smtp_wait_seconds_count{step="mail"}'] == 2


def test_the_process_is_told_of_too() -> None:
    seen = told(PrometheusTelemetry())
    for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"):
        assert seen[name] > 0


def test_two_in_one_process_count_apart() -> None:
    first, second = PrometheusTelemetry(), PrometheusTelemetry()
    first.count("actions", action="subscriber_erased")
    assert told(second)['zero2prod_actions_total{action="subscriber_erased"}'] == 0


@pytest.mark.parametrize(
    ("event", "labels"),
    [("unheard_of", {}), ("sign_ups", {}), ("sign_ups", {"colour": "red"}), ("gathered", {"outcome": "x"})],
)
def test_what_is_not_in_the_table_is_a_defect(event: str, labels: dict[str, str]) -> None:
    telemetry = PrometheusTelemetry()
    with pytest.raises(Defect, match=event):
        telemetry.count(event, 1, **labels)
    telemetry.watch(lambda: [Reading(event, 1, labels)])
    with pytest.raises(Defect, match=event):
        telemetry.exposition()


def test_a_size_is_not_counted_nor_a_count_measured() -> None:
    telemetry = PrometheusTelemetry()
    with pytest.raises(Defect, match="histogram"):
        telemetry.count("gathered")
    with pytest.raises(Defect, match="counter"):
        telemetry.observe("actions", 1, action="subscriber_erased")


def test_values_cannot_break_out_of_their_line() -> None:
    telemetry = PrometheusTelemetry()
    telemetry.count("limit_refusals", scope='a"} 1\nzero2prod_lies 1\\')
    (line,) = [line for line in telemetry.exposition().decode().splitlines() if "limit_refusals_total{" in line]
    assert line == r'zero2prod_limit_refusals_total{scope="a\"} 1\nzero2prod_lies 1\\"} 1.0'


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.event)
def test_a_metric_is_named_as_prometheus_has_it(metric: Metric) -> None:
    assert re.fullmatch(r"zero2prod(_[a-z]+)+", metric.shown)
    assert metric.shown.endswith("_total") is (metric.kind is Kind.COUNTER)
    assert metric.help.endswith(".")
    assert len(metric.labels) <= 3
    assert list(metric.bounds) == sorted(set(metric.bounds))


def test_events_are_told_apart() -> None:
    assert len({metric.event for metric in METRICS}) == len({metric.shown for metric in METRICS}) == len(METRICS)


def test_who_does_not_listen_hears_nothing() -> None:
    SILENT.count("anything", 3, at="all")
    SILENT.observe("anything", 0.1)
    assert vars(SILENT) == {}
