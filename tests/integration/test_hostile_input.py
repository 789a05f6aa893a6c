"""Hostile octets in every field of every public route: refused or taken as what they are, and never a fault of ours.

Of what is refused no row is left. Of what is taken there are exactly the rows that an honest request leaves.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from urllib.parse import quote_from_bytes

import attrs
import orjson
import pytest

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support import hostile_texts
from tests.support.dumps import grown
from tests.support.public_sites import AT_ONCE, FORM, JSON, PublicSite, Reader, public_site
from tests.support.raw_http import Reply
from tests.support.routes import public_routes
from zero2prod.testing.builders import number

pytestmark = pytest.mark.untraced

TEXTS, SMALL = hostile_texts.texts(), hostile_texts.small_texts()
SHORT = [text for text in SMALL if len(text) <= 1000]
"""Those that fit into a header when each octet is written as three."""

EVENT = {"audit_events": 1, "audit_details": 1, "audit_unsealed": 1}
LETTER = {"tokens": 1, "deliveries": 1, **EVENT}
SIGN_UP = {"subscriptions": 1, "sign_up_rounds": 1, "consent": 1, **LETTER}

PASSWORDS = 8
"""Every eighth text is tried where each try has a password hashed, which is made to be slow."""


@attrs.frozen
class Door:
    """A form: what an honest visitor sends, which of it and what else is made hostile, and the rows that a request may
    leave which is taken.
    """

    honest: Mapping[str, str]
    others: tuple[str, ...] = ()
    rows: Mapping[str, int] = EVENT
    every: int = 1

    @property
    def fields(self) -> Sequence[str]:
        return [*self.honest, *self.others]


ADA = {"name": "Ada", "email": "ada@example.com"}
LINK = {"subscription_token": "confirmation"}

ANSWERS = ("field_age", "field_since", "field_vegan", "field_size", "tag", "unknown")

MORE = ("newsletter", "field_city", *ANSWERS, "message", "shown", "challenge", "answer", "form")
"""What a sign-up may have besides, and a field that it has not."""

DOORS = {
    "/subscriptions": Door(
        ADA,
        MORE,
        SIGN_UP,
    ),
    "/subscriptions/again": Door(LINK, ("form",), LETTER | {"sign_up_rounds": 1, "consent": 1}),
    "/subscriptions/confirm": Door(LINK, ("form",)),
    "/unsubscribe/{token}": Door({}, ("form", "List-Unsubscribe"), EVENT | {"consent": 1}),
    "/preferences": Door({"email": "ada@example.com"}, ("form",), LETTER),
    "/preferences/{token}/name": Door({"name": "Ada"}, ("form",)),
    "/preferences/{token}/pause": Door({"until": "2027-01-31"}, ("resume", "form")),
    "/preferences/{token}/unsubscribe": Door({}, ("all", "form"), EVENT | {"consent": 1}),
    "/preferences/{token}/link": Door({}, ("form",), LETTER),
    "/preferences/mine/{token}/name": Door({"newsletter": "default", "name": "Ada"}, ("form",)),
    "/preferences/mine/{token}/pause": Door({"newsletter": "default", "until": "2027-01-31"}, ("resume", "form")),
    "/preferences/mine/{token}/answers": Door({"newsletter": "default", "field_city": "Ulm"}, (*ANSWERS, "form")),
    "/preferences/mine/{token}/unsubscribe": Door({"newsletter": "default"}, ("all", "form"), EVENT | {"consent": 1}),
    "/preferences/mine/{token}/data": Door({}, ("form",)),
    "/preferences/mine/{token}/erase": Door({}, ("form",), EVENT | {"suppressions": 1}),
    "/login": Door({"username": "ada", "password": "x"}, (), EVENT, PASSWORDS),
    "/setup": Door({"token": "x" * 43, "new_password": "x", "new_password_check": "x"}, (), {}, PASSWORDS),
}
"""Every public form. A new one has to be thought about here."""

JSON_DOOR = "/api/v1/subscriptions"

UNTOUCHED = ("limits", "limit_refusals")
"""Tables that may change by a request that is refused, besides the audit of a password that was wrong."""

ANSWERED = frozenset(
    b"""
    access-control-allow-headers access-control-allow-methods access-control-allow-origin access-control-expose-headers
    access-control-max-age allow cache-control connection content-disposition content-length content-security-policy
    content-type cross-origin-opener-policy cross-origin-resource-policy date etag location referrer-policy retry-after
    server set-cookie www-authenticate x-content-type-options x-request-id
    """.split()
)
"""Every header that an answer of ours may have."""

INJECTED = (b"<script>alert", b"<img src=x", b"<svg/onload", b"</textarea>")

HEADERS = (
    b"User-Agent",
    b"X-Forwarded-For",
    b"X-Request-Id",
    b"Accept",
    b"Content-Type",
    b"Content-Encoding",
    b"Origin",
    b"Referer",
    b"Cookie",
    b"Host",
    b"Sec-Fetch-Site",
    b"If-None-Match",
    b"Range",
    b"Transfer-Encoding",
    b"Expect",
    b"Upgrade",
    b"Last-Event-ID",
    b"X-HTTP-Method-Override",
)

FORWARDING = (b"X-Forwarded-For", b"Forwarded", b"Via", b"X-Forwarded-Host", b"X-Forwarded-Proto", b"X-Real-IP")


@pytest.fixture(scope="module")
def house(postgres_server: EmbeddedPostgres) -> Iterator[PublicSite]:
    with public_site(postgres_server, HTTP_TRUSTED_PROXIES="127.0.0.1/32") as served:
        yield served


@pytest.fixture
async def site(house: PublicSite) -> AsyncIterator[PublicSite]:
    """The house for one test, which it must outlive."""
    yield attrs.evolve(house, gate=asyncio.Semaphore(AT_ONCE))
    assert house.service.process.poll() is None


def accepted(replies: Sequence[Reply]) -> int:
    """How many were taken; none of them is a fault of ours, or an echo that does something."""
    for reply in replies:
        assert reply.status < 500, reply
        assert {name for name, _ in reply.fields} <= ANSWERED
        assert not is_page(reply) or not any(text in reply.body for text in INJECTED), reply
    return sum(reply.status in {200, 202} for reply in replies)


def is_page(reply: Reply) -> bool:
    """Whether a browser would read it as one."""
    return any(value.startswith(b"text/html") for value in reply.all(b"content-type"))


def path_of(route: str, reader: Reader) -> str:
    """The route with the reader's own link."""
    if route.startswith("/unsubscribe"):
        return route.replace("{token}", reader.unsubscription)
    return route.replace("{token}", reader.data if "/mine/" in route else reader.preferences)


