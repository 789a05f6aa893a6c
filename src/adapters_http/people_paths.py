"""Where the pages about subscribers are; no link to one of them holds an e-mail address."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from aiohttp import web
from yarl import URL

__all__ = ["PERSON", "SUBSCRIBERS", "UNLISTED", "list_path", "path_of", "subscriber_of", "unlisted_path"]

SUBSCRIBERS: Final = "/admin/subscribers"

# An id as it is written in lower case, so that each page has one URL.
PERSON: Final = SUBSCRIBERS + "/{id:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}}"

UNLISTED: Final = f"{SUBSCRIBERS}/unlisted"


def subscriber_of(request: web.Request) -> UUID:
    """The id in the path: of the person's place in one newsletter."""
    return UUID(request.match_info["id"])


def path_of(subscriber: UUID) -> str:
    return f"{SUBSCRIBERS}/{subscriber}"


def list_path(query: Mapping[str, str]) -> str:
    """The list, narrowed down; what is empty stays away."""
    return str(URL(SUBSCRIBERS).with_query({name: value for name, value in query.items() if value}))


def unlisted_path(sealed: str) -> str:
    """The page of an e-mail address that is no subscriber's."""
    return str(URL(UNLISTED).with_query(search=sealed))
