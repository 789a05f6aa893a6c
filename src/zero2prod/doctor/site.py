"""Checks of the way from the world to the site."""

from adapters_email.smtp_url import is_loopback
from zero2prod.doctor.asking import NoAnswer, NotTrusted, Reply, ask
from zero2prod.doctor.findings import Verdict, error, fine, tls_remedy, warning
from zero2prod.doctor.patient import Patient
from zero2prod.settings import name_of


async def public_url(patient: Patient) -> Verdict:
    settings, setting = patient.settings, name_of("http.base_url")
    if settings.base_url.startswith("https:"):
        return fine(f"{settings.base_url} is private by TLS")
    if not patient.is_public:
        return fine(f"{settings.base_url} is for this machine alone")
    remedy = f"Put a proxy with TLS in front, and give the https:// URL in {setting}"
    if settings.http.cookie_secure:
        return error(f"{settings.base_url} is plain http, over which nobody can log in", remedy)
    return warning(f"{settings.base_url} is plain http: passwords and links can be read on the way", remedy)


async def site(patient: Patient) -> Verdict:
    """Whether the public URL, asked from here, leads to this program."""
    settings = patient.settings
    here = f"{settings.http.host}:{settings.http.port}"
    try:
        reply = await ask(f"{settings.base_url}/health_check")
    except NotTrusted as reason:
        remedy = tls_remedy(name_of("http.base_url"))
        return warning(f"{settings.base_url} does not answer from here ({reason})", remedy)
    except NoAnswer as reason:
        remedy = f"Start zero2prod serve, and have name, certificate and proxy lead to {here}"
        return warning(f"{settings.base_url} does not answer from here ({reason})", remedy)
    if _is_ours(reply):
        return fine(f"{settings.base_url} answers")
    rule = f"{settings.base_url}/health_check answers {reply.status}, but not as this service does"
    return warning(rule, f"Have name and proxy lead to {here}, or correct {name_of('http.base_url')}")


async def limits(patient: Patient) -> Verdict:
    """Whether visitors are limited, and told apart."""
    settings, proxies = patient.settings, name_of("http.trusted_proxies")
    if off := settings.limits_off:
        return warning(
            f"off by {', '.join(off)}", "Anybody may go on without end there, unless something in front limits them"
        )
    if patient.is_public and is_loopback(settings.http.host) and not settings.trusted_proxies:
        remedy = f"Name the proxy in {proxies}, such as {settings.http.host}"
        return warning(
            f"all visitors count as one, since they come through a proxy that {proxies} does not name", remedy
        )
    return fine("on for everything, and each visitor has their own")


def _is_ours(reply: Reply) -> bool:
    return (reply.status, reply.body) == (200, b"") and "X-Request-Id" in reply.headers
