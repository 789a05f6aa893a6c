"""Where settings come from: defaults, ``zero2prod.toml``, the environment and flags, in rising order.

What cannot be right is refused at start by `SettingInvalid`, which names the setting as the environment does, shows the
value (never a secret's) and says what would be right.
"""

import os
import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import attrs
import typed_settings as ts
from cattrs import Converter
from typed_settings.converters import get_default_cattrs_converter
from typed_settings.dict_utils import set_path
from typed_settings.exceptions import ConfigFileLoadError, InvalidOptionsError, InvalidSettingsError
from typed_settings.loaders import DictLoader, FileLoader, Loader, TomlFormat

from zero2prod.durations import duration
from zero2prod.settings import PREFIX, Settings, is_secret, name_of, options
from zero2prod.settings_checks import check
from zero2prod_core.errors import SettingInvalid

FILE = Path("zero2prod.toml")

WHOLE = re.compile(r"-?[0-9]+")

LONGEST_SHOWN = 80
"""Characters of a wrong value in an error, which is to stay one line of a terminal or two."""


def load(
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path = FILE,
    told: Mapping[str, str] | None = None,
) -> Settings:
    """Read and check all settings; ``flags`` maps paths such as ``http.port`` to values. ``told`` has the form of an
    environment, and is for what none of the others gives.

    Raises:
        SettingInvalid: the first one that is unknown or impossible.
    """
    given = _from_environment(os.environ if environment is None else environment)
    over: dict[str, Any] = {}
    for path, value in (flags or {}).items():
        set_path(over, path, value)
    loaders: Sequence[Loader] = [
        DictLoader(_from_environment(told or {})),
        FileLoader({"*.toml": TomlFormat(None)}, [file]),
        DictLoader(given),
        DictLoader(over),
    ]
    try:
        settings = ts.load_settings(Settings, loaders, converter=_converter())
    except InvalidSettingsError as error:
        raise _impossible(error) from None
    except InvalidOptionsError as error:
        names = str(error).rpartition(": ")[2]
        raise SettingInvalid(str(file), f"has no setting for {names}. Remove it, or correct its spelling.") from None
    except (ConfigFileLoadError, OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(str(file), f"cannot be read: {error}") from None
    check(settings)
    return settings


def _converter() -> Converter:
    converter = get_default_cattrs_converter()
    converter.register_structure_hook(timedelta, lambda value, _: duration(value))
    converter.register_structure_hook(int, lambda value, _: _whole(value))
    converter.register_structure_hook(str, lambda value, _: _text(value))
    return converter


def _whole(value: object) -> int:
    """From TOML, 8000.5 and true are numbers too; `int` would take them, and from text 1_000 and other digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("no whole number")
    if isinstance(value, str) and not WHOLE.fullmatch(value):
        raise ValueError("no whole number")
    return int(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings that the environment names, as a nested mapping; secrets also through ``…_FILE``."""
    known = {name_of(path): path for path in options()}
    values: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX):
            continue
        plain = name.removesuffix("_FILE")
        if name in known:
            set_path(values, known[name], value)
        elif name.endswith("_FILE") and plain in known and is_secret(known[plain]):
            if environment.get(plain):
                raise SettingInvalid(name, f"stands beside {plain}. Give only one of them.")
            set_path(values, known[plain], _read_secret(name, value))
        else:
            raise SettingInvalid(name, "is not a setting of this program. Remove it, or correct its spelling.")
    return values


def _read_secret(name: str, path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(name, f"names a file that cannot be read: {error}") from None


def _impossible(group: InvalidSettingsError) -> SettingInvalid:
    """The first conversion error in our own words: typed-settings' own would show a secret's value."""
    match = re.search(r"Could not convert value (.*) for option '([a-z_.]+)'", str(group.exceptions[0]), re.DOTALL)
    if match is None:
        return SettingInvalid("settings", str(group.exceptions[0]))
    value, path = match[1], match[2]
    shown = "its value" if is_secret(path) else textwrap.shorten(value, LONGEST_SHOWN, placeholder="…")
    return SettingInvalid(name_of(path), f"cannot be {shown}. Give {_expected(options()[path])}.")


EXPECTED: Mapping[object, str] = {
    int: "a whole number",
    bool: "true or false",
    timedelta: "a duration such as 90s, 10m or 24h",
}


def _expected(option: "attrs.Attribute[Any]") -> str:
    if isinstance(option.default, StrEnum):
        return "one of " + ", ".join(type(option.default))
    return EXPECTED.get(option.type, "a text")
