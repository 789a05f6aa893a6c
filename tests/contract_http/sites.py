"""A running service, and what a test does there before it comes to its point."""

import importlib
import os
from collections.abc import Sequence
from typing import Any, cast

import attrs
import psycopg
from psycopg.sql import SQL, Identifier

from tests.contract_http.mails import TOKEN, Post
from tests.contract_http.ports import Implementation, Installation, Settings
from tests.contract_http.visitors import Visitor

MODULE = os.environ.get("CONTRACT_IMPLEMENTATION", "tests.contract_http.implementation")

BASE_URL = "https://news.example.org"
SENDER = "letters@example.org"
USERNAME = "ursula"

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


def implementation() -> Implementation:
    """The one that is chosen."""
    return cast(Implementation, importlib.import_module(MODULE))


def settings(post: Post) -> Settings:
    """Of a service on loopback, as if behind the public URL."""
    return {
        "HTTP_BASE_URL": BASE_URL,
        "HTTP_COOKIE_SECURE": False,
        "MAIL_TRANSPORT": "postmark",
        "MAIL_POSTMARK_URL": post.server.url,
        "MAIL_POSTMARK_TOKEN": TOKEN,
        "MAIL_SENDER": SENDER,
    }


@attrs.frozen
class Site:
    """A running service. ``rows`` asks its database."""

    installation: Installation
    url: str
    post: Post
    database: psycopg.Connection[Any]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.database.execute(query.encode(), values).fetchall()

    def dump(self) -> str:
        """All rows of all tables, as a thief of the database has them."""
        tables = [Identifier(name) for (name,) in self.rows(TABLES)]
        return "\n".join(
            row
            for table in tables
            for (row,) in self.database.execute(SQL("SELECT each::text FROM {} each").format(table))
        )

    def status(self, email: str) -> str:
        """Of a reader of the default newsletter, or of the only one they read."""
        ((status,),) = self.rows("SELECT status FROM subscriptions WHERE email = %s", email)
        return str(status)

    def sent(self, visitor: Visitor, email: str, **more: str) -> str:
        """Sign up; path and query of the link in the mail."""
        (path,) = self.all_sent(visitor, [email], **more)
        return path

    def all_sent(self, visitor: Visitor, emails: Sequence[str], **more: str) -> Sequence[str]:
        for email in emails:
            assert visitor.subscribe(email, **more).status_code == 200
        self.installation.settle()
        return [self.post.to(email)[-1].confirmation_path for email in emails]

    def readers(self, visitor: Visitor, *emails: str, **more: str) -> None:
        """People who have signed up and confirmed."""
        for path in self.all_sent(visitor, emails, **more):
            fields = {"subscription_token": path.partition("=")[2]}
            assert visitor.post("/subscriptions/confirm", fields).status_code == 200
