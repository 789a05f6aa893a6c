"""Texts in the form in which they are compared without regard to case."""

import unicodedata


def fold(text: str) -> str:
    """Caseless and canonical (Unicode, D145): decomposed before folding, so that both spellings of a letter agree."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold())
