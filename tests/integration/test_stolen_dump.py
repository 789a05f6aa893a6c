"""What a thief of the whole database can do with it: nothing in it logs in, confirms, unsubscribes or opens a page.

Every value of every row is tried in place of each secret, as it stands and in each form that a link or a cookie could
have of it, alone and with other values of the dump as its second half or as the key of its MAC.
"""

import base64
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import chain
from uuid import UUID

import attrs
import pytest
from psycopg.sql import SQL, Identifier

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.databases import Database, migrated_database
from tests.support.services import SECRET_KEYS
from zero2prod.runtime import running
from zero2prod.settings import DatabaseSettings, SecretSettings, Settings
from zero2prod.settings_limits import LimitSettings
from zero2prod.testing.builders import evidence, origin, publication, sign_up, token_in
from zero2prod_core.application import Application
from zero2prod_core.domain.accounts import Username
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.tokens import Purpose
from zero2prod_core.errors import CredentialsRefused, FieldInvalid, FieldMissing, TokenMalformed, TokenUnknown

PASSWORD = "a sentence that nobody wrote down"
ADA, BOB = "ada@example.com", "bob@example.com"

TABLES = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""

EVERYTHING = SQL("SELECT * FROM {}")

LONGEST_TRIED = 200
"""Characters of a password that is tried: a whole audit event is none."""

REFUSALS = (TokenUnknown, TokenMalformed, FieldMissing, FieldInvalid, CredentialsRefused)


@attrs.frozen
class Way:
    """A door, and whether a text opened it."""

    opens: Callable[[str], Awaitable[object]]

    async def opened(self, text: str) -> bool:
        try:
            return await self.opens(text) is not None
        except REFUSALS:
            return False


@pytest.fixture(scope="module")
def database(postgres_server: EmbeddedPostgres) -> Iterator[Database]:
    with migrated_database(postgres_server, "stolen") as made:
        yield made


@asynccontextmanager
async def house(database: Database) -> AsyncIterator[Application]:
    settings = Settings(
        database=DatabaseSettings(url=database.url),
        secret=SecretSettings(keys=SECRET_KEYS),
        limits=LimitSettings(enabled=False),
    )
    async with running(settings) as runtime:
        yield runtime.application


async def secrets_of(application: Application) -> Mapping[str, str]:
    """Live in: one account logged in and one to be set up, one reader with an issue, one who has not confirmed, and a
    link to somebody's data. What each of them holds that the database must not.
    """
    for name in ("ursula", "victor"):
        await application.accounts.create(origin(), Username(name))
    await application.accounts.set_password(origin(), Username("ursula"), PASSWORD)
    link = await application.accounts.make_set_up_link(origin(), Username("victor"))
    session = await application.log_in(origin(), "ursula", PASSWORD)
    await application.subscribe(sign_up(ADA))
    await application.confirm(await mailed(application, "confirmation.link"), evidence())
    await application.publish(publication(), origin())
    (issue,) = (await application.deliveries.claim("worker", 10, urgent=False)).parcels
    assert issue.listing
    await application.preferences.ask_link_by_email(EmailAddress.parse(ADA), evidence())
    mine = await mailed(application, "preferences.link")
    await application.subscribe(sign_up(BOB))
    return {
        "password": PASSWORD,
        "session": session.text,
        "setup": token_in(link),
        "confirmation": await mailed(application, "confirmation.link"),
        "unsubscription": token_in(issue.listing.unsubscribe_link),
        "preferences": token_in(issue.listing.preferences_link),
        "data": mine,
    }


async def mailed(application: Application, slot: str) -> str:
    (parcel,) = (await application.deliveries.claim("worker", 10, urgent=True)).parcels
    return token_in(parcel.slots[slot])


def ways(application: Application) -> Mapping[str, Way]:
    """Each door by what opens it."""
    preferences = application.preferences
    return {
        "password": Way(lambda text: application.log_in(origin(), "ursula", text)),
        "session": Way(application.read_session),
        "setup": Way(application.accounts.check_set_up_link),
        "confirmation": Way(application.check_confirmation),
        "unsubscription": Way(application.check_unsubscription),
        "preferences": Way(preferences.check),
        "data": Way(preferences.show),
    }


def values(database: Database) -> set[str | bytes]:
    """Everything in the dump: texts, and what is kept in bytes."""
    found: set[str | bytes] = set()
    for (table,) in database.superuser.execute(TABLES).fetchall():
        for row in database.superuser.execute(EVERYTHING.format(Identifier(table))).fetchall():
            found.update(chain.from_iterable(map(_parts, row)))
    return found


def _parts(value: object) -> list[str | bytes]:
    if isinstance(value, UUID):
        return [value.bytes, str(value), value.hex]
    if isinstance(value, bytes):
        return [value, value.hex()]
    if isinstance(value, dict):
        return [str(part) for part in value.values()]
    return [value] if isinstance(value, str) else []


def as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def attempts(stolen: set[str | bytes]) -> set[str]:
    """Texts that a thief could make of it."""
    raw = {value for value in stolen if isinstance(value, bytes)}
    tried = {value for value in stolen if isinstance(value, str)} | set(map(as_text, raw))
    halves = {value[:16] for value in raw if len(value) >= 16}
    ids = {value for value in raw if len(value) == 16}
    keys = raw | {value.encode() for value in stolen if isinstance(value, str) and len(value) <= LONGEST_TRIED}
    for id_ in ids:
        tried |= {as_text(id_ + half) for half in (*halves, bytes(16))}
    for key in keys:
        for purpose in Purpose:
            sub_key = hmac.digest(key, f"token/{purpose}".encode(), "sha256")
            tried |= {as_text(id_ + hmac.digest(sub_key, id_, "sha256")[:16]) for id_ in ids}
    return tried


@pytest.mark.untraced
async def test_nothing_in_a_dump_opens_anything(database: Database) -> None:
    async with house(database) as application:
        secrets = await secrets_of(application)
        stolen = values(database)
        doors = ways(application)
        assert not stolen & {*secrets.values()}
        passwords = {value for value in stolen if isinstance(value, str) and len(value) <= LONGEST_TRIED}
        tried = attempts(stolen)
        assert len(tried) > 10_000
        opened = [
            name for name, door in doors.items() if name != "password" for text in tried if await door.opened(text)
        ]
        assert opened == []
        assert not [text for text in passwords if await doors["password"].opened(text)]
        assert {name for name, text in secrets.items() if await doors[name].opened(text)} == secrets.keys()
