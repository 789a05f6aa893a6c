"""Installations for the doctor, over a store in memory."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from adapters_memory import InMemoryHeartbeats, InMemoryUnitOfWork
from adapters_postgres.inspection import Inspection, Server
from adapters_system.clock import SystemClock
from tests.support.services import SECRET_KEYS
from zero2prod.doctor.patient import Patient, Store
from zero2prod.settings import HttpSettings, MailSettings, SecretSettings, Settings
from zero2prod_core.domain.instants import Instant
from zero2prod_core.errors import Zero2ProdError

NOTHING: Mapping[str, str] = {}

APPLICATION = Server(18, "zero2prod", False, ())


class Told(Inspection):
    """Says what a test wants; with ``trouble``, raises it."""

    def __init__(self) -> None:
        self.answers = APPLICATION
        self.ahead = timedelta(0)
        self.lacking: Sequence[str] = ()
        self.keys: dict[str, Mapping[str, int]] = {}
        self.uncountable: set[str] = set()
        self.trouble: Zero2ProdError | None = None

    def _check(self) -> None:
        if self.trouble:
            raise self.trouble

    async def server(self) -> Server:
        self._check()
        return self.answers

    async def now(self) -> Instant:
        self._check()
        return SystemClock().now() + self.ahead

    async def pending(self) -> Sequence[str]:
        self._check()
        return self.lacking

    async def keys_of(self, holder: str) -> Mapping[str, int]:
        self._check()
        if holder in self.uncountable:
            await asyncio.Event().wait()
        return self.keys.get(holder, {})


def told(patient: Patient) -> Told:
    """What stands for its database."""
    assert isinstance(patient.store.inspection, Told)
    return patient.store.inspection


def patient(
    http: HttpSettings | None = None,
    mail: MailSettings | None = None,
    keys: str = SECRET_KEYS,
    environment: Mapping[str, str] = NOTHING,
    data_dir: Path | None = None,
) -> Patient:
    uow = InMemoryUnitOfWork()
    settings = Settings(http=http or HttpSettings(), mail=mail or MailSettings(), secret=SecretSettings(keys))
    return Patient(settings, environment, data_dir, Store(Told(), InMemoryHeartbeats(uow), uow))


PUBLIC = HttpSettings(base_url="https://news.example.org")
