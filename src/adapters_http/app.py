"""The web application, assembled from its parts; whoever runs it chooses host, port and event loop."""

from collections.abc import Sequence
from typing import Final

from aiohttp import web, web_response
from aiohttp.typedefs import Middleware

from adapters_http.config import HttpConfig
from adapters_http.flashes import Flashes
from adapters_http.mailbox import Mailbox
from adapters_http.middleware.csrf import same_site_only
from adapters_http.middleware.faults import answering
from adapters_http.middleware.headers import SERVER, securing
from adapters_http.middleware.requests import identified
from adapters_http.middleware.sessions import SessionCookie, logged_in
from adapters_http.pages import Pages, set_up_templates
from adapters_http.routes.accounts import Accounts
from adapters_http.routes.checklist import Checklist
from adapters_http.routes.dashboard import Dashboard
from adapters_http.routes.health import HealthChecks
from adapters_http.routes.home import Home
from adapters_http.routes.issue_progress import IssueProgressPages
from adapters_http.routes.issue_steering import IssueSteering
from adapters_http.routes.issues import Issues
from adapters_http.routes.newsletters import Newsletters
from adapters_http.routes.sessions import Sessions
from adapters_http.routes.static import static_routes
from adapters_http.routes.subscribers import Subscribers
from zero2prod_core.application import Application
from zero2prod_core.ports.store import Health, Heartbeats
from zero2prod_core.ports.system import Ids

__all__ = ["make_app"]

# Seconds for the rest of a body that was refused: a browser shows our answer only after it has sent everything.
LINGERING: Final = 2

# Our own line in the log has the request's id, and costs a third. Compressed bodies are refused, so none is unpacked.
HANDLER: Final = {"access_log": None, "auto_decompress": False, "lingering_time": LINGERING}


def make_app(
    application: Application,
    config: HttpConfig,
    health: Health,
    heartbeats: Heartbeats,
    ids: Ids,
    mailbox: Mailbox | None = None,
) -> web.Application:
    """Every route over the core's verbs. The result belongs to one event loop.

    Args:
        mailbox: catches all mail; None where mail goes elsewhere.
    """
    _name_no_version()
    pages, cookie = Pages(Flashes.keyed(config.keys, secure=config.cookie_secure)), SessionCookie(config.cookie_secure)
    app = web.Application(
        middlewares=_guards(ids, config, pages, cookie, application),
        client_max_size=config.largest_issue,
        handler_args=HANDLER,
    )
    app.on_response_prepare.append(securing(config))
    set_up_templates(app)
    home = Home(pages, application.list_newsletters)
    checklist = Checklist(pages, application, config, mailbox)
    progress = IssueProgressPages.over(pages, application, cookie, config.rhythm)
    app.on_shutdown.append(progress.streams.close)
    app.add_routes(
        [
            *static_routes(),
            *home.routes(),
            *HealthChecks(health, heartbeats).routes(),
            *Subscribers(pages, application, config, home).routes(),
            *Sessions(pages, application, config, cookie).routes(),
            *Accounts(pages, application, config).routes(),
            *checklist.routes(),
            *Dashboard(pages, application, checklist).routes(),
            *Newsletters(pages, application, config).routes(),
            *Issues(pages, application, config, ids).routes(),
            *progress.routes(),
            *IssueSteering(pages, application, config).routes(),
        ]
    )
    return app


def _guards(
    ids: Ids, config: HttpConfig, pages: Pages, cookie: SessionCookie, application: Application
) -> Sequence[Middleware]:
    """What every request passes, the outermost first."""
    return [
        identified(ids, config.trusted_proxies),
        answering(pages),
        same_site_only(cookie, config.origin),
        logged_in(cookie, application.read_session),
    ]


def _name_no_version() -> None:
    """What cannot be read as HTTP is refused by aiohttp itself, past every hook, under the name and version it has
    here.
    """
    vars(web_response)["SERVER_SOFTWARE"] = SERVER
