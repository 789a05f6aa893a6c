"""Errors as answers: one status for each code, as a page for people or as problem details (RFC 9457) for programs."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, TypeVar

import attrs
from aiohttp import hdrs, web

from adapters_http.middleware.requests import origin_of
from adapters_http.middleware.sessions import is_staff
from adapters_http.pages import Pages, wants_json
from adapters_http.refusals import Detailed
from adapters_http.wording import in_words
from zero2prod_core.errors import TokenExpired, Zero2ProdError

__all__ = ["HEADERS", "HEADINGS", "OTHER_HEADING", "STATUSES", "Problem", "answer"]

Told = TypeVar("Told")

STATUSES: Final[Mapping[str, HTTPStatus]] = MappingProxyType(
    {
        "error": HTTPStatus.INTERNAL_SERVER_ERROR,
        "refused": HTTPStatus.BAD_REQUEST,
        "field_missing": HTTPStatus.BAD_REQUEST,
        "field_invalid": HTTPStatus.BAD_REQUEST,
        "setting_invalid": HTTPStatus.INTERNAL_SERVER_ERROR,
        "data_directory_refused": HTTPStatus.INTERNAL_SERVER_ERROR,
        "schema_refused": HTTPStatus.INTERNAL_SERVER_ERROR,
        "token_malformed": HTTPStatus.BAD_REQUEST,
        "token_unknown": HTTPStatus.UNAUTHORIZED,
        "token_expired": HTTPStatus.UNAUTHORIZED,
        "credentials_refused": HTTPStatus.UNAUTHORIZED,
        "current_password_wrong": HTTPStatus.BAD_REQUEST,
        "passwords_differ": HTTPStatus.BAD_REQUEST,
        "session_required": HTTPStatus.UNAUTHORIZED,
        "username_taken": HTTPStatus.CONFLICT,
        "account_unknown": HTTPStatus.NOT_FOUND,
        "newsletter_taken": HTTPStatus.CONFLICT,
        "newsletter_unknown": HTTPStatus.BAD_REQUEST,
        "subscriber_unknown": HTTPStatus.NOT_FOUND,
        "issue_unknown": HTTPStatus.NOT_FOUND,
        "transition_refused": HTTPStatus.CONFLICT,
        "nothing_to_resend": HTTPStatus.CONFLICT,
        "nothing_to_confirm": HTTPStatus.CONFLICT,
        "idempotency_key_in_use": HTTPStatus.CONFLICT,
        "idempotency_key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
        "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
        "store_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
        "commit_unknown": HTTPStatus.SERVICE_UNAVAILABLE,
        "hasher_busy": HTTPStatus.SERVICE_UNAVAILABLE,
        "defect": HTTPStatus.INTERNAL_SERVER_ERROR,
        "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "body_type_refused": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "body_too_slow": HTTPStatus.REQUEST_TIMEOUT,
        "body_broken": HTTPStatus.BAD_REQUEST,
        "cross_site_refused": HTTPStatus.FORBIDDEN,
        "limit_exceeded": HTTPStatus.TOO_MANY_REQUESTS,
        "fields_refused": HTTPStatus.BAD_REQUEST,
        # Not 401: it is no matter of who asks, and no Authorization header answers it (RFC 9110 §15.5.4).
        "challenge_required": HTTPStatus.FORBIDDEN,
    }
)

HEADERS: Final[Mapping[HTTPStatus, Mapping[str, str]]] = MappingProxyType(
    {
        # RFC 9110 §15.5.2 demands a challenge; no browser knows this scheme, so none asks for a password.
        HTTPStatus.UNAUTHORIZED: {hdrs.WWW_AUTHENTICATE: 'Link realm="zero2prod"'},
        # Seconds. A store that comes back is used again within five.
        HTTPStatus.SERVICE_UNAVAILABLE: {hdrs.RETRY_AFTER: "2"},
    }
)

OUR_FAULT: Final = "Something went wrong on our side. It has been noted; try again later."

# What the router says by an exception of its own.
DETAILS: Final[Mapping[int, str]] = MappingProxyType(
    {
        HTTPStatus.NOT_FOUND: "There is nothing under this link. Check it for a typing mistake, or start anew.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This page cannot be used in that way.",
        HTTPStatus.TOO_MANY_REQUESTS: "There were too many requests. Wait a little and try again.",
    }
)

HEADINGS: Final[Mapping[int, str]] = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: "This cannot be taken as it is",
        HTTPStatus.UNAUTHORIZED: "This does not open",
        HTTPStatus.FORBIDDEN: "Not from there",
        HTTPStatus.NOT_FOUND: "Nothing here",
        HTTPStatus.METHOD_NOT_ALLOWED: "Not in this way",
        HTTPStatus.REQUEST_TIMEOUT: "That took too long",
        HTTPStatus.CONFLICT: "Not now",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too much at once",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Not in this form",
        HTTPStatus.UNPROCESSABLE_ENTITY: "Not the same as before",
        HTTPStatus.TOO_MANY_REQUESTS: "Too many at once",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
        HTTPStatus.SERVICE_UNAVAILABLE: "One moment, please",
    }
)

# For what the router may come to say one day.
OTHER_HEADING: Final = "This did not work"

# What may pass by itself.
PASSING: Final = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}
)


@attrs.frozen
class WayBack:
    """A link to one of our own pages, chosen by where the request went and by nothing that it holds."""

    path: str
    words: str


ISSUES: Final = WayBack("/admin/newsletters", "back to the issues")
SUBSCRIBERS: Final = WayBack("/admin/subscribers", "back to the subscribers")
DASHBOARD: Final = WayBack("/admin/dashboard", "back to the dashboard")
LOGIN: Final = WayBack("/login", "back to the login page")
FIRST_PAGE: Final = WayBack("/", "to the first page")

# By how a request's path begins; from everywhere else to the first page.
WAYS_BACK: Final = (
    ("/admin/newsletters/", ISSUES),
    ("/admin/subscribers/", SUBSCRIBERS),
    ("/admin", DASHBOARD),
    ("/login", LOGIN),
)


@attrs.frozen
class Hint:
    """What helps whoever followed a link that does not open: words that may follow a question and a link, or end with a
    command.
    """

    words: str
    link: WayBack | None = None
    command: str = ""
    question: str = ""


AGAIN: Final = (
    ": subscribe again, and a new mail follows, no sooner than ten minutes after the last to the same e-mail address."
)

# By how the path of a refused link begins.
HINTS: Final = (
    ("/subscriptions/", Hint(AGAIN, WayBack("/", "Ask for a new link"))),
    (
        "/preferences",
        Hint(
            ": it comes to your e-mail address, if that is known here.",
            WayBack("/preferences", "Have a new link mailed to you"),
        ),
    ),
    (
        "/setup",
        Hint(
            ". Otherwise whoever runs this service makes a new link:",
            WayBack("/login", "Log in"),
            command="zero2prod admin reset-password USERNAME",
            question="Already chosen? ",
        ),
    ),
    (
        "/unsubscribe/",
        Hint(
            "Every issue ends with a link of its own: try the one in the newest. If that does not help either, answer "
            "the mail and ask to be taken off."
        ),
    ),
)


# By how the path of an expired link begins: where a new one is asked for with the old one's token.
NEW_LINKS: Final = (("/subscriptions/confirm", "/subscriptions/again"),)


@attrs.frozen
class Problem:
    """``code``, ``detail`` and ``fields`` are safe to show; ``headers`` go with the answer.

    ``words`` say the same as ``detail``, with labels in place of the names that fields have for programs. ``members``
    are for programs alone.
    """

    status: HTTPStatus
    code: str
    detail: str
    words: str
    fields: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    members: Mapping[str, object] = attrs.field(factory=dict)

    @classmethod
    def of(cls, error: Zero2ProdError) -> "Problem":
        """Raises KeyError for a code without a status."""
        status = STATUSES[error.code]
        if status is HTTPStatus.INTERNAL_SERVER_ERROR:
            return cls.unexpected()
        members = error.members if isinstance(error, Detailed) else {}
        headers = {**HEADERS.get(status, {}), **_when(error)}
        return cls(status, error.code, str(error), in_words(error), error.fields, headers, members)

    @classmethod
    def unexpected(cls) -> "Problem":
        """What we may not explain: the log does."""
        return cls(HTTPStatus.INTERNAL_SERVER_ERROR, "defect", OUR_FAULT, OUR_FAULT)

    @classmethod
    def of_http(cls, error: web.HTTPException) -> "Problem":
        """What aiohttp's router and static files refuse; ``Allow`` is kept."""
        status = HTTPStatus(error.status)
        headers = {name: value for name, value in error.headers.items() if name == hdrs.ALLOW}
        detail = DETAILS.get(status, f"{status.phrase}.")
        return cls(status, status.name.lower(), detail, detail, headers=headers)


