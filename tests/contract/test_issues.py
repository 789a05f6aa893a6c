from tests.contract.backends import EveryBackend
from zero2prod.testing import IssuesContract


class TestIssues(EveryBackend, IssuesContract):
    pass
