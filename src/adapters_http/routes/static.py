from collections.abc import Sequence
from typing import Final

from aiohttp import web

from adapters_http.pages import STATIC

__all__ = ["static_routes"]

# Known by name: no path can lead anywhere else.
NAMES: Final = frozenset(file.name for file in STATIC.iterdir())


def static_routes() -> Sequence[web.RouteDef]:
    return [web.get("/static/{name}", _file)]


async def _file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in NAMES:
        raise web.HTTPNotFound
    return web.FileResponse(STATIC / name)
