import mimetypes
from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web

from adapters_http.assets import VERSION, content_of, version_of

__all__ = ["static_routes"]

# A year, the longest that caches take seriously: under this URL there will never be anything else.
FOR_GOOD: Final = "public, max-age=31536000, immutable"

# Asked without its version, or with an older one: a new file is seen within five minutes of its installation.
FOR_A_WHILE: Final = "public, max-age=300"

OCTETS: Final = "application/octet-stream"


def static_routes() -> Sequence[web.RouteDef]:
    return [web.get("/static/{name}", _file)]


async def _file(request: web.Request) -> web.StreamResponse:
    """Files are known by name, so that no path can lead anywhere else.

    They are sent from memory: the kernel's own way from a file to a socket would pass the guard's reading deadline by.
    """
    name = request.match_info["name"]
    version = version_of(name)
    if version is None:
        raise web.HTTPNotFound
    caching = FOR_GOOD if request.query.get(VERSION) == version else FOR_A_WHILE
    kept = any(tag.value == version for tag in request.if_none_match or ())
    response = web.Response(status=304) if kept else web.Response(body=content_of(name))
    response.etag = version
    response.headers[hdrs.CACHE_CONTROL] = caching
    if not kept:
        response.content_type = mimetypes.guess_type(name)[0] or OCTETS
    return response
