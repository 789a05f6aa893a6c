"""Headers of every answer (OWASP Secure Headers Project); a handler's own come first."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import hdrs, web

from adapters_http.config import HttpConfig

__all__ = ["CHALLENGE_POLICY", "LIVE_POLICY", "SERVER", "securing"]

SERVER: Final = "zero2prod"

# Images in data: URLs are the style sheet's own icons.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)

# The page of an issue has a script, which listens to a stream of this site.
LIVE_POLICY: Final = f"{POLICY}; script-src 'self'; connect-src 'self'"

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# The page of a challenge has a script that computes, and asks nobody.
CHALLENGE_POLICY: Final = f"{POLICY}; script-src 'self'"

# A year, in seconds: what preload lists ask for at least.
HSTS: Final = "max-age=31536000"

# Links to these hold tokens. Elsewhere our own pages may see where a visitor comes from: with no-referrer, browsers
# also send `Origin: null` with a form, and older ones send nothing else to tell our forms from another site's.
TOKEN_PATHS: Final = ("/subscriptions/", "/unsubscribe/", "/preferences/", "/setup")


# Pages of any site may send sign-ups as JSON and read what we say, errors too (Fetch standard, §3.3). No cookie comes
# along: browsers send none to "*".
SIGN_UPS_OF_PROGRAMS: Final = "/api/v1/subscriptions"
ANYWHERE: Final[Mapping[str, str]] = {
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: "Retry-After, X-Request-Id",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def securing(config: HttpConfig) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """For ``on_response_prepare``, which sees what no middleware makes as well."""
    always = {**HEADERS, "Strict-Transport-Security": HSTS} if config.is_https else HEADERS

    async def secure(request: web.Request, response: web.StreamResponse) -> None:
        response.headers[hdrs.SERVER] = SERVER
        for name, value in {**always, **_by_path(request.path)}.items():
            response.headers.setdefault(name, value)

    return secure


def _by_path(path: str) -> Mapping[str, str]:
    return {
        **(ANYWHERE if path == SIGN_UPS_OF_PROGRAMS else {}),
        hdrs.CACHE_CONTROL: "no-store",
        "Referrer-Policy": "no-referrer" if path.startswith(TOKEN_PATHS) else "same-origin",
    }
