import pytest

from tests.contract.backends import EveryBackend
from zero2prod.testing import SubscriberHistories


@pytest.mark.timeout(180)  # a hundred examples, traced, on a busy machine
class TestSubscriberHistories(EveryBackend, SubscriberHistories):
    pass


@pytest.mark.soak
class TestLongSubscriberHistories(EveryBackend, SubscriberHistories):
    subscriber_steps = 100
