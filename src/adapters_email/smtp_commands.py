"""What SMTP says of one mail, in bytes: its envelope, and its content on the wire.

A mail that `compose` made has neither a bare CR or LF nor a line that begins with a dot, says so (``is_composed``), and
is sent as it is. All other content is mended here, though no mail of the service needs it today: this is the last place
before the wire, where a mistake would not spoil one mail but let its text speak to the server as a client. So a mailer
may be given mails from anywhere, and nothing but `compose` has to be trusted.
"""

import re

from adapters_email.composing import Mail
from adapters_email.exchange import Stopped
from adapters_email.opening import Offers
from zero2prod_core.domain.replies import Phase

__all__ = ["END_OF_DATA", "chunk", "mail_from", "objection", "on_the_wire", "rcpt_to", "stuffed"]

END_OF_DATA = b".\r\n"

BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def objection(mail: Mail, offers: Offers) -> Stopped | None:
    """Why this server cannot take this mail, in the code that it would answer itself; then it is not asked.

    RFC 6531 §3.2 and RFC 6152 §3 forbid what was not offered, and RFC 1870 §5 spares both sides a mail too large.
    """
    if mail.envelope.utf8 and not offers.utf8:
        words = "5.6.7 this e-mail address needs SMTPUTF8, which the server does not offer"
        # Where it is not the recipient's it is the sender's, and nobody's mail would pass.
        return Stopped(Phase.SETUP if mail.envelope.recipient.isascii() else Phase.RCPT, 553, words)
    if not (offers.eight_bit or mail.envelope.utf8 or mail.content.isascii()):
        return Stopped(Phase.RCPT, 554, "5.6.3 this mail needs 8BITMIME, which the server does not offer")
    if 0 < offers.largest < len(mail.content):
        words = f"5.3.4 this mail has {len(mail.content)} bytes, and the server takes {offers.largest}"
        return Stopped(Phase.SETUP, 552, words)
    return None


def mail_from(mail: Mail, offers: Offers) -> bytes:
    """MAIL with what the server should know beforehand: size (RFC 1870), and characters that are not ASCII."""
    size = f" SIZE={len(mail.content)}" if offers.size else ""
    body = " BODY=8BITMIME" if offers.eight_bit and not mail.content.isascii() else ""
    if mail.envelope.utf8:
        body = " BODY=8BITMIME SMTPUTF8"
    return f"MAIL FROM:<{mail.envelope.sender}>{size}{body}\r\n".encode()


def rcpt_to(mail: Mail) -> bytes:
    return f"RCPT TO:<{mail.envelope.recipient}>\r\n".encode()


def on_the_wire(mail: Mail) -> bytes:
    """The content with CRLF for each line end and at its end.

    A CR or LF alone is a line end to some servers and none to others; between two that disagree a second mail could be
    smuggled in (RFC 5321 §2.3.8, CVE-2023-51764).
    """
    if mail.is_composed:
        return mail.content
    content = BARE.sub(b"\r\n", mail.content)
    return content if content.endswith(b"\r\n") else content + b"\r\n"


def stuffed(mail: Mail) -> bytes:
    """The same with a second dot before each line that begins with one (RFC 5321 §4.5.2), as DATA wants it."""
    content = on_the_wire(mail)
    if mail.is_composed:
        return content
    content = content.replace(b"\r\n.", b"\r\n..")
    return b"." + content if content.startswith(b".") else content


def chunk(content: bytes) -> bytes:
    """The command before the only chunk of a mail (RFC 3030 §2)."""
    return b"BDAT %d LAST\r\n" % len(content)