def fields_of(door: Door, reader: Reader) -> dict[str, bytes]:
    """What an honest visitor sends, with an e-mail address that nobody has."""
    fresh = {"subscription_token": reader.confirmation, "email": f"visitor-{number()}@example.com"}
    return {name: fresh.get(name, text).encode() for name, text in door.honest.items()}


def variants(field: str, text: bytes) -> Sequence[bytes]:
    """An e-mail address has two sides that can be hostile."""
    return [text, text + b"@example.com", b"v%d@" % number() + text] if field == "email" else [text]


def test_every_public_form_is_tried() -> None:
    posted = {path for method, path in public_routes() if method == "POST"}
    assert posted == DOORS.keys() | {JSON_DOOR}


@pytest.mark.parametrize("route", DOORS)
async def test_every_field_of_every_form(site: PublicSite, route: str) -> None:
    door = DOORS[route]
    for field in door.fields:
        reader = await site.reader()
        before, path = site.rows, path_of(route, reader)
        sent = [
            {**fields_of(door, reader), field: value}
            for text in TEXTS[:: door.every]
            for value in variants(field, text)
        ]
        taken = accepted(await asyncio.gather(*(site.post(path, fields) for fields in sent)))
        left = grown(before, site.rows, UNTOUCHED)
        if route == "/subscriptions":
            assert left == {table: count * taken for table, count in door.rows.items() if taken}, field
        elif route == "/login":
            assert left.keys() <= EVENT.keys()
        elif "erase" not in route:
            assert all(0 < count <= door.rows.get(table, 0) * taken for table, count in left.items()), (field, left)


async def test_names_of_fields_and_whole_bodies(site: PublicSite) -> None:
    before = site.rows
    names = [b"name=Ada&email=" + quote_from_bytes(text).encode() + b"=x" for text in TEXTS]
    doubled = [b"name=Ada&name=" + text[:1000] for text in TEXTS]
    bodies = [*TEXTS, *names, *doubled]
    taken = accepted(
        await asyncio.gather(
            *(site.send("POST", path, [FORM], body) for body in bodies for path in ("/subscriptions", "/preferences"))
        )
    )
    assert taken == 0
    assert grown(before, site.rows, UNTOUCHED) == {}


class TestJson:
    async def post(self, site: PublicSite, bodies: Sequence[bytes]) -> Sequence[Reply]:
        replies = await asyncio.gather(*(site.send("POST", JSON_DOOR, [JSON], body) for body in bodies))
        for reply in replies:
            assert isinstance(orjson.loads(reply.body), dict)
        return replies

    @pytest.mark.parametrize("member", ["name", "email", "newsletter", "fields", "tags", "challenge", "answer", "city"])
    async def test_every_member(self, site: PublicSite, member: str) -> None:
        before = site.rows
        values = [*hostile_texts.json_strings(), *hostile_texts.JSON_VALUES.values()]
        taken = accepted(await self.post(site, [self.body(member, value) for value in values]))
        assert grown(before, site.rows, UNTOUCHED) == {
            table: count * taken for table, count in SIGN_UP.items() if taken
        }

    def body(self, member: str, value: bytes) -> bytes:
        """An honest sign-up but for this member; ``city`` is one of the newsletter's own fields."""
        honest = {b"name": b'"Ada"', b"email": b'"visitor-%d@example.com"' % number()}
        hostile = {b"fields": b'{"city":' + value + b"}"} if member == "city" else {member.encode(): value}
        return b"{" + b",".join(b'"%s":%s' % each for each in {**honest, **hostile}.items()) + b"}"

    async def test_bodies_of_which_none_is_a_sign_up(self, site: PublicSite) -> None:
        before = site.rows
        names = [b'{"name":"Ada","email":"ada@example.com",' + text + b':"x"}' for text in hostile_texts.json_strings()]
        assert accepted(await self.post(site, [*hostile_texts.JSON_BODIES, *TEXTS, *names])) == 0
        assert grown(before, site.rows, UNTOUCHED) == {}

    @pytest.mark.parametrize("method", ["POST", "OPTIONS"])
    async def test_any_site_may_read_the_answer_and_none_with_credentials(self, site: PublicSite, method: str) -> None:
        replies = await asyncio.gather(
            *(
                site.send(method, JSON_DOOR, [(b"Origin", quote_from_bytes(text).encode()), JSON], b"{}")
                for text in SHORT
            )
        )
        for reply in replies:
            assert reply.all(b"access-control-allow-origin") == [b"*"], reply
            assert reply.all(b"access-control-allow-credentials") == []


