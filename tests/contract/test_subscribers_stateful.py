import pytest

from tests.contract.backends import EveryBackend
from zero2prod.testing import LifeHistories, SubscriberHistories


@pytest.mark.timeout(180)  # a hundred examples, traced, on a busy machine
class TestSubscriberHistories(EveryBackend, SubscriberHistories):
    pass


@pytest.mark.soak
class TestLongSubscriberHistories(EveryBackend, SubscriberHistories):
    subscriber_steps = 100


@pytest.mark.timeout(180)  # as above
class TestLifeHistories(EveryBackend, LifeHistories):
    pass


@pytest.mark.soak
class TestLongLifeHistories(EveryBackend, LifeHistories):
    life_steps = 150
