from tests.contract.backends import EveryBackend
from zero2prod.testing import IdempotencyContract


class TestIdempotency(EveryBackend, IdempotencyContract):
    pass