class TestHeaders:
    @pytest.mark.parametrize("name", HEADERS)
    async def test_whatever_stands_in_a_header(self, site: PublicSite, name: bytes) -> None:
        before = site.rows
        replies = [await self.sign_up(site, (name, text)) for text in SMALL]
        taken = accepted([reply for reply in replies if reply])
        assert grown(before, site.rows, UNTOUCHED) == {
            table: count * taken for table, count in SIGN_UP.items() if taken
        }

    async def sign_up(self, site: PublicSite, header: tuple[bytes, bytes]) -> Reply | None:
        body = b"name=Ada&email=visitor-%d%%40example.com" % number()
        others = [] if header[0] == b"Content-Type" else [FORM]
        lines = [b"POST /subscriptions HTTP/1.1", b"Connection: close", b"Content-Length: %d" % len(body)]
        hosts = [] if header[0] == b"Host" else [(b"Host", b"news.example")]
        lines += [b"%s: %s" % field for field in [*hosts, *others, header]]
        return await site.exchange(b"\r\n".join([*lines, b"", body]))

    async def test_what_is_kept_of_a_browser_is_printable(self, site: PublicSite) -> None:
        for text in SMALL:
            await self.sign_up(site, (b"User-Agent", text))
        kept = site.database.superuser.execute("SELECT DISTINCT user_agent FROM consent").fetchall()
        assert all(user_agent is None or user_agent.isprintable() for (user_agent,) in kept)

    @pytest.mark.parametrize("name", FORWARDING)
    async def test_nothing_that_was_forwarded_opens_the_numbers(self, site: PublicSite, name: bytes) -> None:
        claims = [*SHORT, b"127.0.0.1", b"127.0.0.1, 127.0.0.1", b"for=127.0.0.1", b"::1, x", b"localhost"]
        replies = [
            await site.send("GET", "/metrics", [(name, quote_from_bytes(text, safe="/:[],= ").encode())])
            for text in claims
        ]
        assert {reply.status for reply in replies} == {404}


class TestPaths:
    @pytest.mark.parametrize("route", sorted(path for method, path in public_routes() if method == "GET"))
    async def test_whatever_stands_in_a_link(self, site: PublicSite, route: str) -> None:
        before = site.rows
        escaped = [quote_from_bytes(text, safe="") for text in SMALL]
        inside = [route.replace("{token}", text).replace("{name}", text) for text in escaped] if "{" in route else []
        behind = [
            f"{route}?{name}={text}" for text in escaped for name in ("newsletter", "subscription_token", "token", "v")
        ]
        replies = await asyncio.gather(*(site.send("GET", target) for target in [*inside, *behind]))
        accepted(replies)
        assert grown(before, site.rows, UNTOUCHED) == {}

    async def test_targets_that_are_no_path(self, site: PublicSite) -> None:
        before = site.rows
        targets = [*SMALL, *(b"/" + text for text in SMALL), b"*", b"http://evil.example/", b"evil.example:443"]
        requests = [b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target for target in targets]
        replies = await asyncio.gather(*(site.exchange(request) for request in requests))
        accepted([reply for reply in replies if reply])
        assert grown(before, site.rows, UNTOUCHED) == {}


async def test_under_the_usual_limits_whatever_is_refused_leaves_nothing(postgres_server: EmbeddedPostgres) -> None:
    limits = {"LIMITS_ENABLED": True, "LIMITS_SIGN_UP_NETWORK": "40/d"}
    with public_site(postgres_server, **limits) as site:
        before = site.rows
        replies = await asyncio.gather(
            *(site.post("/subscriptions", {"name": text, "email": b"v%d@example.com" % number()}) for text in TEXTS)
        )
        taken = accepted(replies)
        assert {reply.status for reply in replies} <= {200, 400, 413, 429}
        assert 0 < taken <= 41
        assert grown(before, site.rows, UNTOUCHED) == {table: count * taken for table, count in SIGN_UP.items()}
