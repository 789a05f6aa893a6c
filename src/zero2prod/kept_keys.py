"""The keys that ``up`` makes where none are given, and keeps from one start to the next."""

import os
import secrets
from pathlib import Path

from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.errors import SettingInvalid

NAME = "secret-keys"


def read(data_dir: Path) -> str:
    """The keys, made when missing. The file is complete or not there at all, and only its owner may read it.

    Raises:
        SettingInvalid: it cannot be kept there, or holds something else.
    """
    path = data_dir / NAME
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            unfinished = path.with_suffix(".new")
            unfinished.unlink(missing_ok=True)
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(path)
        keys = path.read_text(errors="replace").strip()
        KeyRing.parse(keys)
    except SettingInvalid as error:
        rule = f"{path} {error.fields['rule']} Put back the file as it was: links in mails depend on it."
        raise SettingInvalid("--data-dir", rule) from None
    except OSError as error:
        raise SettingInvalid("--data-dir", f"cannot keep the keys in {path}: {error.strerror}.") from None
    return keys
