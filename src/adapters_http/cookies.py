"""``Cookie`` (RFC 6265 §4.2.1), as we look for our own: pairs between semicolons, whose values are never quoted.

aiohttp makes an object of every pair, and 8 KiB have room for thousands.
"""

from aiohttp import hdrs, web

__all__ = ["cookie"]


def cookie(request: web.Request, name: str) -> str | None:
    """The value of the cookie; of two, the last: browsers send the one for the longest path first, and ours are for /.

    None where there is none.
    """
    pairs = ";".join(request.headers.getall(hdrs.COOKIE, [])).split(";")
    beginning = f"{name}="
    found = (pair.strip() for pair in reversed(pairs))
    return next((pair.removeprefix(beginning) for pair in found if pair.startswith(beginning)), None)
