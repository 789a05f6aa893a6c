import pytest

from tests.support.core import Core


@pytest.fixture
def core() -> Core:
    return Core()
