"""The web application, assembled from its parts; whoever runs it chooses host, port and event loop."""

from collections.abc import Sequence
from typing import Final

from aiohttp import HttpVersion11, hdrs, web, web_response, web_urldispatcher
from aiohttp.typedefs import Middleware

from adapters_http.config import HttpConfig
from adapters_http.connections import attended
from adapters_http.destinations import Destinations
from adapters_http.doors import Door
from adapters_http.flashes import Flashes
from adapters_http.instruments import NO_INSTRUMENTS, Instruments
from adapters_http.local_limits import LocalLimits
from adapters_http.mailbox import Mailbox
from adapters_http.middleware.csrf import same_site_only
from adapters_http.middleware.faults import answering
from adapters_http.middleware.forms_again import forms_again
from adapters_http.middleware.headers import SERVER, securing
from adapters_http.middleware.limits import VisitorLimits, limiting
from adapters_http.middleware.requests import identified
from adapters_http.middleware.sessions import SessionCookie, logged_in
from adapters_http.pages import Pages, set_up_templates
from adapters_http.refusal_tally import RefusalTally
from adapters_http.routes.accounts import Accounts
from adapters_http.routes.checklist import Checklist
from adapters_http.routes.dashboard import Dashboard
from adapters_http.routes.health import HealthChecks
from adapters_http.routes.home import Home
from adapters_http.routes.issue_progress import IssueProgressPages
from adapters_http.routes.issue_steering import IssueSteering
from adapters_http.routes.issues import Issues
from adapters_http.routes.json_subscribers import JsonSubscribers
from adapters_http.routes.metrics import Metrics
from adapters_http.routes.my_data import MyDataPages
from adapters_http.routes.newsletters import Newsletters
from adapters_http.routes.pasted_forms import PastedForms
from adapters_http.routes.people import People
from adapters_http.routes.person_actions import PersonActions
from adapters_http.routes.preferences import PreferencePages
from adapters_http.routes.sessions import Sessions
from adapters_http.routes.sign_ups import SignUps
from adapters_http.routes.static import static_routes
from adapters_http.routes.subscribers import Subscribers
from adapters_http.routes.unlisted import Unlisted
from adapters_http.sealed_texts import SealedTexts
from zero2prod_core.application import Application
from zero2prod_core.ports.store import Health, Heartbeats
from zero2prod_core.ports.system import Ids
from zero2prod_core.usecases.limits import Admission

__all__ = ["make_app", "make_worker_app"]

# Seconds for the rest of a body that was refused: a browser shows our answer only after it has sent everything.
LINGERING: Final = 2

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

# Our own line in the log has the request's id, and costs a third. Compressed bodies are refused, so none is unpacked.
HANDLER: Final = {"access_log": None, "auto_decompress": False, "lingering_time": LINGERING}


def make_app(
    application: Application,
    config: HttpConfig,
    health: Health,
    heartbeats: Heartbeats,
    ids: Ids,
    door: Door,
    mailbox: Mailbox | None = None,
    instruments: Instruments = NO_INSTRUMENTS,
) -> web.Application:
    """Every route over the core's verbs. The result belongs to one event loop.

    Args:
        door: asks some visitors for a challenge.
        mailbox: catches all mail; None where mail goes elsewhere.
        instruments: count what the site does, and are shown at ``/metrics``.
    """
    pages, cookie = Pages(Flashes.keyed(config.keys, secure=config.cookie_secure)), SessionCookie(config.cookie_secure)
    destinations = Destinations.keyed(config.keys, secure=config.cookie_secure)
    tally = RefusalTally(application.count_refusals, instruments.telemetry)
    sign_ups = SignUps(pages, application, config, Home(pages, door.stamps, application.list_newsletters), door)
    preferences = PreferencePages(pages, application.preferences, config)
    sessions = Sessions(pages, application, config, cookie, destinations)
    forms = {"/subscriptions": sign_ups.again, "/preferences": preferences.again, "/login": sessions.again}
    limits = VisitorLimits(Admission(config.keys, config.limits), LocalLimits(), tally)
    guards = [
        attended(),
        identified(ids, config.trusted_proxies, instruments.telemetry),
        *[answering(pages, destinations), forms_again(config, forms), limiting(limits)],
        *[same_site_only(cookie, config.origin), logged_in(cookie, application.read_session)],
    ]
    app = _without_routes(config, guards)
    app.cleanup_ctx.append(tally.telling)
    progress = IssueProgressPages.over(pages, application, cookie, config.rhythm)
    app.on_shutdown.append(progress.streams.close)
    app.add_routes(
        [
            *[*static_routes(), *sign_ups.home.routes(), *sign_ups.routes(), *preferences.routes(), *sessions.routes()],
            *_watching_routes(config, health, heartbeats, instruments),
            *_reader_routes(pages, application, config, door),
            *_staff_routes(pages, application, config, ids, mailbox),
            *progress.routes(),
        ]
    )
    return app


