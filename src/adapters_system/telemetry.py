"""Telemetry for Prometheus: numbers are kept as plain ones, and told in its text format when somebody asks.

Counting costs a look into a dictionary and an addition, less than the client library's own metrics, which take a lock
for each. What other parts count by themselves is read when it is asked for, and costs nothing until then.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from adapters_system.metrics import METRICS, Kind, Metric
from zero2prod_core.errors import Defect
from zero2prod_core.ports.telemetry import Distribution, Reading, Readings, Telemetry

__all__ = ["PrometheusTelemetry"]

Family: TypeAlias = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Call: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""An event with its labels, as a call names them."""

BY_EVENT: Final = {metric.event: metric for metric in METRICS}


class _Count:
    """A number that grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class PrometheusTelemetry(Telemetry):
    """Belongs to one event loop, like those who tell it. `METRICS` says what it knows; anything else is a Defect."""

    content_type: Final = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self._counts: dict[Call, _Count] = {}
        self._distributions: dict[Call, Distribution] = {}
        self._sources: list[Readings] = []
        # Not the library's own registry: a second process in this one, as tests have, would count into the first's.
        self._registry = CollectorRegistry()
        self._registry.register(_Told(self.readings))
        ProcessCollector(registry=self._registry)
        for metric in METRICS:
            self._begin(metric)

    def count(self, event: str, number: int = 1, **labels: str) -> None:
        call = (event, tuple(labels.items()))
        found = self._counts.get(call)
        if found is None:
            found = self._counts[call] = self._counts.setdefault(_usual(event, labels, Kind.COUNTER), _Count())
        found.value += number

    def observe(self, event: str, seconds: float, **labels: str) -> None:
        call = (event, tuple(labels.items()))
        found = self._distributions.get(call)
        if found is None:
            usual = _usual(event, labels, Kind.HISTOGRAM)
            new = Distribution(BY_EVENT[event].bounds)
            found = self._distributions[call] = self._distributions.setdefault(usual, new)
        found.add(seconds)

    def watch(self, source: Readings) -> None:
        """Ask this part as well, each time that somebody asks us."""
        self._sources.append(source)

    def readings(self) -> Iterable[Reading]:
        """All that is known now: what was told, then what the parts that are watched say."""
        for (event, labels), count in self._counts.items():
            yield Reading(event, count.value, dict(labels))
        for (event, labels), distribution in self._distributions.items():
            yield Reading(event, distribution, dict(labels))
        for source in self._sources:
            yield from source()

    def exposition(self) -> bytes:
        """Everything, in the text format of Prometheus (version 0.0.4)."""
        return generate_latest(self._registry)

    def _begin(self, metric: Metric) -> None:
        """Counters begin at 0 where it is known of what."""
        if metric.kind is Kind.COUNTER and len(metric.labels) <= 1:
            values = [((name, value),) for name, known in metric.labels.items() for value in known]
            beginnings: Sequence[tuple[tuple[str, str], ...]] = values if metric.labels else [()]
            self._counts.update({(metric.event, labels): _Count() for labels in beginnings})


class _Told(Collector):
    """What the client library asks when it writes."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterable[Family]:
        values: dict[str, dict[tuple[str, ...], float | Distribution]] = {}
        for reading in self._readings():
            metric = _declared(reading.event, reading.labels)
            labels = tuple(reading.labels[name] for name in metric.labels)
            values.setdefault(metric.event, {})[labels] = reading.value
        return [_family(metric, values[metric.event]) for metric in METRICS if metric.event in values]


def _usual(event: str, labels: Mapping[str, str], kind: Kind) -> Call:
    """The call with its labels in the table's order."""
    metric = _declared(event, labels)
    if metric.kind is not kind:
        raise Defect(f"{event} is declared as a {metric.kind.value}, not as a {kind.value}")
    return event, tuple((name, labels[name]) for name in metric.labels)


def _declared(event: str, labels: Mapping[str, str]) -> Metric:
    metric = BY_EVENT.get(event)
    if metric is None or metric.labels.keys() != labels.keys():
        raise Defect(f"{event} with labels {sorted(labels)} is not in the table of metrics")
    return metric


def _family(metric: Metric, values: Mapping[tuple[str, ...], float | Distribution]) -> Family:
    """One metric with all its samples."""
    if metric.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(metric.name, metric.help, labels=list(metric.labels))
        for labels, value in values.items():
            if isinstance(value, Distribution):
                histogram.add_metric(labels, _buckets(value), value.total)
        return histogram
    made = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = made(metric.name, metric.help, labels=list(metric.labels))
    for labels, value in values.items():
        if not isinstance(value, Distribution):
            family.add_metric(labels, value)
    return family


def _buckets(distribution: Distribution) -> list[tuple[str, float]]:
    """Each with all that fell below its bound (Prometheus: cumulative histograms)."""
    buckets, below = [], 0
    for bound, count in zip((*distribution.bounds, float("inf")), distribution.counts, strict=True):
        below += count
        buckets.append(("+Inf" if bound == float("inf") else f"{bound:g}", float(below)))
    return buckets
