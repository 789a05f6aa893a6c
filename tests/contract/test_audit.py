from tests.contract.backends import EveryBackend
from zero2prod.testing import AuditContract


class TestAudit(EveryBackend, AuditContract):
    pass
