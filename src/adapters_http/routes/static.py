from collections.abc import Sequence
from typing import Final

from aiohttp import hdrs, web

from adapters_http.assets import STATIC, VERSION, version_of

__all__ = ["static_routes"]

# A year, the longest that caches take seriously: under this URL there will never be anything else.
FOR_GOOD: Final = "public, max-age=31536000, immutable"

# Asked without its version, or with an older one: a new file is seen within five minutes of its installation.
FOR_A_WHILE: Final = "public, max-age=300"


def static_routes() -> Sequence[web.RouteDef]:
    return [web.get("/static/{name}", _file)]


async def _file(request: web.Request) -> web.StreamResponse:
    """Files are known by name, so that no path can lead anywhere else."""
    name = request.match_info["name"]
    version = version_of(name)
    if version is None:
        raise web.HTTPNotFound
    caching = FOR_GOOD if request.query.get(VERSION) == version else FOR_A_WHILE
    return web.FileResponse(STATIC / name, headers={hdrs.CACHE_CONTROL: caching})
