"""The setting that names DKIM keys: ``selector=/a.pem, selector@domain=/b.pem``."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import attrs

from zero2prod_core.errors import SettingInvalid

__all__ = ["KeyFile", "parse_key_files", "refuse_setting"]

SETTING = "ZERO2PROD_MAIL_DKIM_KEYS"
SHAPE = "Write selector=/path/key.pem, or selector@domain=/path/key.pem; several with commas between them"

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
NAMED = re.compile(rf"({LABEL}(?:\.{LABEL})*)(?:@({LABEL}(?:\.{LABEL})+))?=(.+)", re.IGNORECASE)
"""A selector and a domain are DNS names (RFC 6376 §3.1, §3.5)."""


@attrs.frozen
class KeyFile:
    """A key as the setting names it; ``domain`` is None where it is of every From's own."""

    selector: str
    domain: str | None
    path: Path


def parse_key_files(setting: str) -> Sequence[KeyFile]:
    """Read the setting; the files are not looked at.

    Raises:
        SettingInvalid: what is wrong with it.
    """
    files = [_parse(part.strip()) for part in setting.split(",") if part.strip()]
    names = [(file.selector, file.domain) for file in files]
    if doubled := next((selector for selector, domain in names if names.count((selector, domain)) > 1), None):
        refuse_setting(f"names the selector {doubled} twice. Each key has a selector of its own.")
    return files


def _parse(part: str) -> KeyFile:
    named = NAMED.fullmatch(part)
    if named is None:
        refuse_setting(f"cannot be read. {SHAPE}.")
    return KeyFile(named[1].lower(), named[2].lower() if named[2] else None, Path(named[3].strip()))


def refuse_setting(rule: str) -> NoReturn:
    """Say what is wrong with the setting, or with a file that it names.

    Raises:
        SettingInvalid: always.
    """
    raise SettingInvalid(SETTING, rule) from None
