"""The how-tos about ways for mail to leave, typed as they stand against a relay and a Postmark of our own."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path

import attrs
import pytest

from adapters_email.dkim_keys import loaded, published
from adapters_email.dkim_setting import parse_key_files
from adapters_postgres.embedded import EmbeddedPostgres
from adapters_postgres.embedded.cluster import APPLICATION
from tests.support.certificates import self_signed
from tests.support.core import token_in
from tests.support.databases import migrated_database
from tests.support.dkim_verifying import verdicts
from tests.support.documentation import blocks
from tests.support.http import browsing
from tests.support.machines import administrator, url_of
from tests.support.parcels import parsed, words
from tests.support.postgres import scratch_directory
from tests.support.postmark_server import PostmarkServer
from tests.support.services import Installation
from tests.support.shells import Shell
from tests.support.smtp_server import SmtpServer
from tests.support.up import ADDRESS, LINK
from tests.support.waiting import eventually
from zero2prod.testing.builders import number
from zero2prod_core.domain.masking import masked

pytestmark = pytest.mark.untraced

SIGNED_BY_ITSELF = "127.0.0.1"

DRAIN = "zero2prod worker --drain"

PUBLISH = "echo Hello > issue.txt; zero2prod issues publish --title First --text issue.txt --newsletter garden"

REFUSED = "550 5.7.1 Not in the name of garden@example.org"

TOKEN = "5e0f7c1a-9b1d-4c52-8a57-0d2c6f1f3b90"

# For each connection of a worker, and some more.
OFTEN = 8

# The commands of this installation send nothing; the shell does.
NOBODY_LISTENS = 1


@attrs.frozen
class Machine:
    """A shell with an installation's settings but those of mail, and the installation, to sign up at."""

    shell: Shell
    house: Installation

    def beside(self, exchanges: Mapping[str, str]) -> "Machine":
        return attrs.evolve(self, shell=self.shell.exchanging(exchanges))

    def keep(self, name: str, secret: str) -> None:
        """In the file that a page names."""
        (self.shell.place / "etc" / name).write_text(secret)

    async def types(self, *typed: str) -> str:
        """What it prints."""
        return await asyncio.to_thread(self.shell.succeeds, "\n".join(typed))

    async def ask(self, path: str, fields: Mapping[str, str]) -> None:
        with self.house.serving():
            async with browsing(self.house.port) as browser:
                assert (await browser.post(path, fields)).status == 200

    async def sign_up(self, email: str, newsletter: str = "default") -> None:
        await self.ask("/subscriptions", {"name": "Ada", "email": email, "newsletter": newsletter})

    async def confirm(self, mail: EmailMessage) -> None:
        (link,) = LINK.findall(words(mail, "plain"))
        await self.ask("/subscriptions/confirm", {"subscription_token": token_in(link)})


@pytest.fixture
def machine(postgres_server: EmbeddedPostgres) -> Iterator[Machine]:
    name = f"posted_{number()}"
    with scratch_directory() as place, migrated_database(postgres_server, name):
        yield made(postgres_server, name, place)


def made(server: EmbeddedPostgres, database: str, place: Path) -> Machine:
    (place / "etc").mkdir()
    pem = self_signed(SIGNED_BY_ITSELF)
    (place / "pem").write_bytes(pem.public + pem.private)
    house = Installation.over(url_of(server, APPLICATION, database), NOBODY_LISTENS)
    settings = {f"ZERO2PROD_{name}": str(value) for name, value in house.settings.items() if "MAIL" not in name}
    environment = {**settings, **administrator(server), "SSL_CERT_FILE": str(place / "pem")}
    return Machine(Shell.in_checkout(place, {"/etc/zero2prod": str(place / "etc")}, environment), house)


@pytest.fixture
async def relay(machine: Machine) -> AsyncIterator[SmtpServer]:
    """As the page describes it: it encrypts after the greeting, and wants a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(machine.shell.place / "pem")
    async with SmtpServer(starttls=context, password="p@ss") as server:
        yield server


def named(machine: Machine, relay: SmtpServer) -> Machine:
    """The page's relay is this one."""
    machine.keep("relay", f"smtp://news:p%40ss@127.0.0.1:{relay.port}?tls=starttls")
    return machine.beside({r"mail\.example\.org:587": f"127.0.0.1:{relay.port}"})


