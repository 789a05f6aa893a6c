"""Checks that ask the database."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from adapters_postgres.inspection import KEY_HOLDERS, Inspection, Server
from adapters_system.clock import SystemClock
from zero2prod.doctor.findings import Verdict, error, fine, unchecked, warning
from zero2prod.doctor.patient import Patient, opened
from zero2prod.settings import name_of
from zero2prod_core.domain.keys import SETTING as KEYS_SETTING
from zero2prod_core.errors import SchemaRefused, StoreUnavailable

OLDEST_MAJOR = 15
"""The oldest PostgreSQL that the statements are written for."""

COUNTING_LASTS = 6.0
"""Seconds for counting one table by its keys: ten million rows take about half of it."""

CLOCK_TELLS = timedelta(seconds=1)
"""What a machine that follows NTP never differs by."""

CLOCK_BREAKS = timedelta(seconds=30)
"""As long as a worker's lease by default: beyond it times in logs, mails and rows contradict each other."""

WORKER_LOST = timedelta(minutes=1)
"""A worker beats every 10 s; this is six beats missed."""


async def database(patient: Patient) -> Verdict:
    setting = name_of("database.url")
    try:
        server = await patient.store.inspection.server()
    except StoreUnavailable as trouble:
        remedy = f"Start it, or correct host, port, database, user and password in {setting}"
        return error(f"does not answer{_driver_says(trouble)}", remedy)
    if server.major < OLDEST_MAJOR:
        return error(f"is PostgreSQL {server.major}", f"Use PostgreSQL {OLDEST_MAJOR} or newer")
    return fine(f"PostgreSQL {server.major} answers to the role {server.role}")


def _driver_says(trouble: StoreUnavailable) -> str:
    """A time limit of ours has no words."""
    if isinstance(trouble.__cause__, TimeoutError):
        return ", and is silent"
    words = " ".join(str(trouble.__cause__ or "").split())
    return f" ({words})" if words else ""


async def schema(patient: Patient) -> Verdict:
    try:
        pending = await patient.store.inspection.pending()
    except SchemaRefused as refusal:
        return error(refusal.fields["rule"], "Run the version of zero2prod that made it")
    if pending:
        return error(f"lacks {', '.join(pending)}", "Run: zero2prod migrate")
    return fine("is up to date")


async def roles(patient: Patient) -> Verdict:
    """Whoever breaks into the service must not be able to change the schema, or what the audit log holds."""
    owner_url, setting = patient.settings.database.owner_url, name_of("database.owner_url")
    server = await patient.store.inspection.server()
    if server.closed_tables:
        rule = f"the role {server.role} may not read {', '.join(server.closed_tables)}"
        return error(rule, f"Run: zero2prod migrate, with {setting} of the role that owns them")
    if server.owns_schema:
        rule = f"the service's role {server.role} may change the schema and the audit log"
        return warning(rule, f"Make a second role, give the owner's URL in {setting}, and run: zero2prod migrate")
    return await _owner(owner_url, setting) if owner_url else _no_owner(server, setting)


async def _owner(url: str, setting: str) -> Verdict:
    async with opened(url) as pool:
        try:
            owner = await Inspection(pool).server()
        except StoreUnavailable as trouble:
            return error(f"the owner cannot log in{_driver_says(trouble)}", f"Correct {setting}; migrate needs it")
    if not owner.owns_schema:
        return error(f"{owner.role} does not own the tables", f"Give in {setting} the role that made them")
    return fine(f"{owner.role} owns the tables, the service reads and writes rows")


def _no_owner(server: Server, setting: str) -> Verdict:
    rule = f"{server.role} may not change the schema, and no owner is known"
    return warning(rule, f"Give the owner's URL in {setting} where you run: zero2prod migrate")


async def keys_in_use(patient: Patient) -> Verdict:
    """A key that is not listed any more turns links dead, and suppressed people into strangers."""
    if not patient.settings.secret.keys:
        return unchecked("there are no keys")
    counted = await asyncio.gather(*(_count(patient, holder) for holder in KEY_HOLDERS))
    counts = dict(zip(KEY_HOLDERS, counted, strict=True))
    if retired := _retired(counts, {key.id for key in patient.settings.keys}):
        told = "; ".join(f"{key} ({', '.join(uses)})" for key, uses in sorted(retired.items()))
        return error(f"not listed, and still in use: {told}", f"Put it back into {KEYS_SETTING}, behind the newest")
    if missed := [holder for holder, count in counts.items() if count is None]:
        rule = f"{', '.join(missed)} could not be counted within {COUNTING_LASTS:g} s"
        return warning(rule, "Try again when there is less to do, and retire no key before that")
    return fine("every key that the database names is listed")


async def _count(patient: Patient, holder: str) -> Mapping[str, int] | None:
    """Key id → rows; None where counting takes too long."""
    try:
        async with asyncio.timeout(COUNTING_LASTS):
            return await patient.store.inspection.keys_of(holder)
    except TimeoutError:
        return None


def _retired(counts: Mapping[str, Mapping[str, int] | None], listed: set[str]) -> dict[str, list[str]]:
    """Key id → where and how often it is used, of those that are not listed."""
    retired: dict[str, list[str]] = {}
    for holder, count in counts.items():
        for key, rows in (count or {}).items():
            if key not in listed:
                retired.setdefault(key, []).append(f"{holder}: {rows}")
    return retired


async def clock(patient: Patient) -> Verdict:
    """The database's answer came from some moment between asking and hearing."""
    machine = SystemClock()
    asked = machine.now()
    theirs = await patient.store.inspection.now()
    heard = machine.now()
    apart = max(asked - theirs, theirs - heard, timedelta(0))
    said = f"this machine's and the database's differ by {apart.total_seconds():.1f} s"
    if apart <= CLOCK_TELLS:
        return fine(said)
    judge = error if apart > CLOCK_BREAKS else warning
    return judge(said, "Have both machines follow NTP, by chrony or systemd-timesyncd")


async def worker(patient: Patient) -> Verdict:
    ago = await patient.store.heartbeats.last()
    if ago is not None and ago <= WORKER_LOST:
        return fine(f"seen {ago.total_seconds():.0f} s ago")
    said = "none was ever seen" if ago is None else f"none was seen for {ago.total_seconds():.0f} s"
    return warning(said, "Start one, or no mail leaves: zero2prod worker")


async def newsletters(patient: Patient) -> Verdict:
    async with patient.store.uow.reading() as tx:
        found = await tx.newsletters.list()
    lacking = [newsletter.slug.text for newsletter in found if not newsletter.postal_address]
    if not lacking:
        return fine("each has the sender's postal address")
    rule = f"without the sender's postal address, which many countries ask for in each issue: {', '.join(lacking)}"
    return warning(rule, f"Run: zero2prod newsletters edit {lacking[0]} --postal-address '…'")
