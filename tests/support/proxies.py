"""nginx and Caddy with the configuration that the documentation shows, in front of a service on loopback.

Only what belongs to the machine is exchanged: ports, paths, certificates. Whoever connects does so from 127.0.0.2, so
that a visitor can be told from the proxy, which is 127.0.0.1.
"""

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from types import MappingProxyType

import attrs

from tests.support.certificates import self_signed
from tests.support.ports import free_port
from tests.support.waiting import PATIENCE, until

HOST = "news.example.org"
VISITOR = "127.0.0.2"
UPSTREAM = "127.0.0.1:8000"
SBIN = f"{os.environ['PATH']}:/usr/sbin"

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

NGINX_AROUND = """
daemon off;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log {place}/access.log;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    include {place}/site;
}}
"""

CADDY_OPTIONS = """{{
	admin off
	local_certs
	skip_install_trust
	default_bind 127.0.0.1
	http_port {plain}
	https_port {secure}
"""


@attrs.frozen
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str


class _Connection(HTTPSConnection):
    """To a port of loopback, whatever the host's name says, and from a network address of the visitor's own."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        super().__init__(HOST, port, timeout=PATIENCE, context=context)
        self._trust = context

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), PATIENCE, (VISITOR, 0))
        self.sock = self._trust.wrap_socket(plain, server_hostname=self.host)


@attrs.frozen
class Proxy:
    """One that runs. ``place`` holds all its files; ``trust`` is the file of the certificate to believe."""

    process: "subprocess.Popen[bytes]"
    place: Path
    secure: int
    plain: int
    trust: Path

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        """One request on a connection of its own."""
        connection = _Connection(self.secure, ssl.create_default_context(cafile=str(self.trust)))
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # a body that was refused is not read to its end
                connection.request(method, path, body, {"Host": HOST, **headers})
            return _read(connection.getresponse())
        finally:
            connection.close()

    def ask_without_tls(self, path: str) -> Reply:
        connection = HTTPConnection("127.0.0.1", self.plain, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers={"Host": HOST})
            return _read(connection.getresponse())
        finally:
            connection.close()

    def said(self) -> str:
        """All that it wrote into any log."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.place.glob("*log")))

    @property
    def is_ready(self) -> bool:
        try:
            return self.ask("GET", "/health_check").status == 200
        except OSError:
            return False


def _read(response: HTTPResponse) -> Reply:
    return Reply(response.status, dict(response.headers), response.read().decode(errors="replace"))


def exchanged(text: str, exchanges: Mapping[str, str]) -> str:
    """The text with each pattern replaced; all of them must be there."""
    for pattern, new in exchanges.items():
        text, count = re.subn(pattern, new, text)
        assert count, f"the page's configuration has no {pattern}"
    return text


@contextmanager
def nginx(site: str, place: Path, upstream: int) -> Iterator[Proxy]:
    """nginx with the page's ``site`` file."""
    secure, plain = free_port(), free_port()
    pem = self_signed(HOST)
    (place / "fullchain.pem").write_bytes(pem.public)
    (place / "privkey.pem").write_bytes(pem.private)
    exchanges = {
        r"listen \[::\]:(80|443 ssl);\n": "\n",
        r"listen 80;": f"listen 127.0.0.1:{plain};",
        r"listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
        r"/etc/letsencrypt/live/news\.example\.org": str(place),
        r"/var/log/nginx": str(place),
        re.escape(UPSTREAM): f"127.0.0.1:{upstream}",
    }
    (place / "site").write_text(exchanged(site, exchanges))
    (place / "nginx.conf").write_text(NGINX_AROUND.format(place=place))
    command = ["nginx", "-e", str(place / "error.log"), "-p", str(place), "-c", str(place / "nginx.conf")]
    with _running(command, place, {}) as process:
        yield _ready(Proxy(process, place, secure, plain, place / "fullchain.pem"))


@contextmanager
def caddy(caddyfile: str, place: Path, upstream: int) -> Iterator[Proxy]:
    """Caddy with the page's Caddyfile, and certificates of an authority that it makes itself."""
    secure, plain = free_port(), free_port()
    options = CADDY_OPTIONS.format(plain=plain, secure=secure)
    text = exchanged(caddyfile, {r"\A\{\n": options, re.escape(UPSTREAM): f"127.0.0.1:{upstream}"})
    (place / "Caddyfile").write_text(text)
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(place / "Caddyfile")]
    homes = {"HOME": str(place), "XDG_DATA_HOME": str(place / "data"), "XDG_CONFIG_HOME": str(place / "config")}
    with _running(command, place, homes) as process:
        yield _ready(Proxy(process, place, secure, plain, place / "data/caddy/pki/authorities/local/root.crt"))


def _ready(proxy: Proxy) -> Proxy:
    assert until(lambda: proxy.is_ready or proxy.process.poll() is not None), proxy.said()
    assert proxy.process.poll() is None, proxy.said()
    return proxy


@contextmanager
def _running(command: list[str], place: Path, environment: Mapping[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    program = shutil.which(command[0], path=SBIN)
    assert program
    with (place / "output.log").open("wb") as output:
        process = subprocess.Popen(
            [program, *command[1:]],
            env={**os.environ, **environment},
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)
