"""A form that a limit refuses comes back with what was typed: whoever filled it in did nothing wrong."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from adapters_http.config import HttpConfig
from adapters_http.forms import Form, form_of
from adapters_http.middleware.requests import Handler
from adapters_http.pages import wants_json
from adapters_http.problems import Problem
from zero2prod_core.errors import LimitExceeded

__all__ = ["Again", "forms_again"]

Again: TypeAlias = Callable[[web.Request, Form, LimitExceeded], Awaitable[web.Response]]
"""Makes the page of a form with what was typed, and why it was refused."""


def forms_again(config: HttpConfig, forms: Mapping[str, Again]) -> Middleware:
    """Around the limits, which have counted the refusal by then; programs and other pages get it as any other.

    Args:
        forms: by the path that a form is sent to.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except LimitExceeded as refusal:
            again = forms.get(request.path) if request.method == hdrs.METH_POST else None
            if again is None or wants_json(request):
                raise
            form = await form_of(request, config.largest_form, config.body_seconds)
            response = await again(request, form, refusal)
            response.headers.update(Problem.of(refusal).headers)
            return response

    return middleware