async def test_mail_leaves_over_a_relay(machine: Machine, relay: SmtpServer) -> None:
    name, file, _, create, connections, _ = blocks("send-through-an-smtp-relay", "sh")
    machine = named(machine, relay)
    await machine.types(name, create)
    await machine.sign_up("ada@example.com", "garden")
    await machine.types(name, connections, DRAIN)
    await machine.sign_up("grace@example.com")
    await machine.types(file, name.splitlines()[-1], DRAIN)
    assert [mail.recipient for mail in relay.mails] == ["ada@example.com", "grace@example.com"]
    assert {login[1:] for login in relay.logins} == {(b"news", b"p@ss")}
    garden = parsed(relay.mails[0].content)
    assert ("garden@example.org" in garden["From"], garden["Reply-To"]) == (True, "ask@example.org")


async def test_under_up_it_takes_the_place_of_the_mailbox(machine: Machine, relay: SmtpServer) -> None:
    _, _, start, *_ = blocks("send-through-an-smtp-relay", "sh")
    machine = named(machine, relay).beside({r"\bmake up\b": "zero2prod up"})
    log = machine.shell.place / "up.log"
    async with machine.shell.running("", f"{start.strip()} > {log} 2>&1"):

        async def said() -> bool:
            return log.exists() and "Ctrl-C" in log.read_text()

        assert await eventually(said)
        assert list(dict(ADDRESS.findall(log.read_text()))) == ["Site", "Staff"]
        async with browsing(machine.house.port) as browser:
            assert (await browser.post("/subscriptions", {"name": "Ada", "email": "ada@example.com"})).status == 200
        await relay.heard("END")


async def test_an_issue_that_was_paused_is_resumed(machine: Machine, relay: SmtpServer) -> None:
    name, _, _, create, _, resume = blocks("send-through-an-smtp-relay", "sh")
    machine = named(machine, relay)
    await machine.types(name, create)
    await machine.sign_up("ada@example.com", "garden")
    await machine.types(name, DRAIN)
    await machine.confirm(parsed(relay.mails[0].content))
    relay.script["MAIL"].extend([REFUSED] * OFTEN)
    await machine.types(name, PUBLISH, f"{DRAIN} || true")
    relay.script["MAIL"].clear()
    (issue,) = machine.house.told("issues", "list")
    assert issue["state"] == "paused"
    said = await machine.beside({r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}": issue["id"]}).types(resume)
    assert masked(REFUSED.partition(" ")[2]) in said
    assert f"Resumed {issue['id']}." in said
    (issue,) = machine.house.told("issues", "list")
    assert issue["state"] != "paused"


@pytest.mark.system_package("openssl", "openssl")
async def test_mails_are_signed_and_the_doctor_tells_the_records(machine: Machine, relay: SmtpServer) -> None:
    make, make_quick, name, doctor = blocks("sign-with-dkim", "sh")
    to, *_ = blocks("send-through-an-smtp-relay", "sh")
    machine = named(machine, relay).beside({r"chown zero2prod\b": "chown $(id -u)"})
    said = await machine.types(make, make_quick, to, name, f"{doctor.strip()} || true")
    await machine.sign_up("ada@example.com")
    await machine.types(to, name, DRAIN)
    files = parse_key_files(
        f"2026a={machine.shell.place}/etc/dkim.pem,2026b={machine.shell.place}/etc/dkim-ed25519.pem"
    )
    keys = loaded(files)
    (mail,) = relay.mails
    assert verdicts(mail.content, keys, "example.org") == [True, True]
    for record in (published(key, "example.org") for key in keys):
        assert f'{record.name} TXT "{record.value}"' in said
    assert {file.path.stat().st_mode & 0o777 for file in files} == {0o600}


async def test_mail_leaves_over_postmark(machine: Machine) -> None:
    account, batch, url = blocks("send-through-postmark", "sh")
    machine.keep("postmark", TOKEN)
    readers = {"ada@example.com", "grace@example.com"}
    for reader in readers:
        await machine.sign_up(reader)
    async with PostmarkServer() as postmark:
        await machine.beside({r"https://mail\.example\.org": postmark.url}).types(account, batch, url, DRAIN)
        (request,) = postmark.requests
        assert request.token == TOKEN
        assert {message["To"] for message in request.messages} == readers
