"""Whether mails leave signed, and what the sender's domain must publish so that others believe it."""

from adapters_email.dkim_keys import TxtRecord, loaded, published
from zero2prod.doctor.findings import Verdict, error, fine
from zero2prod.doctor.patient import Patient
from zero2prod.settings import Transport, name_of
from zero2prod_core.errors import SettingInvalid

SETTING = name_of("mail.dkim_keys")


async def dkim(patient: Patient) -> Verdict:
    """The keys are loaded, and no name server is asked: what it should say is printed."""
    settings = patient.settings
    if settings.mail.transport is not Transport.SMTP:
        return fine(f"{settings.mail.transport} has no use for keys of ours")
    if not settings.dkim_files:
        return fine(f"mails are not signed here, as {SETTING} is empty; the relay may sign them")
    try:
        keys = loaded(settings.dkim_files)
    except SettingInvalid as invalid:
        rule, _, remedy = str(invalid.fields["rule"]).rstrip(".").partition(". ")
        return error(f"{SETTING} {rule}", remedy)
    records = [published(key, settings.sender.domain) for key in keys]
    return fine(f"each mail is signed; the DNS must have {'; and '.join(map(_line, records))}")


def _line(record: TxtRecord) -> str:
    return f'{record.name} TXT "{record.value}"'
