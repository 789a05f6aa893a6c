"""Every route of the site, as the router knows them: what is public, and what needs a session."""

from adapters_http.app import make_app
from adapters_http.config import HttpConfig
from adapters_http.middleware.sessions import STAFF
from adapters_memory import InMemoryHealth, InMemoryHeartbeats, InMemoryUnitOfWork
from tests.support.doors import door
from zero2prod.testing.application import BASE_URL, CountedIds, assemble
from zero2prod.testing.builders import KEYS


def routes() -> set[tuple[str, str]]:
    """Method and path of every route; HEAD goes with GET, and what takes any method refuses it."""
    uow = InMemoryUnitOfWork()
    config, ids = HttpConfig(BASE_URL, KEYS), CountedIds()
    app = make_app(assemble(uow), config, InMemoryHealth(), InMemoryHeartbeats(uow), ids, door())
    found = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    return {(method, path) for method, path in found if method not in {"HEAD", "*"}}


def public_routes() -> set[tuple[str, str]]:
    """Those that need no session."""
    return {(method, path) for method, path in routes() if not path.startswith(STAFF)}
