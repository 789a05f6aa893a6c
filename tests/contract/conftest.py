"""Every contract is held against every backend."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.backends import BACKENDS, Backend, Subject
from tests.support.databases import database
from zero2prod_core.ports.store import UnitOfWork

__all__ = ["backend", "database", "subject", "uow"]


@pytest.fixture(params=BACKENDS)
def subject(request: pytest.FixtureRequest) -> Subject:
    return BACKENDS[request.param](request)


@pytest.fixture
async def backend(subject: Subject) -> AsyncIterator[Backend]:
    async with subject.open() as opened:
        yield opened


@pytest.fixture
def uow(backend: Backend) -> UnitOfWork:
    return backend.uow