def _when(error: Zero2ProdError) -> Mapping[str, str]:
    """RFC 9110 §10.2.3, where the error knows."""
    return {hdrs.RETRY_AFTER: error.fields["retry_after"]} if "retry_after" in error.fields else {}


def answer(pages: Pages, request: web.Request, problem: Problem) -> web.Response:
    """The problem in the form that the client asks for."""
    if wants_json(request):
        response = web.json_response(_details(request, problem), status=problem.status)
        response.content_type = "application/problem+json"
    else:
        response = pages.shown(request, "problem.html", problem.status, **_shown(request, problem))
    response.headers.update(problem.headers)
    return response


def _shown(request: web.Request, problem: Problem) -> Mapping[str, object]:
    return {
        "problem": problem,
        "heading": HEADINGS.get(problem.status, OTHER_HEADING),
        "hint": _fitting(HINTS, request.path) if problem.status is HTTPStatus.UNAUTHORIZED else None,
        "may_pass": problem.status in PASSING and request.method == hdrs.METH_GET,
        "back": _fitting(WAYS_BACK, request.path) or FIRST_PAGE,
        "request_id": origin_of(request).request_id,
        "layout": "staff.html" if is_staff(request) else "base.html",
    }


def _fitting(table: Iterable[tuple[str, Told]], path: str) -> Told | None:
    return next((told for beginning, told in table if path.startswith(beginning)), None)


def _way_on(request: web.Request, problem: Problem) -> Mapping[str, str]:
    """Where a program asks for what the request cannot give any more."""
    path = _fitting(NEW_LINKS, request.path) if problem.code == TokenExpired.code else None
    return {"new_link": path} if path else {}


def _details(request: web.Request, problem: Problem) -> Mapping[str, object]:
    """RFC 9457 §3.1, with ``about:blank`` as type (§4.2.1); code, request id and fields are extensions (§3.2)."""
    return {
        **problem.fields,
        **problem.members,
        **_way_on(request, problem),
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": origin_of(request).request_id,
    }
