"""Passwords that too many people use (NIST SP 800-63B-4 §3.1.1.2, ASVS 6.2.4)."""

from importlib.resources import files

LIST = "common_passwords.txt"
COMMENT = "# "
"""Opens the lines at the head that tell where the list is from; no listed password starts so."""


def load_common_passwords() -> frozenset[str]:
    """The bundled list, case-folded: those of 12 characters and more, because shorter ones are refused anyway."""
    text = files(__package__).joinpath(LIST).read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith(COMMENT))
