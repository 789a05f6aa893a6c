from pathlib import Path

import pytest

from tests.support.dkim_keys import ed25519_key, rsa_key, write_pem
from tests.support.patients import patient
from zero2prod.doctor import machine, signatures
from zero2prod.doctor.findings import Level, Verdict
from zero2prod.settings import MailSettings, Transport
from zero2prod.testing.builders import newsletter
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.newsletters import Newsletter, Slug


async def looked(keys: str, *newsletters: Newsletter, transport: Transport = Transport.SMTP) -> Verdict:
    mail = MailSettings(transport=transport, sender="news@example.org", dkim_keys=keys)
    ill = patient(mail=mail)
    async with ill.store.uow() as tx:
        for each in newsletters:
            await tx.newsletters.add(each)
    return await signatures.dkim(ill)


async def test_without_keys_mails_are_not_signed() -> None:
    verdict = await looked("")
    assert (verdict.level, verdict.says) == (
        Level.OK,
        "mails are not signed here, as ZERO2PROD_MAIL_DKIM_KEYS is empty; the relay may sign them",
    )


async def test_keys_that_load_are_told_with_their_records(tmp_path: Path) -> None:
    rsa, ed = write_pem(tmp_path / "r.pem", rsa_key().private), write_pem(tmp_path / "e.pem", ed25519_key().private)
    verdict = await looked(f"mail={rsa},ed@example.com={ed}")
    assert verdict.level is Level.OK
    assert 'mail._domainkey.example.org TXT "v=DKIM1; k=rsa; p=MII' in verdict.says
    assert 'ed._domainkey.example.com TXT "v=DKIM1; k=ed25519; p=' in verdict.says
    assert "PRIVATE" not in verdict.says


@pytest.mark.parametrize("domain", ["example.com", "news.example.org", "ample.org"])
async def test_a_sender_for_whom_no_key_vouches_is_named(tmp_path: Path, domain: str) -> None:
    verdict = await looked(f"mail@{domain}={write_pem(tmp_path / 'r.pem', rsa_key().private)}")
    assert verdict.level is Level.WARNING
    assert verdict.says.startswith(
        "a key signs for its own domain and those below it, and none for the sender news@example.org; the DNS must have"
    )
    assert verdict.remedy == (
        "Add a key of that domain to ZERO2PROD_MAIL_DKIM_KEYS, or mails from there leave unsigned"
    )


async def test_a_newsletters_sender_for_whom_no_key_vouches_is_named(tmp_path: Path) -> None:
    key = write_pem(tmp_path / "r.pem", rsa_key().private)
    below, other = EmailAddress.parse("a@daily.example.org"), EmailAddress.parse("b@example.net")
    daily, weekly = newsletter(sender=below), newsletter(sender=other, slug=Slug("weekly"))
    verdict = await looked(f"mail@example.org={key}", daily, weekly)
    assert verdict.level is Level.WARNING
    assert "and none for b@example.net of the newsletter weekly; " in verdict.says
    assert "_domainkey.example.net" not in verdict.says


async def test_a_key_of_every_senders_own_has_a_record_for_each(tmp_path: Path) -> None:
    key = write_pem(tmp_path / "r.pem", rsa_key().private)
    verdict = await looked(f"mail={key}", newsletter(sender=EmailAddress.parse("b@example.net")), newsletter())
    assert verdict.level is Level.OK
    assert verdict.says.startswith("each mail is signed")
    assert verdict.says.count("._domainkey.") == 2
    assert "mail._domainkey.example.org TXT" in verdict.says
    assert "mail._domainkey.example.net TXT" in verdict.says


async def test_a_key_that_cannot_be_used_is_an_error() -> None:
    verdict = await looked("mail=/nowhere/key.pem")
    assert (verdict.level, verdict.says, verdict.remedy) == (
        Level.ERROR,
        "ZERO2PROD_MAIL_DKIM_KEYS names /nowhere/key.pem, which cannot be read (No such file or directory)",
        "Give a file that this user may read",
    )


async def test_postmark_signs_by_itself() -> None:
    verdict = await looked("mail=/nowhere/key.pem", transport=Transport.POSTMARK)
    assert verdict.level is Level.OK


@pytest.mark.parametrize(("mode", "level"), [(0o600, Level.OK), (0o644, Level.WARNING)])
async def test_a_key_that_others_can_read_is_told_with_the_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, level: Level
) -> None:
    monkeypatch.chdir(tmp_path)
    key = write_pem(tmp_path / "key.pem", ed25519_key().private)
    key.chmod(mode)
    verdict = await machine.secret_files(patient(mail=MailSettings(dkim_keys=f"mail={key}")))
    assert verdict.level is level
