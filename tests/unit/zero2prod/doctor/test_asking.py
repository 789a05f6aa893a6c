"""Why a server gives no answer, in words that are not the HTTP client's."""

import asyncio

import pytest

from zero2prod.doctor.asking import NoAnswer, NotTrusted, ask


async def reason(words: bytes, scheme: str = "http") -> NoAnswer:
    """Ask a server that says these words to whatever it hears, and closes the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(words)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        with pytest.raises(NoAnswer) as caught:
            await ask(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    return caught.value


@pytest.mark.parametrize("words", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 \x1b[31m\r\n\r\n"])
async def test_a_server_of_another_protocol(words: bytes) -> None:
    assert str(await reason(words)) == "it does not speak HTTP"


async def test_one_that_hangs_up() -> None:
    assert str(await reason(b"")) == "it closed the connection"


async def test_one_without_tls() -> None:
    why = await reason(b"HTTP/1.1 400 Bad Request\r\n\r\n", "https")
    assert isinstance(why, NotTrusted)
    assert str(why) == "the TLS handshake failed"


@pytest.mark.parametrize(
    ("url", "said"),
    [("http://127.0.0.1:1", "connection refused"), ("http://no-such-host.test", "its name is not known")],
)
async def test_nobody_there(url: str, said: str) -> None:
    with pytest.raises(NoAnswer, match=f"^{said}$"):
        await ask(url)
