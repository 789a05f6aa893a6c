"""Checks that mail can leave, and whose name it bears. They log in where it would be handed over, and send none."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import orjson

from adapters_email.dialogue import Session, Stopped, TimeLimits
from zero2prod.doctor.asking import NoAnswer, NotTrusted, Reply, ask
from zero2prod.doctor.findings import Verdict, error, fine, tls_remedy, warning
from zero2prod.doctor.patient import Patient
from zero2prod.settings import Settings, Transport, name_of

STEP_LASTS = 5.0
"""Seconds for each step of the dialogue: a relay that takes longer deserves a look, and a person is waiting."""

DIALOGUE_LASTS = 6.0
"""Seconds for all steps until mail could be handed over: one that is late may still succeed, several may not."""

LOG_IN_REFUSED = {530, 534, 535, 538}
"""What servers answer to credentials that they do not take (RFC 4954 §6)."""

TOKEN_REFUSED = {401, 403, 422}
"""Postmark's answers to a token that is missing, wrong or of another kind."""


async def mail_server(patient: Patient) -> Verdict:
    settings = patient.settings
    return await LOOKS.get(settings.mail.transport, _nowhere)(settings)


async def _smtp(settings: Settings) -> Verdict:
    relay = settings.relay
    where = f"{relay.host}:{relay.port}"
    try:
        async with asyncio.timeout(DIALOGUE_LASTS):
            session = await Session.open(relay, TimeLimits.capped(STEP_LASTS), ssl.create_default_context())
    except Stopped as stopped:
        said = stopped.text if stopped.code is None else f"it answered {stopped.code} {stopped.text}"
        return error(f"{where} takes no mail: {' '.join(said.split())}", _remedy(stopped))
    except TimeoutError:
        rule = f"{where} answers so slowly that after {DIALOGUE_LASTS:g} s it was not ready for mail"
        return error(rule, f"Ask whoever runs that server, or name another one in {name_of('mail.smtp_url')}")
    await session.quit()
    logged_in = f" and takes the login of {relay.credentials.username}" if relay.credentials else ""
    return fine(f"{where} answers{logged_in}")


def _remedy(stopped: Stopped) -> str:
    setting = name_of("mail.smtp_url")
    if stopped.code in LOG_IN_REFUSED:
        return f"Correct user and password in {setting}; special characters in them are percent-encoded"
    if stopped.code is not None:
        return f"Ask whoever runs that server, or name another one in {setting}"
    if _is_about_tls(stopped):
        return tls_remedy(setting)
    return f"Start the mail server, or correct host, port and tls in {setting}"


def _is_about_tls(stopped: Stopped) -> bool:
    cause: BaseException | None = stopped
    while cause and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__
    return cause is not None


async def _postmark(settings: Settings) -> Verdict:
    """Asks for the server that the token belongs to, which every server token may."""
    account = settings.postmark
    headers = {"X-Postmark-Server-Token": account.token, "Accept": "application/json"}
    setting = name_of("mail.postmark_url")
    try:
        reply = await ask(f"{account.url}/server", headers)
    except NotTrusted as reason:
        return error(f"{account.url} does not answer ({reason})", tls_remedy(setting))
    except NoAnswer as reason:
        return error(f"{account.url} does not answer ({reason})", f"Let this machine reach it, or correct {setting}")
    if reply.status == 200 and _is_postmarks(reply):
        return fine(f"{account.url} takes the token")
    if reply.status == 200:
        return error(f"{account.url} answers, but is not Postmark's API", f"Correct {setting}")
    said = f"{account.url} answered {reply.status} to the token"
    if reply.status in TOKEN_REFUSED:
        return error(said, f"Give a server API token in {name_of('mail.postmark_token')}; an account's is another")
    return error(said, f"See Postmark's status page, or correct {setting}")


def _is_postmarks(reply: Reply) -> bool:
    """Whether it describes a server (postmarkapp.com/developer/api/server-api)."""
    try:
        told = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(told, dict) and ("ID" in told or "Name" in told)


async def _nowhere(settings: Settings) -> Verdict:
    rule = f"mail is not sent, as {name_of('mail.transport')} is {settings.mail.transport}"
    return warning(rule, f"Choose {Transport.SMTP} or {Transport.POSTMARK} to have it sent")


LOOKS: Mapping[Transport, Callable[[Settings], Awaitable[Verdict]]] = {
    Transport.SMTP: _smtp,
    Transport.POSTMARK: _postmark,
}


async def sender(patient: Patient) -> Verdict:
    """The From of newsletters without their own, as far as it was not chosen."""
    settings = patient.settings
    chosen = settings.sender.text
    if settings.mail.sender or not patient.is_public:
        return fine(f"mail comes from {chosen}")
    if chosen.endswith("@localhost.localdomain"):
        rule = f"mail comes from {chosen}, which no relay takes, as {urlsplit(settings.base_url).hostname} is no domain"
        return warning(rule, f"Give the e-mail address that mail comes from in {name_of('mail.sender')}")
    return fine(f"mail comes from {chosen}, after the public URL")
