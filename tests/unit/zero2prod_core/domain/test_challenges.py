"""What a challenge is bound to."""

from zero2prod.testing.builders import KEYS
from zero2prod_core.domain.challenges import Subject
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import Key
from zero2prod_core.domain.newsletters import Slug

ADA = EmailAddress.parse("ada@example.com")
DEFAULT, WEEKLY = Slug("default"), Slug("weekly")


def test_each_subject_has_octets_of_its_own() -> None:
    other = Key("other", b"o" * 32)
    subjects = [
        Subject.of(KEYS.newest, DEFAULT, ADA),
        Subject.of(KEYS.newest, WEEKLY, ADA),
        Subject.of(KEYS.newest, DEFAULT, EmailAddress.parse("grace@example.com")),
        Subject.of(other, DEFAULT, ADA),
    ]
    assert len({subject.octets for subject in subjects}) == len(subjects)


def test_spellings_of_one_e_mail_address_are_one_subject() -> None:
    spelled = EmailAddress.parse("ADA@Example.COM")
    assert Subject.of(KEYS.newest, DEFAULT, spelled) == Subject.of(KEYS.newest, DEFAULT, ADA)


def test_it_does_not_hold_the_e_mail_address() -> None:
    assert b"ada" not in Subject.of(KEYS.newest, DEFAULT, ADA).octets
