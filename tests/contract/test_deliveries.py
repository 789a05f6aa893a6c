from tests.contract.backends import EveryBackend
from zero2prod.testing import DeliveriesContract


class TestDeliveries(EveryBackend, DeliveriesContract):
    pass
