import asyncio

import pytest

from tests.support.documentation import DOCS
from tests.support.patients import PUBLIC, patient, told
from zero2prod.doctor import examination
from zero2prod.doctor.examination import CHECKS, Check, Concern, examine, for_a_person
from zero2prod.doctor.findings import Finding, Level, Verdict, error, fine, unchecked, warning
from zero2prod.doctor.patient import Patient
from zero2prod_core.errors import Defect, SchemaRefused, SettingInvalid, StoreUnavailable


def check(subject: str, verdict: Verdict | Exception | None, concern: Concern = Concern.EVERYBODY) -> Check:
    """Gives the verdict, raises the error, or for None never ends."""

    async def look(_: Patient) -> Verdict:
        if isinstance(verdict, Exception):
            raise verdict
        if verdict is None:
            await asyncio.Event().wait()
        assert verdict
        return verdict

    return Check(subject, look, concern)


class TestExamining:
    async def test_findings_come_in_order_whatever_breaks_or_hangs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(examination, "CHECK_LASTS", 0.05)
        found = await examine(
            patient(),
            [
                check("hangs", None),
                check("is well", fine("fine")),
                check("away", StoreUnavailable()),
                check("lacks", SchemaRefused("lacks a table", "Migrate")),
                check("refuses", SettingInvalid("X", "is odd.")),
                check("breaks", KeyError("hunter2")),
            ],
        )
        assert [(each.subject, each.level) for each in found] == [
            ("hangs", Level.ERROR),
            ("is well", Level.OK),
            ("away", Level.UNKNOWN),
            ("lacks", Level.UNKNOWN),
            ("refuses", Level.ERROR),
            ("breaks", Level.ERROR),
        ]
        assert found[0].says == "no answer within 0.05 s"
        assert found[2].says == "not checked, because the database does not answer"
        assert found[5].says == "cannot be checked (KeyError)"
        assert "hunter2" not in str(found)

    async def test_one_cause_is_one_error(self) -> None:
        ill = patient()
        told(ill).trouble = StoreUnavailable()
        findings = {finding.subject: finding.level for finding in await examine(ill)}
        asking = {"database", "schema", "roles", "keys in use", "clock"}
        assert {subject for subject in asking if findings[subject] is Level.ERROR} == {"database"}

    async def test_a_defect_is_told_without_a_traceback(self) -> None:
        (found,) = await examine(patient(), [check("odd", Defect("it is odd"))])
        assert found == Finding("odd", Level.ERROR, "it is odd", "Mend that, then look again")


class TestForAPerson:
    @pytest.fixture(autouse=True)
    def _checks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        checks = [
            check("well", fine("")),
            check("mine", warning("", "")),
            check("theirs", warning("", ""), Concern.THE_PUBLIC),
            check("behind what is broken", unchecked("")),
            check("broken", error("", ""), Concern.THE_PUBLIC),
            check("watched", error("", ""), Concern.NOBODY),
        ]
        monkeypatch.setattr(examination, "CHECKS", checks)

    async def test_on_a_first_try_what_is_for_strangers_is_no_warning(self) -> None:
        assert [each.subject for each in await for_a_person(patient())] == ["mine", "broken"]

    async def test_in_public_it_is(self) -> None:
        assert [each.subject for each in await for_a_person(patient(PUBLIC))] == ["mine", "theirs", "broken"]


def test_the_page_has_every_check() -> None:
    lines = (DOCS / "how-to" / "check-an-installation.md").read_text().splitlines()
    assert [line.split("`")[1] for line in lines if line.startswith("| `")] == [each.subject for each in CHECKS]


def test_that_limits_are_off_is_said_to_whoever_starts_everything() -> None:
    assert [each.concern for each in CHECKS if each.subject == "limits"] == [Concern.EVERYBODY]
