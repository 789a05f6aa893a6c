"""Text in our own links that nobody on their way may read: URLs stay in histories, bookmarks and the logs of proxies.

What the staff search for is often an e-mail address. Sent by POST alone it would stay out of URLs too, but then neither
the browser's way back nor the link to the next page would lead anywhere. So it goes into the link, encrypted (Fernet:
AES-128-CBC with HMAC-SHA-256), and the link works for as long as its key is listed.
"""

import base64

import attrs
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from zero2prod_core.domain.keys import KeyRing

__all__ = ["SealedTexts"]


@attrs.frozen
class SealedTexts:
    fernet: MultiFernet

    @classmethod
    def keyed(cls, keys: KeyRing) -> "SealedTexts":
        """Under a sub-key of the newest key, opened under every one."""
        return cls(MultiFernet([Fernet(base64.urlsafe_b64encode(key.mac("sealed text", b""))) for key in keys]))

    def seal(self, text: str) -> str:
        """Letters, digits, ``-``, ``_`` and ``=``; empty for an empty text."""
        return self.fernet.encrypt(text.encode()).decode() if text else ""

    def open(self, sealed: str) -> str:
        """The text; empty where it is none that we sealed, or its key is retired."""
        try:
            return self.fernet.decrypt(sealed.encode(errors="replace")).decode()
        except InvalidToken:
            return ""
