"""How fast is our SMTP sender, beside the load generator in C that Postfix brings?

Both send mails of the same size to the same ``smtp-sink`` over as many connections. Each of ours has its own reader,
and keeps the order of mark, mail and report; the desk grants everything at once. They are made beforehand, as
smtp-source makes its one mail: composing has a benchmark of its own. What it costs in line is shown beside.
"""

import asyncio
import sys
from unittest.mock import patch

from adapters_email import smtp
from adapters_email.composing import compose
from adapters_email.dialogue import Way
from adapters_email.smtp import SmtpMailer
from adapters_email.smtp_url import SmtpUrl
from benchmarks.support import Rates, judge, machine, run, take_turns, timed
from benchmarks.support.sinks import MAIL_BYTES, SOURCE, GrantingDesk, parcels, smtp_sink

CONNECTIONS = 4
BATCH = 500  # different mails, over and over: as many as a worker holds at a time
MAILS = 40 * BATCH  # of a round: a second or two
ROUNDS = 7
LEAST = 1.0  # a prototype reached 1.6

OURS, THEIRS = "zero2prod", "smtp-source"
COMPOSING, IN_STEPS = "zero2prod, composing", "zero2prod, reply by reply"


def main() -> int:
    """Print the machine, the rates and their ratio; 1 if it is too small."""
    print(machine())
    with smtp_sink() as port:
        rates = run(measure(port))
    return judge("mails", rates, {(OURS, THEIRS): LEAST})


async def measure(port: int) -> Rates:
    waiting = parcels(BATCH) * (MAILS // BATCH)
    made = {parcel.message_id: compose(parcel) for parcel in waiting[:BATCH]}
    size = len(made[waiting[0].message_id].content)
    print(f"mails of {size:,} bytes over {CONNECTIONS} connections")
    assert abs(size - MAIL_BYTES) < MAIL_BYTES / 10

    async def send(most_advanced: Way = Way.CHUNKING) -> float:
        # The first connection is for urgent mail alone: it is never opened here.
        relay = SmtpUrl.parse(f"smtp://127.0.0.1:{port}")
        mailer = SmtpMailer(relay, connections=CONNECTIONS + 1, most_advanced=most_advanced)
        desk = GrantingDesk(waiting)
        rate = await timed(MAILS, mailer.run(desk))
        assert desk.sent == MAILS
        return rate

    async def send_made(most_advanced: Way = Way.CHUNKING) -> float:
        with patch.object(smtp, "compose", lambda parcel: made[parcel.message_id]):
            return await send(most_advanced)

    return await take_turns(
        ROUNDS,
        {
            OURS: send_made,
            THEIRS: lambda: timed(MAILS, generate(port, size)),
            COMPOSING: send,
            IN_STEPS: lambda: send_made(Way.STEPS),
        },
    )


async def generate(port: int, size: int) -> None:
    """smtp-source: each connection sends mail after mail."""
    envelope = ("-f", "daily@news.example.com", "-t", "reader@example.com")
    counts = ("-s", str(CONNECTIONS), "-m", str(MAILS), "-l", str(size))
    process = await asyncio.create_subprocess_exec(SOURCE, "-d", *counts, *envelope, f"127.0.0.1:{port}")
    assert await process.wait() == 0


if __name__ == "__main__":
    sys.exit(main())
