from structlog.testing import capture_logs

from adapters_system.alarms import SILENT_FOR, Alarms
from zero2prod_core.ports.telemetry import Telemetry


class Remembering(Telemetry):
    def __init__(self) -> None:
        self.told: list[tuple[str, float, dict[str, str]]] = []

    def count(self, event: str, number: int = 1, **labels: str) -> None:
        self.told.append((event, number, labels))

    def observe(self, event: str, seconds: float, **labels: str) -> None:
        self.told.append((event, seconds, labels))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_everything_is_passed_on() -> None:
    telemetry = Remembering()
    alarms = Alarms(telemetry)
    alarms.count("sign_ups", 3, outcome="mailed")
    alarms.observe("loop_lag", 0.5)
    alarms.count("limit_alarms", scope="mail_total")
    assert telemetry.told == [
        ("sign_ups", 3, {"outcome": "mailed"}),
        ("loop_lag", 0.5, {}),
        ("limit_alarms", 1, {"scope": "mail_total"}),
    ]


def test_each_scope_is_told_of_once_a_minute() -> None:
    clock = Clock()
    alarms = Alarms(Remembering(), clock)
    with capture_logs() as logs:
        for scope in ("mail_total", "mail_total", "recipient_domain"):
            alarms.count("limit_alarms", scope=scope)
        clock.now += SILENT_FOR - 1
        alarms.count("limit_alarms", scope="mail_total")
        clock.now += 1
        alarms.count("limit_alarms", scope="mail_total")
        alarms.count("limit_refusals", scope="sign_up_network")
    assert [(line["event"], line["scope"], line["log_level"]) for line in logs] == [
        ("limit_alarm", "mail_total", "warning"),
        ("limit_alarm", "recipient_domain", "warning"),
        ("limit_alarm", "mail_total", "warning"),
    ]
