"""What the code tells its telemetry is in the table of metrics, and in the guide for whoever watches."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.utils.yaml import yaml_load

from adapters_email.waits import StepName
from adapters_http.connections import Reason
from adapters_system.metrics import METRICS, Kind
from adapters_system.telemetry import PrometheusTelemetry
from tests.support.documentation import DOCS, blocks
from tests.support.wheels import PACKAGES
from zero2prod.desk import REFUSED, outcome_name
from zero2prod.settings import Settings
from zero2prod.settings_loading import load
from zero2prod_core.domain.deliveries import Deferred, Rejected, SenderFault, Sent, Throttled, Uncertain
from zero2prod_core.usecases.sign_ups import Outcome as SignUpOutcome

DECLARED = {metric.event: metric for metric in METRICS}
GUIDE = DOCS / "how-to" / "watch-with-prometheus.md"
VERBS = {"count": Kind.COUNTER, "observe": Kind.HISTOGRAM}


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every call of the code, but those of a telemetry that passes on what it is told."""
    for path in modules():
        tree = ast.parse(path.read_text())
        passing_on = {id(call) for each in ast.walk(tree) if is_telemetry(each) for call in ast.walk(each)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and id(node) not in passing_on:
                yield path, node


def modules() -> Iterator[Path]:
    """Every module of ours, wherever the packages are installed."""
    for package in PACKAGES:
        for directory in importlib.import_module(package).__path__:
            yield from Path(directory).rglob("*.py")


def is_telemetry(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and "Telemetry" in map(ast.unparse, node.bases)


def is_told(call: ast.Call) -> bool:
    """Whether the call is one of ``telemetry.count`` or ``self.telemetry.observe``."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in VERBS:
        return False
    return ast.unparse(function.value).rpartition(".")[2].endswith("telemetry")


def test_every_event_that_is_told_is_declared_with_its_labels() -> None:
    told = [(path, call) for path, call in calls() if is_told(call)]
    assert told
    for path, call in told:
        event = call.args[0]
        assert isinstance(event, ast.Constant), f"{path} tells an event that is no literal"
        metric = DECLARED[str(event.value)]
        labels = {keyword.arg for keyword in call.keywords} - {"number", "seconds"}
        assert labels == metric.labels.keys(), f"{path} tells {metric.event} with other labels"
        assert isinstance(call.func, ast.Attribute)
        assert VERBS[call.func.attr] is metric.kind


def test_every_reading_is_declared() -> None:
    readings = [call for _, call in calls() if isinstance(call.func, ast.Name) and call.func.id == "Reading"]
    events = {call.args[0].value for call in readings if isinstance(call.args[0], ast.Constant)}
    assert events
    assert events <= DECLARED.keys()


def test_the_outcomes_that_begin_at_0_are_those_that_there_are() -> None:
    kinds = (Sent, Deferred, Rejected, Throttled, SenderFault, Uncertain)
    assert set(DECLARED["mails"].labels["outcome"]) == {*map(outcome_name, kinds), REFUSED}
    assert set(DECLARED["sign_ups"].labels["outcome"]) == {*SignUpOutcome, "refused"}
    dropped = {*Reason} - {Reason.IDLE} | {
        f"{reason}_refused" for reason in (Reason.NETWORK, Reason.SITE, Reason.TOTAL)
    }
    assert set(DECLARED["connections_dropped"].labels["reason"]) == dropped


def test_the_guide_has_every_metric_with_its_labels_and_none_besides() -> None:
    rows = re.findall(r"^\| `(\w+)` \|([^|]*)\|", GUIDE.read_text(), re.MULTILINE)
    described = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    ours = {metric.shown: set(metric.labels) for metric in METRICS}
    text = PrometheusTelemetry().exposition().decode()
    process = {name: set[str]() for name in re.findall(r"^# TYPE (process_\w+)", text, re.MULTILINE)}
    assert len(described) == len(rows)
    assert described == ours | process


def test_the_guide_has_every_step_of_a_dialogue() -> None:
    (line,) = [line for line in GUIDE.read_text().splitlines() if line.startswith("| `zero2prod_smtp_wait_seconds`")]
    meaning = line.split(" | ")[2]
    assert [name for name in StepName if f"`{name}`" not in meaning] == []


def test_the_guide_names_no_other_metric() -> None:
    shown = {metric.shown for metric in METRICS}
    names = re.findall(r"zero2prod_\w+", GUIDE.read_text())
    assert {name.removesuffix("_bucket") for name in names} == shown


def test_the_networks_of_the_guide_are_taken() -> None:
    ((name, value),) = re.findall(r"^(ZERO2PROD_HTTP_METRICS_NETWORKS)=(.*)$", GUIDE.read_text(), re.MULTILINE)
    settings = load(None, {name: value}, Path("/nowhere/zero2prod.toml"))
    assert [str(network) for network in settings.metrics_networks] == ["127.0.0.0/8", "::1/128", "10.0.7.0/24"]


def test_the_targets_of_the_guide_are_the_ports_of_the_site_and_of_the_units_of_its_workers() -> None:
    (configuration,) = blocks("watch-with-prometheus", "yaml")
    (job,) = yaml_load(configuration)["scrape_configs"]
    targets = {each["labels"]["part"]: each["targets"] for each in job["static_configs"]}
    (pattern,) = re.findall(r"ZERO2PROD_WORKER_PORT=(\w+%i)", GUIDE.read_text())
    started = re.findall(r"zero2prod-worker@(\d)", " ".join(blocks("run-under-systemd", "sh")))
    http = Settings().http
    assert targets == {
        "site": [f"{http.host}:{http.port}"],
        "worker": [f"{Settings().worker.host}:{pattern.replace('%i', number)}" for number in started],
    }
