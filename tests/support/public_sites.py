"""A site as the public meets it: a served process over a real database, and readers whose links a test knows."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote_from_bytes
from uuid import UUID

import attrs

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.databases import Database, migrated_database
from tests.support.dumps import counts
from tests.support.raw_http import Fields, Reply, ask, written
from tests.support.services import Installation, Service
from zero2prod.testing.builders import KEY, number
from zero2prod_core.domain.tokens import Purpose, token_text

FORM = (b"Content-Type", b"application/x-www-form-urlencoded")
JSON = (b"Content-Type", b"application/json")

# Nobody sends mail by itself; a test that wants mail runs a worker with a relay of its own.
NOBODY_LISTENS = 1

AT_ONCE = 4
"""Requests under way: enough to keep two cores busy, too few to wait for one another for as long as the site may wait
for its database, even where the machine has other things to do."""

# Questions of every type, the first of which may not be left open on the page.
QUESTIONS = (
    "--field",
    'city: text "Where do you live?"',
    "--field",
    'age: number "How old are you?"',
    "--field",
    'since: date "Since when?"',
    "--field",
    'vegan: yes_no "Do you eat meat?"',
    "--field",
    'size: choice "Your size" "Small" "Large"',
    "--tag",
    'music: "Music news"',
)

NEWEST = "SELECT id FROM subscriptions WHERE email = %s"
CONFIRMATION = """
SELECT token_id FROM tokens JOIN sign_up_rounds ON subject_id = round_id
WHERE purpose = 'confirm' AND subscription_id = %s ORDER BY issued_at DESC LIMIT 1
"""
MANAGEMENT = "SELECT token_id FROM tokens WHERE purpose = 'manage' AND subject_id = %s ORDER BY issued_at DESC LIMIT 1"


@attrs.frozen
class Reader:
    """Somebody who has confirmed, and the tokens in their links."""

    id: UUID
    email: str
    confirmation: str
    unsubscription: str
    preferences: str
    data: str


@attrs.frozen
class PublicSite:
    """What a request is answered with, and what the database holds then. Belongs to one event loop."""

    installation: Installation
    service: Service
    database: Database
    gate: asyncio.Semaphore = attrs.field(factory=lambda: asyncio.Semaphore(AT_ONCE))

    @property
    def rows(self) -> dict[str, int]:
        """How many there are in every table."""
        return counts(self.database)

    async def send(self, method: str, target: bytes | str, fields: Fields = (), body: bytes | None = None) -> Reply:
        """The answer, of which there must be one."""
        path = target if isinstance(target, bytes) else target.encode()
        reply = await self.exchange(written(method.encode(), path, fields, body))
        assert reply is not None, (method, path[:200], fields, (body or b"")[:200])
        return reply

    async def exchange(self, request: bytes) -> Reply | None:
        """Octets, and the answer if there is one; no more than `AT_ONCE` at once."""
        async with self.gate:
            return await ask(self.installation.port, request)

    async def post(self, path: str, fields: dict[str, bytes], headers: Fields = ()) -> Reply:
        """A form, every octet of it as given."""
        return await self.send("POST", path, [FORM, *headers], form(fields))

    async def reader(self) -> Reader:
        """Sign somebody up, confirm, and ask for the link to their data."""
        email = f"reader-{number()}@example.com"
        assert (await self.post("/subscriptions", {"name": b"Ada", "email": email.encode()})).status == 200
        ((id_,),) = self.database.superuser.execute(NEWEST, [email]).fetchall()
        confirmation = self._token(Purpose.CONFIRM, CONFIRMATION, id_)
        confirmed = await self.post("/subscriptions/confirm", {"subscription_token": confirmation.encode()})
        assert confirmed.status == 200
        assert (await self.post("/preferences", {"email": email.encode()})).status == 200
        leaving, preferring = (token_text(KEY, each, id_) for each in (Purpose.UNSUBSCRIBE, Purpose.PREFERENCES))
        return Reader(id_, email, confirmation, leaving, preferring, self._token(Purpose.MANAGE, MANAGEMENT, id_))

    def _token(self, purpose: Purpose, question: str, reader: UUID) -> str:
        ((id_,),) = self.database.superuser.execute(question.encode(), [reader]).fetchall()
        return token_text(KEY, purpose, id_)


def form(fields: dict[str, bytes]) -> bytes:
    """Fields as a browser writes them, with every octet escaped that could mean anything."""
    return "&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in fields.items()).encode()


@contextmanager
def public_site(server: EmbeddedPostgres, **settings: object) -> Iterator[PublicSite]:
    """A served process over a database of its own, whose newsletter asks for something of every type."""
    with migrated_database(server, f"public_{number()}") as database:
        installation = Installation.over(database.url, NOBODY_LISTENS, **settings)
        installation.told("newsletters", "edit", "default", "--name", "News", *QUESTIONS)
        with installation.serving() as service:
            yield PublicSite(installation, service, database)