def _reader_routes(pages: Pages, application: Application, config: HttpConfig, door: Door) -> Sequence[web.RouteDef]:
    return [
        *Subscribers(pages, application, config).routes(),
        *JsonSubscribers(application, config, door).routes(),
        *MyDataPages(pages, application.preferences, config).routes(),
    ]


def _staff_routes(
    pages: Pages, application: Application, config: HttpConfig, ids: Ids, mailbox: Mailbox | None
) -> Sequence[web.RouteDef]:
    checklist, sealed = Checklist(pages, application, config, mailbox), SealedTexts.keyed(config.keys)
    return [
        *Accounts(pages, application, config).routes(),
        *checklist.routes(),
        *Dashboard(pages, application, checklist).routes(),
        *Newsletters(pages, application, config).routes(),
        *PastedForms(pages, application, config).routes(),
        *Issues(pages, application, config, ids).routes(),
        *IssueSteering(pages, application, config).routes(),
        *People(pages, application, config, sealed).routes(),
        *PersonActions(pages, application, config).routes(),
        *Unlisted(pages, application, config, sealed).routes(),
    ]


def make_worker_app(
    config: HttpConfig, health: Health, heartbeats: Heartbeats, ids: Ids, instruments: Instruments
) -> web.Application:
    """What a worker shows of itself: whether it lives, what it works with, and its numbers."""
    pages = Pages(Flashes.keyed(config.keys, secure=config.cookie_secure))
    destinations = Destinations.keyed(config.keys, secure=config.cookie_secure)
    noted = identified(ids, config.trusted_proxies, instruments.telemetry)
    app = _without_routes(config, [attended(), noted, answering(pages, destinations)])
    app.add_routes([*static_routes(), *_watching_routes(config, health, heartbeats, instruments)])
    return app


def _watching_routes(
    config: HttpConfig, health: Health, heartbeats: Heartbeats, instruments: Instruments
) -> Sequence[web.RouteDef]:
    return [*HealthChecks(health, heartbeats).routes(), *Metrics(instruments.tell, config).routes()]


def _without_routes(config: HttpConfig, guards: Sequence[Middleware]) -> web.Application:
    """An application behind these, the outermost first."""
    _name_no_version()
    _expect_nothing_else()
    app = web.Application(middlewares=guards, client_max_size=config.largest_issue, handler_args=HANDLER)
    app.on_response_prepare.append(securing(config))
    set_up_templates(app)
    return app


def _name_no_version() -> None:
    """What cannot be read as HTTP is refused by aiohttp itself, past every hook, under the name and version it has
    here.
    """
    vars(web_response)["SERVER_SOFTWARE"] = SERVER


def _expect_nothing_else() -> None:
    """aiohttp answers any other expectation than ``100-continue`` before every middleware, and so before every limit;
    one that is no text fails there. All others are passed over, as RFC 9110 §10.1.1 allows.
    """
    vars(web_urldispatcher)["_default_expect_handler"] = _continue


async def _continue(request: web.Request) -> None:
    if request.version == HttpVersion11 and request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(CONTINUE)
        request.writer.output_size = 0  # of the answer itself nothing has been written
