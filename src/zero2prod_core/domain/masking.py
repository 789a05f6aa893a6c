"""Other people's words without e-mail addresses: what is kept of them must not outlive the person they name."""

import re

MASK = "[e-mail address]"

WORD = re.compile(r"""[^\s<>()\[\],;:"]+""")
"""What stands between blanks, brackets and stops; searched for in one pass, whatever the text."""

AT = re.compile(r".@|@.|%40|=40|\uff20")
"""The sign between mailbox and host, also as URLs, quoted-printable and full-width type write it."""


def masked(text: str) -> str:
    """The text with `MASK` for every word that could be an e-mail address, or be a part of one."""
    return WORD.sub(lambda word: MASK if AT.search(word[0]) else word[0], text)
