"""Whether mails leave signed, and what the senders' domains must publish so that others believe it."""

from collections.abc import Sequence

from adapters_email.dkim import DkimKey
from adapters_email.dkim_keys import TxtRecord, loaded, published
from zero2prod.doctor.findings import Verdict, error, fine, warning
from zero2prod.doctor.patient import Patient
from zero2prod.settings import Transport, name_of
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.errors import SettingInvalid

SETTING = name_of("mail.dkim_keys")


async def dkim(patient: Patient) -> Verdict:
    """The keys are loaded and held against each sender. No name server is asked: what it should say is printed."""
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
    senders = await _senders(patient)
    unsigned = [name for name, sender in senders.items() if not any(key.vouches_for(sender.domain) for key in keys)]
    must = f"the DNS must have {_records(keys, list(senders.values()))}"
    if not unsigned:
        return fine(f"each mail is signed; {must}")
    rule = f"a key signs for its own domain and those below it, and none for {', '.join(unsigned)}; {must}"
    return warning(rule, f"Add a key of that domain to {SETTING}, or mails from there leave unsigned")


async def _senders(patient: Patient) -> dict[str, EmailAddress]:
    """Whom mails come from, by what they are called here: the service's own, and those of newsletters."""
    async with patient.store.uow.reading() as tx:
        newsletters = await tx.newsletters.list()
    default = patient.settings.sender
    return {f"the sender {default.text}": default} | {
        f"{each.sender.text} of the newsletter {each.slug.text}": each.sender for each in newsletters if each.sender
    }


def _records(keys: Sequence[DkimKey], senders: Sequence[EmailAddress]) -> str:
    """Of a key without a domain one for each sender's."""
    records = dict.fromkeys(published(key, sender.domain) for key in keys for sender in senders)
    return "; and ".join(map(_line, records))


def _line(record: TxtRecord) -> str:
    return f'{record.name} TXT "{record.value}"'
