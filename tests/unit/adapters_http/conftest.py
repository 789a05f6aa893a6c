from collections.abc import AsyncIterator

import pytest

from tests.support.http import House, serving


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with serving() as house:
        yield house


@pytest.fixture
async def staff(house: House) -> House:
    """The same house, with a session of the account ada."""
    await house.log_in()
    return house
