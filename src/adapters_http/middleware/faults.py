"""Every error becomes an answer, and none shows what is inside."""

from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from adapters_http.destinations import Destinations
from adapters_http.middleware.requests import Handler
from adapters_http.pages import Pages, wants_json
from adapters_http.problems import Problem, answer
from zero2prod_core.errors import Refusal, SessionRequired, Unavailable

__all__ = ["answering"]

# Whoever logs in by the form gets the form again, as the reference does it: the way in is not lost.
LOGIN: Final = "/login"
WENT_WRONG: Final = "Something went wrong"

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def answering(pages: Pages, destinations: Destinations) -> Middleware:
    """Refusals and faults as problems; a browser without a session goes to the login page."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except SessionRequired as refusal:
            if wants_json(request):
                return answer(pages, request, Problem.of(refusal))
            response = pages.see_other(LOGIN)
            destinations.remember(request, response)
            return response
        except Unavailable as fault:
            log.warning("unavailable", code=fault.code)
            return answer(pages, request, Problem.of(fault))
        except Refusal as refusal:
            return answer(pages, request, Problem.of(refusal))
        except web.HTTPException as refusal:
            return answer(pages, request, Problem.of_http(refusal))
        except ConnectionError:
            raise  # nobody is left to answer; aiohttp closes its side
        except Exception:
            log.exception("unexpected")
            if request.method == hdrs.METH_POST and request.path == LOGIN and not wants_json(request):
                return pages.see_other(LOGIN, WENT_WRONG, failed=True)
            return answer(pages, request, Problem.unexpected())

    return middleware
