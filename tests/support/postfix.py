"""A Postfix of a test's own: a mail server that others wrote, on loopback, which delivers into one mailbox.

It takes mail for `DOMAIN` alone, over STARTTLS alone, and sends none anywhere. All that it needs lies in one directory.
Three ports offer different things, so that each way of sending meets it.
"""

import os
import pwd
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import MappingProxyType
from typing import IO

import attrs

from tests.support.certificates import self_signed
from tests.support.ports import free_port, listens
from tests.support.postgres import scratch_directory
from tests.support.waiting import PATIENCE, until

DOMAIN = "example.com"

ACCOUNT = "postfix"
"""Debian's package makes it."""

OFFERS: Mapping[str, str] = MappingProxyType(
    {"CHUNKING": "", "PIPELINING": "chunking", "neither": "chunking,pipelining"}
)
"""What a port is known by here, with what it does not offer."""

MAIN = """
compatibility_level = 3.6
queue_directory = {place}/queue
data_directory = {place}/data
maillog_file = /dev/stdout
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.test
mydestination =
alias_maps =
smtpd_peername_lookup = no
smtpd_relay_restrictions = reject_unauth_destination
smtpd_forbid_bare_newline = yes
smtpd_tls_security_level = encrypt
smtpd_tls_chain_files = {place}/certificate.pem
default_transport = error:no mail leaves this machine
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {place}
virtual_mailbox_maps = static:mailbox/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
"""

MASTER = """
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

SMTPD = """
127.0.0.1:{port} inet n - n - - smtpd
  -o smtpd_discard_ehlo_keywords={without}
"""


@attrs.frozen
class Postfix:
    """A running one. ``ports`` by what they offer; ``certificate`` is the file that a client must believe."""

    ports: Mapping[str, int]
    certificate: Path
    mailbox: Path

    def delivered(self) -> Sequence[bytes]:
        """The mails in the mailbox, in the line ends in which they came."""
        return [file.read_bytes().replace(b"\n", b"\r\n") for file in (self.mailbox / "new").glob("*")]

    def empty(self) -> None:
        for file in (self.mailbox / "new").glob("*"):
            file.unlink()


def parsed(content: bytes) -> EmailMessage:
    """As a mail program reads it."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@contextmanager
def postfix() -> Iterator[Postfix]:
    """One that runs as root starts it: its processes run under their own account."""
    with scratch_directory() as place:
        ports = {offered: free_port() for offered in OFFERS}
        _furnish(place, ports)
        with (place / "log").open("wb") as log:
            process = _called(place, "start-fg", log)
        try:
            assert until(lambda: all(map(listens, ports.values())) or process.poll() is not None)
            assert process.poll() is None, (place / "log").read_text()
            yield Postfix(ports, place / "certificate.pem", place / "mailbox")
        finally:
            _called(place, "stop", subprocess.DEVNULL).wait(PATIENCE)
            process.wait(PATIENCE)


def _called(place: Path, verb: str, output: IO[bytes] | int) -> "subprocess.Popen[bytes]":
    """Postfix's own command, at work."""
    return subprocess.Popen(
        ["/usr/sbin/postfix", "-c", str(place / "etc"), verb],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _furnish(place: Path, ports: Mapping[str, int]) -> None:
    """Its configuration, its directories, and a certificate."""
    account = pwd.getpwnam(ACCOUNT)
    for name in ("etc", "queue", "data", "mailbox"):
        (place / name).mkdir()
    for name in ("data", "mailbox"):
        _give(place / name, account)
    certificate = self_signed("127.0.0.1")
    (place / "certificate.pem").write_bytes(certificate.private + certificate.public)
    main = MAIN.format(place=place, domain=DOMAIN, uid=account.pw_uid, gid=account.pw_gid)
    (place / "etc" / "main.cf").write_text(main)
    doors = [SMTPD.format(port=port, without=OFFERS[offered]) for offered, port in ports.items()]
    (place / "etc" / "master.cf").write_text("".join([MASTER, *doors]))


def _give(directory: Path, account: pwd.struct_passwd) -> None:
    os.chown(directory, account.pw_uid, account.pw_gid)
