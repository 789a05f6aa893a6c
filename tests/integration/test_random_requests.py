"""Requests that nobody thought of, to a running process: it answers each in HTTP and in time, and never by a fault."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import quote_from_bytes

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters_postgres.embedded import EmbeddedPostgres
from tests.support import hostile_texts
from tests.support.core import PASSWORD
from tests.support.public_sites import AT_ONCE, PublicSite, Reader, public_site
from tests.support.raw_http import Reply, written
from tests.support.routes import routes

pytestmark = pytest.mark.untraced

ROUTES = sorted(route for route in routes() if route[1] != "/admin/logout")
"""All but the one that would end the session which the others need."""
SMALL = [text for text in hostile_texts.small_texts() if len(text) <= 500]

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 40]

TYPES = [
    b"application/x-www-form-urlencoded",
    b"application/x-www-form-urlencoded; charset=utf-16",
    b"application/json",
    b"multipart/form-data; boundary=x",
    b"text/plain",
    b"application/json; charset=\xff",
    b"",
]

HONEST = {
    "name": b"Ada",
    "email": b"ada@example.com",
    "newsletter": b"default",
    "subscription_token": b"{confirmation}",
    "until": b"2027-01-31",
    "username": b"ada",
    "password": b"a wrong sentence",
    "title": b"News",
    "text_content": b"Some words.",
    "idempotency_key": b"key",
    "reason": b"She rang",
    "step": b"all",
    "resolution": b"accept",
    "recipient": b"all",
}

NAMES = [
    *HONEST,
    *(
        "token",
        "form",
        "field_city",
        "tag",
        "tags",
        "fields",
        "all",
        "resume",
        "message",
        "shown",
        "challenge",
        "answer",
    ),
    *("html_content", "markdown_content", "search", "status", "after", "before", "note", "sender", "current_password"),
]

PLACE = re.compile(rb"\{(?:confirmation|unsubscription|preferences|data|id|session)\}")

CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")

AT_A_TIME = 16
"""Requests of one example, of which one is none at all."""

AT_MOST = 400
"""Megabytes: some five times what a site takes that has hashed a few passwords."""

SETTINGS = {
    "HTTP_TRUSTED_PROXIES": "127.0.0.1/32",
    "LIMITS_HEADER_DEADLINE": "1s",
    "LIMITS_BODY_DEADLINE": "1s",
    "LIMITS_READ_DEADLINE": "5s",
    "LIMITS_IDLE": "1s",
}
"""Of what is drawn, some never ends: the site is to say so soon."""


@attrs.frozen
class Visit:
    """The site for one test, and what can be known of it: a reader's links, a session."""

    site: PublicSite
    reader: Reader
    session: bytes

    def placed(self, drawn: "Drawn | bytes") -> bytes:
        """The request, its placeholders filled with what is known here."""
        return drawn if isinstance(drawn, bytes) else drawn.written(self._filled)

    def _filled(self, text: bytes) -> bytes:
        known = {
            b"{confirmation}": self.reader.confirmation.encode(),
            b"{unsubscription}": self.reader.unsubscription.encode(),
            b"{preferences}": self.reader.preferences.encode(),
            b"{data}": self.reader.data.encode(),
            b"{id}": str(self.reader.id).encode(),
            b"{session}": self.session,
        }
        return PLACE.sub(lambda place: known[place[0]], text)


