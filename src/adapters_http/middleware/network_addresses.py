"""Whose request it is, when proxies stand in between."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

__all__ = ["Network", "is_trusted", "network_address"]

Network: TypeAlias = IPv4Network | IPv6Network

# Some proxies write the port as well: 192.0.2.1:4711, [2001:db8::1]:4711.
WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d{1,5})?|(\d[\d.]+):\d{1,5}")

# Characters. The longest network address with a zone, brackets and a port has under a hundred.
LONGEST: Final = 128

# Proxies in a row. Nobody has as many; a header has room for thousands.
MOST_HOPS: Final = 32


def network_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str | None:
    """The client's network address, or None where the peer has none (a unix socket).

    ``X-Forwarded-For`` is walked from the right, the end that our own proxies wrote: as long as a hop is trusted, what
    it says of the hop before is believed. Anything further left may be the client's invention.

    Args:
        peer: the other end of the connection.
        forwarded: the header's values, in the order in which they stand.
    """
    hop = _read(peer or "")
    for claimed in reversed(",".join(forwarded).rsplit(",", MOST_HOPS)):
        if not _within(hop, trusted) or (before := _read(claimed)) is None:
            break
        hop = before
    return None if hop is None else str(hop)


def is_trusted(peer: str | None, trusted: Sequence[Network]) -> bool:
    return _within(_read(peer or ""), trusted)


def _within(hop: IPv4Address | IPv6Address | None, trusted: Sequence[Network]) -> bool:
    return hop is not None and any(hop in network for network in trusted)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """A network address, without port and zone; IPv4 in IPv6 (RFC 4291 §2.5.5.2) as the IPv4 that it is."""
    bare = text.strip()
    if len(bare) > LONGEST:
        return None
    if match := WITH_PORT.fullmatch(bare):
        bare = match[1] or match[2]
    try:
        found = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
