"""The mail catcher: an SMTP server on loopback that keeps what it is given, and a page that shows it.

For development and tests. ``up`` sends the service's mail here, so that the whole way of a sign-up can be walked on one
machine, and nothing is ever mailed to anyone.
"""

import asyncio
import errno
import logging
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Final, TypeVar, cast

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from zero2prod.mailbox_mails import MIB, MOST_MAILS, MOST_OCTETS, Mails
from zero2prod.mailbox_page import page_application
from zero2prod_core.errors import SettingInvalid
from zero2prod_core.ports.system import Clock

__all__ = ["LOOPBACK", "Mailbox"]

Opened = TypeVar("Opened")

# Mails hold tokens that work, and the catcher asks nobody for a password.
LOOPBACK: Final = "127.0.0.1"

# What the large providers take is 25 to 50 MB.
LARGEST_MAIL: Final = 32 * MIB

# Seconds for answers under way when the catcher stops; they are small and go to the same machine.
GRACE: Final = 1.0


class Mailbox:
    """Keeps the newest mails in memory, until it stops.

    Args:
        clock: tells when a mail came.
        most: mails kept.
        most_octets: the sum of their lengths.
        site: the URL of the site whose mail it is, without a trailing slash; its page has a link back to it.
    """

    def __init__(self, clock: Clock, *, most: int = MOST_MAILS, most_octets: int = MOST_OCTETS, site: str = "") -> None:
        self._mails = Mails(clock.now, most=most, most_octets=most_octets)
        self._opened = AsyncExitStack()
        self._smtp_port = 0
        self._page_port = 0
        self._site = site

    @property
    def smtp_port(self) -> int:
        """Where mail is handed in, on ``LOOPBACK``; 0 before the start."""
        return self._smtp_port

    @property
    def page_url(self) -> str:
        """The page's address for a browser, ending in a slash."""
        return f"http://{LOOPBACK}:{self._page_port}/"

    async def start(self, smtp_port: int = 0, page_port: int = 0) -> None:
        """Open both ports, or neither; 0 takes any that is free.

        Raises:
            SettingInvalid: a port is in use, or may not be opened.
        """
        async with AsyncExitStack() as opened:
            self._smtp_port = await _open("mailbox SMTP port", smtp_port, self._serve_smtp(smtp_port, opened))
            self._page_port = await _open("mailbox page port", page_port, self._serve_page(page_port, opened))
            self._opened = opened.pop_all()

    async def stop(self) -> None:
        """Close both ports and every connection. May be called twice, or without a start."""
        await self._opened.aclose()

    async def _serve_smtp(self, port: int, opened: AsyncExitStack) -> int:
        # At INFO it logs the e-mail addresses of every envelope, at DEBUG every line of every mail.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        connections: set[_Connection] = set()
        receiver = _Receiver(self._mails)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(receiver, connections), LOOPBACK, port)
        opened.push_async_callback(_close_smtp, server, connections)
        taken: int = server.sockets[0].getsockname()[1]
        return taken

    async def _serve_page(self, port: int, opened: AsyncExitStack) -> int:
        page = page_application(self._mails, self._smtp_port, self._site)
        runner = web.AppRunner(page, access_log=None, shutdown_timeout=GRACE)
        opened.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, LOOPBACK, port).start()
        taken: int = runner.addresses[0][1]
        return taken


class _Receiver:
    """What the SMTP server does with a mail: aiosmtpd calls these methods by their names."""

    def __init__(self, mails: Mails) -> None:
        self._mails = mails

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        sender = "" if envelope.mail_from in {None, "<>"} else str(envelope.mail_from)
        mail = self._mails.catch(sender, envelope.rcpt_tos, envelope.original_content or b"")
        return f"250 2.0.0 Caught as mail {mail.number}"

    async def handle_exception(self, _error: Exception) -> str:
        """A line that aiosmtpd cannot parse: refuse it and go on."""
        return "501 5.5.2 This command cannot be read"


class _Connection(SMTP):
    """One client's connection, listed among the open ones as long as it lasts."""

    _serving: asyncio.Task[None]

    def __init__(self, receiver: _Receiver, connections: "set[_Connection]") -> None:
        super().__init__(
            receiver,
            data_size_limit=LARGEST_MAIL,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname="localhost",  # or it asks the network for this machine's name, and waits for the answer
            ident="zero2prod mailbox",
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._serving = cast("asyncio.Task[None]", self._handler_coroutine)  # begun a line ago
        self._serving.add_done_callback(_forget)
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> "asyncio.Task[None]":
        """Close at once, without waiting for a client that does not read; the task ends when all is done."""
        # TCP transports can all be aborted, but uvloop's are of no class that says so.
        cast("asyncio.WriteTransport", self.transport).abort()
        return self._serving


def _forget(serving: "asyncio.Task[None]") -> None:
    """A client that went away while it was being answered is no news, and asyncio need not report it."""
    if not serving.cancelled():
        serving.exception()


async def _close_smtp(server: asyncio.Server, connections: set[_Connection]) -> None:
    server.close()
    serving = [connection.hang_up() for connection in list(connections)]
    await asyncio.gather(*serving, return_exceptions=True)
    await server.wait_closed()


async def _open(name: str, port: int, opening: Awaitable[Opened]) -> Opened:
    """The opened port; or a refusal that says which port could not be opened, why, and what to do."""
    try:
        return await opening
    except OverflowError as error:
        raise SettingInvalid(
            f"{name} {port}", "not a port. Choose one from 1 to 65535, or 0 for any free one."
        ) from error
    except OSError as error:
        raise SettingInvalid(f"{name} {port}", _why_not(error)) from error


def _why_not(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"in use by another program on {LOOPBACK}. Stop that program, or choose another port."
        case errno.EACCES:
            return "only root may open it. Choose one above 1023."
        case _:
            return f"cannot be opened ({error.strerror}). Choose another port."
