"""Pictures of pages, as PNG files."""

import base64
import struct

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def as_url(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height in pixels. Raises ValueError for what is no PNG."""
    if not picture.startswith(SIGNATURE):
        raise ValueError("this is no PNG")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height
