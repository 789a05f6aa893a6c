"""One HTTP question to a server that may be anything."""

import os
import ssl
from collections.abc import Mapping
from types import MappingProxyType

import aiohttp
import attrs

__all__ = ["NoAnswer", "NotTrusted", "Reply", "ask"]

ANSWERS_WITHIN = 5.0
"""Seconds for connecting, TLS and the answer; a person waits for it."""

LONGEST_BODY = 65_536
"""Octets of the answer that are looked at. The longest that is asked for, Postmark's about a server, has some 1500."""

UNPACKED = MappingProxyType({"Accept-Encoding": "identity"})

NONE_BESIDES: Mapping[str, str] = {}


class NoAnswer(Exception):
    """``str()`` says why there is none, in our own words: the client's are about itself."""


class NotTrusted(NoAnswer):
    """TLS failed: the certificate is wrong, or there is none."""


@attrs.frozen
class Reply:
    """``body`` begins as the answer does, and may have been cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def ask(url: str, headers: Mapping[str, str] = NONE_BESIDES) -> Reply:
    """GET, following no redirect.

    Raises:
        NotTrusted: the certificate is wrong.
        NoAnswer: the name is unknown, the port closed, the server silent or no HTTP server.
    """
    limit = aiohttp.ClientTimeout(total=ANSWERS_WITHIN)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, auto_decompress=False) as session,
            session.get(url, headers={**headers, **UNPACKED}, allow_redirects=False) as response,
        ):
            return Reply(response.status, response.headers, await _beginning(response.content))
    except TimeoutError:
        raise NoAnswer(f"no answer within {ANSWERS_WITHIN:g} s") from None
    except aiohttp.ClientConnectorCertificateError as error:
        raise NotTrusted(_about_certificate(error.certificate_error)) from None
    except (aiohttp.ClientSSLError, ssl.SSLError):
        raise NotTrusted("the TLS handshake failed") from None
    except aiohttp.ServerDisconnectedError:
        raise NoAnswer("it closed the connection") from None
    except OSError as error:
        raise NoAnswer(_about_connection(error)) from None
    except (aiohttp.ClientError, ValueError):
        raise NoAnswer("it does not speak HTTP") from None


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    body = b""
    async for chunk in content.iter_any():
        body += chunk
        if len(body) >= LONGEST_BODY:
            break
    return body[:LONGEST_BODY]


def _about_certificate(error: Exception) -> str:
    reason = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else ""
    return f"its certificate is not valid: {reason}" if reason else "its certificate is not valid"


def _about_connection(error: OSError) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    return os.strerror(error.errno).lower() if error.errno else "no connection"
