"""A running ``zero2prod up``, and what a person does with it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import attrs
import orjson

from adapters_postgres.embedded.leftovers import working_in
from tests.support.core import token_in
from tests.support.http import Answer, browsing
from tests.support.parcels import parsed, words
from tests.support.ports import free_port
from tests.support.services import Service, started
from tests.support.supervisors import NOTHING, Starter
from tests.support.waiting import eventually, until

ADDRESS = re.compile(r"^(Site|Staff|Mailbox) +(\S+)\n +\S.*\.$", re.MULTILINE)
LINK = re.compile(r"http://\S+/subscriptions/confirm\?\S+")


@attrs.frozen
class House:
    """A running ``up``. ``addresses`` are those it printed, by their names."""

    service: Service
    data_dir: Path
    addresses: Mapping[str, str]

    @property
    def cluster(self) -> Path:
        return self.data_dir / "postgres/data"

    @property
    def processes(self) -> set[int]:
        """All that run for it, told by an inherited mark and by the directory they work in."""
        return {*self.service.family, *working_in(self.cluster)}

    @property
    def users(self) -> set[str]:
        """Whose they are."""
        return {Path(f"/proc/{pid}").owner() for pid in self.processes}

    def part(self, name: str) -> int:
        """The process of ``serve`` or ``worker``."""
        (pid,) = self.parts(name)
        return pid

    def parts(self, name: str) -> set[int]:
        """All processes of ``serve`` or ``worker``."""
        return {pid for pid, line in self.service.family.items() if line.endswith(f"-m zero2prod {name}")}

    @property
    def is_gone(self) -> bool:
        return until(lambda: not self.processes)

    def site(self) -> "Visit":
        return Visit(self)


@attrs.frozen
class Visit:
    """What a person does with the site and the mailbox."""

    house: House

    async def ask(self, path: str, fields: Mapping[str, str] | None = None) -> Answer:
        async with browsing(port_of(self.house.addresses["Site"])) as browser:
            return await (browser.get(path) if fields is None else browser.post(path, fields))

    async def sign_up(self, email: str, name: str = "Ada") -> EmailMessage:
        """The confirmation mail, from the mailbox."""
        assert (await self.ask("/subscriptions", {"name": name, "email": email})).status == 200
        return await self.mail(email, "Confirm")

    async def confirm(self, mail: EmailMessage) -> None:
        (link,) = LINK.findall(words(mail, "plain"))
        assert (await self.ask("/subscriptions/confirm", {"subscription_token": token_in(link)})).status == 200

    async def mail(self, email: str, subject: str) -> EmailMessage:
        """The one mail to this e-mail address with such a subject, once it has come."""
        found: list[int] = []
        async with browsing(port_of(self.house.addresses["Mailbox"])) as browser:

            async def arrived() -> bool:
                mails = orjson.loads((await browser.get("/api/mails")).body)["mails"]
                found[:] = [mail["id"] for mail in mails if mail["to"] == [email] and subject in mail["subject"]]
                return bool(found)

            assert await eventually(arrived)
            (number,) = found
            return parsed((await browser.get(f"/api/mails/{number}/source")).body)

    async def comes_back(self) -> bool:
        """Whether the site takes a sign-up again in time, whatever is away at first."""
        return await eventually(self._works)

    async def _works(self) -> bool:
        try:
            return (await self.ask("/health/ready")).status == 200
        except OSError:
            return False


def port_of(url: str) -> int:
    """The port in a URL that has one."""
    return int(url.split("/")[2].rpartition(":")[2])


@contextmanager
def up(
    data_dir: Path, *arguments: str, settings: Mapping[str, object] = NOTHING, starter: Starter | None = None
) -> Iterator[House]:
    """``zero2prod up`` on free ports, once it has printed where everything is."""
    ports = ("--port", str(free_port()), "--mailbox-port", str(free_port()))
    with started("up", *ports, *arguments, settings=settings, starter=starter) as service:
        assert until(lambda: "Ctrl-C" in service.said or service.process.poll() is not None)
        addresses = dict(ADDRESS.findall(service.said))
        assert list(addresses) == ["Site", "Staff", "Mailbox"], service.said
        yield House(service, data_dir, addresses)
