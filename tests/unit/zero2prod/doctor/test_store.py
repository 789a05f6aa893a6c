from datetime import timedelta

import attrs
import pytest

from adapters_memory import InMemoryHeartbeats, InMemoryUnitOfWork
from adapters_postgres.inspection import KEY_HOLDERS, Server
from tests.support.documentation import examples
from tests.support.patients import APPLICATION, patient, told
from zero2prod.doctor import store
from zero2prod.doctor.examination import CHECKS, examine
from zero2prod.doctor.findings import Level
from zero2prod.settings import DatabaseSettings
from zero2prod.testing.builders import KEY, newsletter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.errors import SchemaRefused, StoreUnavailable


class TestDatabase:
    async def test_one_that_answers_is_well(self) -> None:
        verdict = await store.database(patient())
        assert (verdict.level, verdict.says) == (Level.OK, "PostgreSQL 18 answers to the role zero2prod")

    async def test_an_old_one_is_named(self) -> None:
        ill = patient()
        told(ill).answers = attrs.evolve(APPLICATION, major=14)
        verdict = await store.database(ill)
        assert (verdict.level, verdict.says) == (Level.ERROR, "is PostgreSQL 14")
        assert "15 or newer" in verdict.remedy

    @pytest.mark.parametrize(
        ("cause", "said"),
        [
            (None, "does not answer"),
            (OSError("a\n b"), "does not answer (a b)"),
            (TimeoutError(), "does not answer, and is silent"),
        ],
    )
    async def test_why_it_does_not_answer_is_told_in_its_drivers_words(
        self, cause: Exception | None, said: str
    ) -> None:
        ill = patient()
        told(ill).trouble = trouble = StoreUnavailable()
        trouble.__cause__ = cause
        verdict = await store.database(ill)
        assert (verdict.level, verdict.says) == (Level.ERROR, said)
        assert "ZERO2PROD_DATABASE_URL" in verdict.remedy


class TestSchema:
    async def test_what_is_lacking_is_named(self) -> None:
        ill = patient()
        assert (await store.schema(ill)).level is Level.OK
        told(ill).lacking = ["0001_house", "0002_ledger"]
        verdict = await store.schema(ill)
        assert (verdict.level, verdict.says) == (Level.ERROR, "lacks 0001_house, 0002_ledger")
        assert verdict.remedy == "Run: zero2prod migrate"

    async def test_a_newer_one_is_an_error(self) -> None:
        ill = patient()
        told(ill).trouble = SchemaRefused("is newer than this program", "Update it")
        verdict = await store.schema(ill)
        assert (verdict.level, verdict.says) == (Level.ERROR, "is newer than this program")


class TestRoles:
    @pytest.mark.parametrize(
        ("answers", "level", "said"),
        [
            (APPLICATION, Level.WARNING, "zero2prod may not change the schema, and no owner is known"),
            (Server(18, "all", True, ()), Level.WARNING, "the service's role all may change the schema"),
            (Server(18, "app", False, ("limits", "tokens")), Level.ERROR, "app may not read limits, tokens"),
        ],
    )
    async def test_without_an_owners_url(self, answers: Server, level: Level, said: str) -> None:
        ill = patient()
        told(ill).answers = answers
        verdict = await store.roles(ill)
        assert verdict.level is level
        assert said in verdict.says
        assert "ZERO2PROD_DATABASE_OWNER_URL" in verdict.remedy

    async def test_an_owner_who_cannot_log_in(self) -> None:
        well = patient()
        nowhere = attrs.evolve(well.settings, database=DatabaseSettings("", "postgresql://o:hush@127.0.0.1:1/x"))
        verdict = await store.roles(attrs.evolve(well, settings=nowhere))
        assert verdict.level is Level.ERROR
        assert verdict.says.startswith("the owner cannot log in (")
        assert "hush" not in str(verdict)


