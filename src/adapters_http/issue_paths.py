"""Where an issue's pages are."""

from typing import Final
from uuid import UUID

from aiohttp import web

__all__ = ["ISSUE", "issue_of", "path_of"]

# An id as it is written in lower case, so that each page has one URL.
ISSUE: Final = "/admin/newsletters/{id:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}}"


def issue_of(request: web.Request) -> UUID:
    """The id in the path."""
    return UUID(request.match_info["id"])


def path_of(issue: UUID) -> str:
    return f"/admin/newsletters/{issue}"
