"""How the suite starts, feeds and empties the implementation under test. Nothing else in this directory knows it.

To test another implementation of the contract, write a module with the same function `installation`, whose result has
the methods of ``ports.Installation``, and the same constant, and name it in the environment::

    CONTRACT_IMPLEMENTATION=my_package.contract pytest tests/contract_http
"""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import attrs
import psycopg
import pytest
from psycopg.errors import DeadlockDetected

from tests.contract_http.ports import Ended, Settings
from tests.support.databases import Database, migrated_database
from tests.support.ports import free_port
from tests.support.services import Installation as Processes
from tests.support.waiting import until

__all__ = ["LARGEST_FORM", "Zero2Prod", "installation"]

LARGEST_FORM = 16 * 1024
"""Bytes, as the documentation of our routes says."""

# The suite never sends by SMTP, and a mistake that does so shall fail at once.
NOBODY_LISTENS = 1

DUE = """
SELECT count(*) FROM deliveries
WHERE state IN ('leased', 'attempting') OR due_at <= now()
"""

AGE = """
UPDATE tokens SET issued_at = issued_at - %(by)s::interval, expires_at = expires_at - %(by)s::interval;
UPDATE idempotency SET created_at = created_at - %(by)s::interval;
UPDATE limits SET tat = tat - %(by)s::interval;
UPDATE deliveries SET due_at = due_at - %(by)s::interval WHERE due_at IS NOT NULL;
"""

ACCOUNT = "SELECT row_to_json(accounts)::text FROM accounts WHERE username = %s"
ACCOUNT_AGAIN = "INSERT INTO accounts SELECT * FROM json_populate_record(NULL::accounts, %s::json)"


@contextmanager
def installation(request: pytest.FixtureRequest, settings: Settings) -> Iterator["Zero2Prod"]:
    """A database on the tests' own server, with the schema in it."""
    with migrated_database(request.getfixturevalue("postgres_server"), f"contract_http_{uuid4().hex}") as database:
        yield Zero2Prod(Processes.over(database.url, NOBODY_LISTENS, **dict(settings)), database)


@attrs.frozen
class Zero2Prod:
    """``zero2prod serve``, ``zero2prod worker`` and the commands beside them, as processes."""

    processes: Processes
    database: Database
    accounts: dict[tuple[str, str], str] = attrs.field(factory=dict)

    @property
    def database_url(self) -> str:
        return self.database.superuser.info.dsn

    @contextmanager
    def serving(self, settings: Settings) -> Iterator[str]:
        another = Processes({**self.processes.settings, "HTTP_PORT": free_port(), **settings})
        with another.serving():
            yield f"http://127.0.0.1:{another.port}"

    def working(self) -> AbstractContextManager[object]:
        return self.processes.working()

    def settle(self) -> None:
        assert until(lambda: self._due() == 0), f"{self._due()} mails are still due"

    def _due(self) -> int:
        ((count,),) = self.database.superuser.execute(DUE).fetchall()
        return int(count)

    def drain(self) -> Ended:
        return self._run("worker", "--drain")

    def create_account(self, username: str, password: str) -> None:
        """By the command, which costs a process; the same account again, after `empty`, as the row that it made."""
        known = self.accounts.get((username, password))
        if known is not None:
            self.database.superuser.execute(ACCOUNT_AGAIN, [known])
            return
        ended = self._run("admin", "create", username, "--password-stdin", stdin=f"{password}\n")
        assert ended.status == 0, ended.said
        ((row,),) = self.database.superuser.execute(ACCOUNT, [username]).fetchall()
        self.accounts[username, password] = row

    def create_newsletter(self, slug: str, *, reply_to: str = "", postal_address: str = "") -> None:
        given = ("--reply-to", reply_to, "--postal-address", postal_address)
        ended = self._run("newsletters", "create", slug, "--name", slug, *given)
        assert ended.status == 0, ended.said

    def publish(self, title: str, text: str, key: str) -> Ended:
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            Path(file.name).write_text(text, encoding="utf-8")
            return self._run("issues", "publish", "--title", title, "--text", file.name, "--idempotency-key", key)

    def age(self, hours: int) -> None:
        with psycopg.ClientCursor(self.database.superuser) as cursor:
            cursor.execute(AGE, {"by": f"{hours} hours"})

    def empty(self) -> None:
        """A worker that runs may be in the way for a moment."""
        assert until(self._empties)

    def _empties(self) -> bool:
        try:
            self.database.empty()
        except DeadlockDetected:
            return False
        return True

    def _run(self, *arguments: str, stdin: str = "") -> Ended:
        done = self.processes.run(*arguments, stdin=stdin)
        return Ended(done.returncode, done.stdout + done.stderr)
