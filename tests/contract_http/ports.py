"""What the suite asks of an implementation that it tests; ``implementation.py`` is the one that lives here.

The suite itself speaks HTTP, reads mails from a server that speaks Postmark's API, and looks into the database only for
what the contract documents: the tables ``subscriptions`` and ``newsletter_issues``.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

import attrs
import pytest

Settings = Mapping[str, object]
"""Settings by the contract's names without ``ZERO2PROD_``, such as ``{"SUBSCRIPTIONS_CONFIRM_ON_GET": True}``."""


@attrs.frozen
class Ended:
    """A command that has ended, with all that it wrote."""

    status: int
    said: str


class Installation(Protocol):
    """One implementation over a database of its own, with the settings it was made with."""

    @property
    def database_url(self) -> str:
        """A libpq URL or connection string of somebody who may do anything in that database."""

    def serving(self, settings: Settings) -> AbstractContextManager[str]:
        """A process that answers HTTP, with these further settings; yields its URL on loopback without a trailing
        slash.
        """

    def working(self) -> AbstractContextManager[object]:
        """A process that delivers whatever becomes due, for as long as the block lasts."""

    def settle(self) -> None:
        """Wait, while something is `working`, until nothing is due any more."""

    def drain(self) -> Ended:
        """Run the command that tries each due mail once and every background job once, and then ends."""

    def create_account(self, username: str, password: str) -> None:
        """Make an account of the staff."""

    def create_newsletter(self, slug: str, *, reply_to: str = "", postal_address: str = "") -> None:
        """Make a newsletter whose issues ask for answers at an e-mail address and show a postal address at their foot,
        where these are given.
        """

    def publish(self, title: str, text: str, key: str) -> Ended:
        """Publish an issue of the default newsletter from a terminal."""

    def age(self, hours: int) -> None:
        """Make whatever waits for a time, links, idempotency keys and mails that were put off, so many hours older."""

    def empty(self) -> None:
        """Bring the database back to what it was when the installation was made."""


class Implementation(Protocol):
    """The module that ``CONTRACT_IMPLEMENTATION`` names."""

    LARGEST_FORM: int
    """Bytes that the body of a public form may have; the contract leaves the number to the implementation."""

    def installation(self, request: pytest.FixtureRequest, settings: Settings) -> AbstractContextManager[Installation]:
        """Make a fresh database with whatever has to be in it; ``request`` gives access to this project's fixtures."""
