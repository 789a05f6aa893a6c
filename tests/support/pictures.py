"""Screenshots as PNG files with a palette: a third of chromium's own, and as good for pages of few colours."""

import base64
import struct
import zlib
from collections import Counter
from collections.abc import Sequence

from playwright.async_api import Page

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# What one byte can name (PNG, section 11.2.2: colour type 3).
MOST_COLOURS = 256

PIXELS = """async source => {
    const image = new Image();
    image.src = source;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const {data} = context.getImageData(0, 0, image.width, image.height);
    let text = "";
    for (let at = 0; at < data.length; at += 4) text += String.fromCharCode(data[at], data[at + 1], data[at + 2]);
    return [image.width, btoa(text)];
}"""


async def with_palette(decoder: Page, picture: bytes) -> bytes:
    """The picture with its commonest colours alone; every other becomes the nearest of them.

    Args:
        decoder: an empty page, which reads the PNG for us.
    """
    width, encoded = await decoder.evaluate(PIXELS, as_url(picture))
    pixels = base64.b64decode(encoded)
    colours = [pixels[start : start + 3] for start in range(0, len(pixels), 3)]
    commonest = [colour for colour, _ in Counter(colours).most_common(MOST_COLOURS)]
    numbers = {colour: _nearest(commonest, colour) for colour in set(colours)}
    return _png(width, commonest, bytes(map(numbers.__getitem__, colours)))


def as_url(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels. Raises ValueError for what is no PNG."""
    if not picture.startswith(SIGNATURE):
        raise ValueError("this is no PNG")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def _nearest(palette: Sequence[bytes], colour: bytes) -> int:
    def distance(number: int) -> int:
        return sum((one - other) ** 2 for one, other in zip(palette[number], colour, strict=True))

    return min(range(len(palette)), key=distance)


def _png(width: int, palette: Sequence[bytes], pixels: bytes) -> bytes:
    """Each row without a filter, which is best for a palette (PNG, section 12.7)."""
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, len(pixels), width))
    header = struct.pack(">IIBBBBB", width, len(pixels) // width, 8, 3, 0, 0, 0)
    chunks = {b"IHDR": header, b"PLTE": b"".join(palette), b"IDAT": zlib.compress(rows, 9), b"IEND": b""}
    return SIGNATURE + b"".join(_chunk(name, content) for name, content in chunks.items())


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
