"""Whose Postmark it is."""

import attrs

__all__ = ["PostmarkAccount"]


@attrs.frozen
class PostmarkAccount:
    """Where the API is, without a trailing slash, and the server token that names who sends."""

    url: str
    token: str = attrs.field(repr=False)
