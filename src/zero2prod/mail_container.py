"""Which adapter sends mail. Apart from `container`, so that only a process that sends loads what it takes."""

import sys

from dependency_injector import containers, providers

from adapters_email.console import ConsoleMailer
from adapters_email.dkim_keys import loaded
from adapters_email.memory import InMemoryMailer
from adapters_email.signing import Signing
from adapters_email.smtp import SmtpMailer
from zero2prod.settings import Settings
from zero2prod_core.ports.mailer import Mailer


def _signing(settings: Settings) -> Signing:
    return Signing(loaded(settings.dkim_files))


def _smtp(settings: Settings, signing: Signing) -> Mailer:
    mail = settings.mail
    return SmtpMailer(
        settings.relay,
        connections=mail.smtp_connections,
        time_limit=mail.timeout.total_seconds(),
        finish=signing if settings.dkim_files else None,
    )


def _postmark(settings: Settings) -> Mailer:
    from adapters_email.postmark import PostmarkMailer  # noqa: PLC0415 - it loads an HTTP client, for few

    mail = settings.mail
    return PostmarkMailer(settings.postmark, batch=mail.postmark_batch, time_limit=mail.timeout.total_seconds())


def _transport(settings: Settings) -> str:
    return settings.mail.transport.value


class MailContainer(containers.DeclarativeContainer):
    """What a worker sends by, built when first asked for."""

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)

    signing: providers.Provider[Signing] = providers.Singleton(_signing, settings)
    mailer: providers.Provider[Mailer] = providers.Selector(
        providers.Callable(_transport, settings),
        smtp=providers.Singleton(_smtp, settings, signing),
        postmark=providers.Singleton(_postmark, settings),
        memory=providers.Singleton(InMemoryMailer),
        console=providers.Singleton(ConsoleMailer, providers.Object(sys.stdout)),
    )
