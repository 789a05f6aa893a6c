"""A worker over the ledger in memory: ``python -m benchmarks.support.in_memory READERS SMTP_PORT CONNECTIONS``.

Each line on stdin is a word, and is answered in a line: ``publish`` once there is an issue to all readers, ``finish``
once all of them are sent it.
"""

import asyncio
import sys
from functools import partial
from uuid import UUID

from adapters_email.smtp import SmtpMailer
from adapters_email.smtp_url import SmtpUrl
from benchmarks.support import run
from benchmarks.support.engines import publication
from tests.support.crowds import readers
from tests.support.waiting import eventually
from zero2prod.embedding import in_memory
from zero2prod.testing.application import POLICY
from zero2prod.testing.builders import email, origin, subscriber
from zero2prod_core.application import Application
from zero2prod_core.domain.deliveries import DeliveryState


async def main(count: int, port: int, connections: int) -> None:
    embedded = in_memory(POLICY, SmtpMailer(SmtpUrl.parse(f"smtp://127.0.0.1:{port}"), connections=connections))
    application, loop, words = embedded.application, asyncio.get_running_loop(), asyncio.StreamReader()
    async with application.publish.uow() as tx:
        await tx.subscribers.claim_batch([subscriber(email(reader)) for reader in readers(count)])
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
    issue = UUID(int=0)
    async with embedded.delivering():
        while word := (await words.readline()).strip():
            if word == b"publish":
                issue = (await application.publish(publication(), origin())).id
                tell("published")
            else:
                assert await eventually(partial(is_sent, application, issue, count))
                tell("finished")


async def is_sent(application: Application, issue: UUID, count: int) -> bool:
    return (await application.show_issue(issue)).sums == {DeliveryState.SENT: count}


def tell(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run(main(*map(int, sys.argv[1:])))
