from tests.contract.backends import EveryBackend
from zero2prod.testing import LettersContract


class TestLetters(EveryBackend, LettersContract):
    pass
