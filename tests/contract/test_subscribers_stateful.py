import pytest

from tests.contract.backends import EveryBackend
from zero2prod.testing import LifeHistories, SubscriberHistories


class TestSubscriberHistories(EveryBackend, SubscriberHistories):
    pass


@pytest.mark.soak
class TestLongSubscriberHistories(EveryBackend, SubscriberHistories):
    subscriber_steps = 100


class TestLifeHistories(EveryBackend, LifeHistories):
    pass


@pytest.mark.soak
class TestLongLifeHistories(EveryBackend, LifeHistories):
    life_steps = 150