class TestKeysInUse:
    async def test_listed_ones_are_well(self) -> None:
        well = patient()
        told(well).keys = {holder: {KEY.id: 3} for holder in KEY_HOLDERS}
        assert (await store.keys_in_use(well)).level is Level.OK

    async def test_retired_ones_are_named_with_their_uses(self) -> None:
        ill = patient()
        told(ill).keys = {"tokens": {"old": 2, KEY.id: 1}, "deliveries": {"old": 7}, "accounts": {"odd": 1}}
        verdict = await store.keys_in_use(ill)
        assert verdict.level is Level.ERROR
        assert verdict.says == "not listed, and still in use: odd (accounts: 1); old (tokens: 2, deliveries: 7)"
        assert verdict.remedy == "Put it back into ZERO2PROD_SECRET_KEYS, behind the newest"

    async def test_what_takes_too_long_to_count_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "COUNTING_LASTS", 0.05)
        ill = patient()
        told(ill).uncountable = {"deliveries"}
        verdict = await store.keys_in_use(ill)
        assert (verdict.level, verdict.says) == (Level.WARNING, "deliveries could not be counted within 0.05 s")
        told(ill).keys = {"tokens": {"old": 2}}
        assert (await store.keys_in_use(ill)).level is Level.ERROR

    async def test_without_keys_there_is_nothing_to_compare(self) -> None:
        assert (await store.keys_in_use(patient(keys=""))).says == "not checked, because there are no keys"


class TestClock:
    @pytest.mark.parametrize(
        ("ahead", "level"),
        [
            (0, Level.OK),
            (0.9, Level.OK),
            (5, Level.WARNING),
            (-5, Level.WARNING),
            (40, Level.ERROR),
            (-40, Level.ERROR),
        ],
    )
    async def test_a_difference_is_judged_in_both_directions(self, ahead: float, level: Level) -> None:
        ill = patient()
        told(ill).ahead = timedelta(seconds=ahead)
        verdict = await store.clock(ill)
        assert verdict.level is level
        assert "differ by" in verdict.says
        assert ("NTP" in verdict.remedy) == (level is not Level.OK)


class TestWorker:
    async def test_it_must_have_been_seen(self) -> None:
        ill = patient()
        verdict = await store.worker(ill)
        assert (verdict.level, verdict.says) == (Level.WARNING, "none was ever seen")
        await ill.store.heartbeats.beat("worker-1")
        assert (await store.worker(ill)).level is Level.OK

    async def test_it_must_have_been_seen_lately(self) -> None:
        uow = InMemoryUnitOfWork()
        beats = InMemoryHeartbeats(uow)
        beats._beats["worker-1"] = uow.clock() - timedelta(minutes=5)
        ill = patient()
        verdict = await store.worker(attrs.evolve(ill, store=attrs.evolve(ill.store, heartbeats=beats)))
        assert verdict.level is Level.WARNING
        assert "zero2prod worker" in verdict.remedy


class TestNewsletters:
    async def test_those_without_a_postal_address_are_named(self) -> None:
        ill = patient()
        async with ill.store.uow() as tx:
            await tx.newsletters.add(attrs.evolve(newsletter(), postal_address="1 Road"))
        verdict = await store.newsletters(ill)
        assert verdict.level is Level.WARNING
        assert verdict.says.endswith("issue: default")
        assert verdict.remedy.startswith("Run: zero2prod newsletters edit default --postal-address")

    async def test_all_may_have_one(self) -> None:
        well = patient()
        async with well.store.uow() as tx:
            await tx.newsletters.save(attrs.evolve(DEFAULT_NEWSLETTER, postal_address="1 Road"))
        assert (await store.newsletters(well)).level is Level.OK


async def test_the_page_shows_what_is_printed() -> None:
    (shown,) = [each.code for each in examples("text") if each.code.startswith("ok ")]
    ill = patient()
    told(ill).keys = {"subscribers": {"3f2a9c01": 812}, "suppressions": {"3f2a9c01": 40}}
    subjects = {"database", "schema", "keys in use", "newsletters"}
    findings = await examine(ill, [check for check in CHECKS if check.subject in subjects])
    assert shown == "".join(f"{finding.line}\n" for finding in findings)