@attrs.frozen
class Drawn:
    """One request, with placeholders for what only the running site knows."""

    method: str
    target: bytes
    fields: Sequence[tuple[bytes, bytes]]
    body: bytes | None
    chunks: int

    def written(self, filled: Callable[[bytes], bytes]) -> bytes:
        method, target = self.method.encode(), filled(self.target)
        fields = [(name, filled(value)) for name, value in self.fields]
        body = None if self.body is None else filled(self.body)
        if body is None or not self.chunks:
            return written(method, target, fields, body)
        size = max(1, len(body) // self.chunks)
        parts = [body[start : start + size] for start in range(0, len(body), size)]
        chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        return written(method, target, [*fields, (b"Transfer-Encoding", b"chunked")]) + chunked


hostile = (
    st.sampled_from(SMALL)
    | st.binary(max_size=60)
    | st.text(max_size=30).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
links = st.sampled_from([b"{confirmation}", b"{unsubscription}", b"{preferences}", b"{data}", b"{id}"])
honest = st.sampled_from([b"default", b"Ada", b"ada@example.com", b"2027-01-31", b"1", b"music", b"all", b""])
values = honest | links | hostile


def escaped(value: bytes) -> str:
    return quote_from_bytes(value, safe="{}")


@st.composite
def targets(draw: st.DrawFn, path: str) -> bytes:
    """The route's path with something in each of its places, often a link's token, and something behind it."""
    for place in ("{token}", "{name}", "{id}", "{slug}"):
        if place in path:
            path = path.replace(place, escaped(draw(links | values)))
    asked = draw(st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=3))
    query = "&".join(f"{name}={escaped(value)}" for name, value in asked)
    return (f"{path}?{query}" if asked else path).encode()


carried = hostile.map(lambda text: CONTROLS.sub(b"", text)) | st.sampled_from(
    [b"application/json", b"same-origin", b"100-continue", b"192.0.2.1, ::1", b"gzip", b"bytes=0-1", b"text/html"]
)
"""What a header can hold; what it cannot is refused before anybody looks at the rest."""

headers = st.lists(
    st.tuples(
        st.sampled_from(
            b"Accept Accept-Language Content-Encoding Cookie Expect If-None-Match Last-Event-ID Origin Range "
            b"Sec-Fetch-Site Upgrade User-Agent X-Forwarded-For X-Request-Id".split()
        ),
        carried,
    ),
    max_size=2,
)
sessions = st.sampled_from([[], [(b"Cookie", b"session={session}")]])

# Whatever a form asks for, and some of it wrong: fields that it does not ask for are passed over.
forms = st.dictionaries(st.sampled_from(NAMES), values, max_size=4).map(
    lambda odd: "&".join(f"{name}={escaped(value)}" for name, value in {**HONEST, **odd}.items()).encode()
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


def as_json(document: object) -> bytes:
    return json.dumps(document).encode()


sign_ups = st.dictionaries(st.sampled_from(NAMES), documents, max_size=2).map(
    lambda odd: {"name": "Ada", "email": "ada@example.com", **odd}
)

# What is sent, and what it is said to be: mostly what it is.
contents = (
    st.tuples(st.just(b"application/x-www-form-urlencoded"), forms)
    | st.tuples(st.just(b"application/json"), (documents | sign_ups).map(as_json))
    | st.tuples(st.sampled_from(TYPES), st.none() | forms | hostile)
)


@st.composite
def requests(draw: st.DrawFn) -> Drawn:
    """Of a route that there is, more often than not by its own method."""
    method, path = draw(st.sampled_from(ROUTES))
    kind, body = draw(contents)
    return Drawn(
        draw(st.sampled_from([method] * 3 * len(METHODS) + METHODS)),
        draw(targets(path)),
        [(b"Content-Type", kind), *draw(headers), *draw(sessions)],
        body,
        draw(st.sampled_from([0, 0, 0, 1, 4])),
    )


garbage = st.binary(max_size=300).map(lambda octets: octets + b"\r\n\r\n")
one_of_many = st.integers(1, AT_A_TIME).flatmap(lambda lot: garbage if lot == AT_A_TIME else requests())
batches = st.lists(one_of_many, min_size=AT_A_TIME // 2, max_size=AT_A_TIME)


@pytest.fixture(scope="module")
def visit(postgres_server: EmbeddedPostgres) -> Iterator[Visit]:
    with public_site(postgres_server, **SETTINGS) as site:
        site.installation.told("admin", "create", "ada", "--password-stdin", stdin=f"{PASSWORD}\n")
        yield asyncio.run(_arrived(site))
        assert site.service.process.poll() is None


async def _arrived(site: PublicSite) -> Visit:
    """Logged in, and with a reader."""
    reply = await site.post("/login", {"username": b"ada", "password": PASSWORD.encode()})
    (cookie,) = [value for value in reply.all(b"set-cookie") if value.startswith(b"session=")]
    return Visit(site, await site.reader(), cookie.partition(b"=")[2].partition(b";")[0])


def try_all(visit: Visit, drawn: Sequence[Drawn | bytes]) -> None:
    """All at once. An answer need not be: what is no request, or none that ends, may be hung up on."""
    requests = [visit.placed(each) for each in drawn]
    for request, reply in zip(requests, asyncio.run(_answered(visit.site, requests)), strict=True):
        assert reply is None or reply.status < 500, request
    assert visit.site.service.process.poll() is None
    assert visit.site.service.peak_memory < AT_MOST, "it grows"


async def _answered(site: PublicSite, requests: Sequence[bytes]) -> Sequence[Reply | None]:
    here = attrs.evolve(site, gate=asyncio.Semaphore(AT_ONCE))
    return await asyncio.gather(*(here.exchange(request) for request in requests))


@settings(max_examples=60)
@given(drawn=batches)
def test_every_request_is_answered(visit: Visit, drawn: Sequence[Drawn | bytes]) -> None:
    try_all(visit, drawn)


@pytest.mark.soak
@given(drawn=batches)
def test_every_request_is_answered_for_a_long_time(visit: Visit, drawn: Sequence[Drawn | bytes]) -> None:
    try_all(visit, drawn)
