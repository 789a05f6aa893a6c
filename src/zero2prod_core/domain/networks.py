"""What counts as one visitor: the network that a network address stands for.

Whoever has an IPv6 line has at least a /64 of it, 2^64 network addresses (RFC 6177 §2, RFC 7934 §2): the /64 is what an
IPv4 network address is. Many get a whole /48, so that a limit of its own stands over the 65,536 networks of one.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

LINE = 64
SITE = 48
"""Bits of an IPv6 prefix."""


def network_of(text: str | None) -> str | None:
    """The network address itself (IPv4), or its /64 (IPv6); None for no network address, as over a unix socket.

    IPv4 written in IPv6 (RFC 4291 §2.5.5.2) is the IPv4 that it is, and zones (RFC 4007 §11) do not count.

    Raises:
        ValueError: the text is no network address.
    """
    if not text:
        return None
    found = _read(text)
    return str(found) if isinstance(found, IPv4Address) else _prefix(found, LINE)


def site_of(text: str | None) -> str | None:
    """The /48 of an IPv6 network address; None for IPv4, where a network has nothing above it that could be counted.

    Raises:
        ValueError: the text is no network address.
    """
    found = _read(text) if text else None
    return _prefix(found, SITE) if isinstance(found, IPv6Address) else None


def _read(text: str) -> IPv4Address | IPv6Address:
    found = ip_address(text.partition("%")[0])
    return (isinstance(found, IPv6Address) and found.ipv4_mapped) or found


def _prefix(found: IPv6Address, bits: int) -> str:
    return str(IPv6Network((found, bits), strict=False))
