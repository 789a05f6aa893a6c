"""The settings that name an account at Postmark; apart from the API, so that reading them loads no HTTP client."""

import attrs

__all__ = ["PostmarkAccount"]


@attrs.frozen
class PostmarkAccount:
    """Where the API is, without a trailing slash, and the server token that names who sends."""

    url: str
    token: str = attrs.field(repr=False)
