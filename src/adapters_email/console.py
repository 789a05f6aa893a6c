"""A relay that shows each mail to a person, and sends nothing."""

import email
import email.policy
from typing import TextIO

from adapters_email.composing import Mail
from adapters_email.one_by_one import run_one_by_one
from zero2prod_core.domain.deliveries import Outcome, Reply, Sent
from zero2prod_core.ports.mailer import Desk, Mailer, Parcel

__all__ = ["ConsoleMailer"]

RULE = "─" * 72
"""As wide as mails are usually written."""


class ConsoleMailer(Mailer):
    """Prints header fields and the plainest part of each mail, decoded."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def run(self, desk: Desk) -> None:
        await run_one_by_one(desk, self._print)

    def _print(self, _parcel: Parcel, mail: Mail) -> Outcome:
        print(readable(mail), file=self._stream, flush=True)
        return Sent(Reply(250, "2.0.0 printed"))


def readable(mail: Mail) -> str:
    """The mail as a person would see it in a mail program that shows text."""
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    fields = [f"{name}: {value}" for name, value in message.items() if not name.startswith(("Content-", "MIME-"))]
    body = message.get_body(("plain", "html"))
    words = body.get_content().rstrip().splitlines() if body else ()
    return "\n".join((RULE, *fields, "", *words, RULE))
