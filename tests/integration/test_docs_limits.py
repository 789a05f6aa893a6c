"""The how-to about limits: what a visitor types who is refused, against a site that limits."""

import asyncio
import json
from pathlib import Path

import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import APPLICATION
from tests.support.databases import migrated_database
from tests.support.documentation import blocks
from tests.support.http import browsing
from tests.support.machines import url_of
from tests.support.services import Installation
from tests.support.shells import Shell

# No worker runs.
NOBODY_LISTENS = 1

TELLING = ("code", "rule", "scope", "status")
"""What does not depend on the moment."""


@pytest.mark.untraced
@pytest.mark.system_package("curl", "curl")
async def test_a_visitor_who_is_refused_learns_of_the_limit(postgres_server: EmbeddedPostgres, tmp_path: Path) -> None:
    (ask,) = blocks("tune-limits", "sh")
    (shown,) = map(json.loads, blocks("tune-limits", "json"))
    with migrated_database(postgres_server, "tuned"):
        app = url_of(postgres_server, APPLICATION, "tuned")
        limits = {"LIMITS_ENABLED": True, f"LIMITS_{shown['scope'].upper()}": "1/d"}
        house = Installation.over(app, NOBODY_LISTENS, **limits)
        shell = Shell.in_checkout(tmp_path, {r"https://news\.example\.org": f"http://127.0.0.1:{house.port}"})
        with house.serving():
            async with browsing(house.port) as browser:
                grace = {"name": "Grace", "email": "grace@example.com"}
                assert (await browser.post("/subscriptions", grace)).status == 200
            told = json.loads(await asyncio.to_thread(shell.succeeds, ask))
    assert told.keys() == shown.keys()
    assert {name: told[name] for name in TELLING} == {name: shown[name] for name in TELLING}
