"""How fast is one worker process with all that it promises, beside Postfix's load generator in C, which keeps nothing?

Claims, marks and results are committed to the disk before a mail goes on. Database, worker and relay, Postfix's
``smtp-sink``, share the machine. Beside them stand the same sender over a ledger in memory, and mails signed by DKIM.
"""

import asyncio
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters_postgres.embedded import EmbeddedPostgres
from benchmarks.support import Rates, judge, machine, run, sync_times, take_turns, timed
from benchmarks.support.engines import deliver, in_memory, working
from benchmarks.support.sinks import MAIL_BYTES, SOURCE, CountingSink, counting_sink
from tests.support.postgres import scratch_directory

LANES = 64  # for issues: a settled batch has at most one mail of each
CONNECTIONS = LANES + 1  # the first is for urgent mail alone
READERS = 10_000  # of an issue: a few seconds
ROUNDS = 5

ENGINE, SIGNING, IN_MEMORY, GENERATOR = "zero2prod", "zero2prod, signing", "zero2prod, in memory", "smtp-source"
LEAST = {(ENGINE, GENERATOR): 0.25, (ENGINE, IN_MEMORY): 0.5}


def main() -> int:
    """Print the machine, the rates and their ratios; 1 if one is too small."""
    with scratch_directory() as directory, EmbeddedPostgres(directory / "data") as server, counting_sink() as sink:
        print(f"{machine()}, PostgreSQL {server.version}")
        print(sync_times(directory / "synced"))
        print(f"issues to {READERS:,} readers over {LANES} connections", flush=True)
        rates = run(measure(server, sink, new_key(directory / "dkim.pem")))
    return judge("mails", rates, LEAST)


def new_key(path: Path) -> Path:
    """An RSA key of 2048 bits, as a newsletter signs with."""
    private = generate_private_key(public_exponent=65537, key_size=2048)
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


async def measure(server: EmbeddedPostgres, sink: CountingSink, key: Path) -> Rates:
    working_here = partial(working, server, READERS, sink.port, MAIL_SMTP_CONNECTIONS=CONNECTIONS)
    async with AsyncExitStack() as stack:
        plain = await stack.enter_async_context(working_here())
        signing = await stack.enter_async_context(working_here(MAIL_DKIM_KEYS=f"benchmark={key}"))
        memory = stack.enter_context(in_memory(READERS, sink.port, CONNECTIONS))
        contenders = {
            ENGINE: lambda: deliver(plain, sink),
            SIGNING: lambda: deliver(signing, sink),
            IN_MEMORY: lambda: deliver(memory, sink),
            GENERATOR: lambda: timed(READERS, generate(sink.port)),
        }
        rates = await take_turns(ROUNDS, contenders)
        print(f"{ENGINE} needed {plain.needed}\n{SIGNING} needed {signing.needed}")
    return rates


async def generate(port: int) -> None:
    """smtp-source: each connection sends mail after mail."""
    envelope = ("-f", "news@example.org", "-t", "reader@example.com")
    counts = ("-s", str(LANES), "-m", str(READERS), "-l", str(MAIL_BYTES))
    process = await asyncio.create_subprocess_exec(SOURCE, "-d", *counts, *envelope, f"127.0.0.1:{port}")
    assert await process.wait() == 0


if __name__ == "__main__":
    sys.exit(main())
