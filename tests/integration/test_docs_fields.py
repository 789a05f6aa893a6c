"""The how-to about fields and tags, typed as it stands; a reader answers in between, and gets the issue."""

from collections.abc import Iterator

import attrs
import orjson
import pytest

from adapters_email.composing import compose
from adapters_postgres.embedded import EmbeddedPostgres
from tests.support.documentation import blocks
from tests.support.machines import Machine, furnished
from tests.support.parcels import parsed, words
from zero2prod.runtime import Runtime
from zero2prod.testing.builders import evidence, sign_up

pytestmark = pytest.mark.untraced

PAGE = "ask-readers-more"


@pytest.fixture
def machine(postgres_server: EmbeddedPostgres) -> Iterator[Machine]:
    with furnished(postgres_server) as machine:
        yield machine


async def answer(runtime: Runtime) -> None:
    """Sign up with what the page's JSON has, and confirm."""
    (body,) = blocks(PAGE, "json")
    typed = orjson.loads(body)
    asked = attrs.evolve(sign_up(typed["email"], typed["name"]), fields=typed["fields"], tags=tuple(typed["tags"]))
    await runtime.application.subscribe(asked)
    ((parcel,),) = [(await runtime.application.deliveries.claim("test", 10, urgent=True)).parcels]
    link = parcel.slots["confirmation.link"]
    await runtime.application.confirm(link.partition("subscription_token=")[2], evidence())


async def mailed(runtime: Runtime) -> bytes:
    ((parcel,),) = [(await runtime.application.deliveries.claim("test", 10, urgent=False)).parcels]
    return compose(parcel).content


def test_readers_are_asked_and_answered(machine: Machine) -> None:
    declare, publish, otherwise = blocks("ask-readers-more", "sh")
    said = machine.shell.succeeds(declare)
    assert '\tfield\tsize: choice required "Your size" "Small" "Medium" "Large"\n\ttag\tmusic: "Music news"' in said
    machine.ask(answer)
    machine.shell.succeeds(publish)
    message = parsed(machine.ask(mailed))
    assert message["Subject"] == "News for Graz"
    text = words(message, "plain")
    assert "Hello Ada," in text
    assert "what is on in Graz." in text
    assert "You chose: Music news." in text
    said = machine.shell.succeeds(otherwise)
    assert 'city: text required "Which city is yours?"' in said
    assert "size" not in said
    assert "music" not in said.splitlines()[-1]
