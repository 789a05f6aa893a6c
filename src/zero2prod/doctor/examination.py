"""All checks, side by side: one that waits delays no other, and one that breaks says so in its own line."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto

import attrs

from zero2prod.calling import as_called
from zero2prod.doctor.findings import Finding, Level, Verdict, error, unchecked
from zero2prod.doctor.machine import keys, room, secret_files
from zero2prod.doctor.mail import mail_server, sender
from zero2prod.doctor.patient import Patient
from zero2prod.doctor.signatures import dkim
from zero2prod.doctor.site import limits, public_url, site
from zero2prod.doctor.store import clock, database, keys_in_use, newsletters, roles, schema, worker
from zero2prod_core.errors import SchemaRefused, StoreUnavailable, Zero2ProdError

__all__ = ["CHECKS", "Check", "Concern", "examine", "for_a_person"]

CHECK_LASTS = 9.0
"""Seconds for one check and so for all of them: longer than any takes by its own limits, shorter than a person waits.
The longest are those of the mail server: 6 s for its dialogue, and 2 s for a goodbye.
"""


class Concern(Enum):
    """Whom a check tells something new when everything has just been started by ``up``."""

    EVERYBODY = auto()
    THE_PUBLIC = auto()
    """Of its warnings only where the site is for others than whoever sits at this machine; of its errors everywhere."""
    NOBODY = auto()
    """What ``up`` watches over itself, errors and all."""


@attrs.frozen
class Check:
    subject: str
    look: Callable[[Patient], Awaitable[Verdict]]
    concern: Concern


CHECKS: Sequence[Check] = (
    Check("database", database, Concern.EVERYBODY),
    Check("schema", schema, Concern.EVERYBODY),
    Check("roles", roles, Concern.THE_PUBLIC),
    Check("keys", keys, Concern.EVERYBODY),
    Check("keys in use", keys_in_use, Concern.EVERYBODY),
    Check("secrets", secret_files, Concern.EVERYBODY),
    Check("mail server", mail_server, Concern.THE_PUBLIC),
    Check("public URL", public_url, Concern.THE_PUBLIC),
    Check("site", site, Concern.THE_PUBLIC),
    Check("limits", limits, Concern.EVERYBODY),
    Check("worker", worker, Concern.NOBODY),
    Check("clock", clock, Concern.EVERYBODY),
    Check("newsletters", newsletters, Concern.THE_PUBLIC),
    Check("sender", sender, Concern.THE_PUBLIC),
    Check("signatures", dkim, Concern.EVERYBODY),
    Check("room for data", room, Concern.EVERYBODY),
)


async def examine(patient: Patient, checks: Sequence[Check] = CHECKS) -> Sequence[Finding]:
    """One finding for each check, in order. Raises nothing, whatever is broken."""
    return await asyncio.gather(*(_finding(patient, check) for check in checks))


async def for_a_person(patient: Patient) -> Sequence[Finding]:
    """What somebody who has just started everything must know: errors, and warnings that concern them."""
    checks = [check for check in CHECKS if check.concern is not Concern.NOBODY]
    concerned = {Concern.EVERYBODY, Concern.THE_PUBLIC} if patient.is_public else {Concern.EVERYBODY}
    findings = zip(checks, await examine(patient, checks), strict=True)
    return [
        finding
        for check, finding in findings
        if finding.level is Level.ERROR or (finding.level is Level.WARNING and check.concern in concerned)
    ]


async def _finding(patient: Patient, check: Check) -> Finding:
    verdict = await _verdict(patient, check)
    return Finding(check.subject, verdict.level, verdict.says, as_called(verdict.remedy, patient.data_dir))


async def _verdict(patient: Patient, check: Check) -> Verdict:
    try:
        async with asyncio.timeout(CHECK_LASTS):
            return await check.look(patient)
    except TimeoutError:
        return error(f"no answer within {CHECK_LASTS:g} s", "See whether what it asks is overloaded, or hangs")
    except StoreUnavailable:
        return unchecked("the database does not answer")
    except SchemaRefused:
        return unchecked("the schema, or this role's rights on it, lack something")
    except Zero2ProdError as trouble:
        return error(str(trouble).rstrip("."), "Mend that, then look again")
    except Exception as defect:  # noqa: BLE001 - one check that breaks must not keep the others from being told
        return error(f"cannot be checked ({type(defect).__name__})", "Report this as a mistake in zero2prod")
