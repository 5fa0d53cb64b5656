"""Load options from a file of JSON, under the flags that were typed.

The names are those of `lms config set`, `ttl_s` and `pinned` among them, or the ones that `lms ps --json` shows as
`loadConfig`: how a model is loaded can be written down, and loaded so again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lms.cli.shapes import LOAD_CONFIG
from lms.errors import UsageError

if TYPE_CHECKING:
    from lms.config.defaults import Kept
    from lms.config.load import LoadConfig

LONGEST = ("context_length", "max")
K = TypeVar("K")
NAMES: dict[str, str] = {shown: field for field, shown in LOAD_CONFIG.items()}


def options_in(file: str) -> tuple[dict[str, Any], Kept]:
    """The options in that file, under the names of `LoadConfig` and with “max” for the longest context, and how long
    the model is to stay. Raises UsageError.
    """
    try:
        options = json.loads(Path(file).expanduser().read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"--config takes a file of JSON: {error}.") from error
    if not isinstance(options, dict):
        raise UsageError(f"--config takes a file with a JSON object, which {file} is not.")
    fields: dict[str, Any] = {NAMES.get(str(name), str(name)): value for name, value in options.items()}
    if len(fields) < len(options):
        raise UsageError(f"{file} gives an option twice, under both of its names.")
    from lms.config.defaults import Kept
    from lms.config.load import LoadConfig

    where = f"In {file}: "
    kept = _checked({name: fields.pop(name) for name in ("ttl_s", "pinned") if name in fields}, Kept, where)
    _checked({name: value for name, value in fields.items() if (name, value) != LONGEST}, LoadConfig, where)
    return fields, kept


def load_config(fields: dict[str, Any]) -> LoadConfig:
    """Raises UsageError for fields that are unknown, wrong, or exclude each other."""
    from lms.config.load import LoadConfig

    return _checked(fields, LoadConfig, "")


def _checked(fields: dict[str, Any], kind: type[K], where: str) -> K:
    import msgspec

    from lms.config.complaints import in_words

    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}{in_words(str(error))}.") from error


def said(fields: dict[str, Any], config: LoadConfig) -> tuple[str, ...]:
    """Those of `fields` that are asked for to be what they would be anyway."""
    asked_anyway = type(config)()
    return tuple(name for name in fields if getattr(config, name) == getattr(asked_anyway, name))
