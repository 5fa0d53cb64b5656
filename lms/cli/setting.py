"""Settings as they are typed and shown."""

import json
from typing import Any

MOST_SHOWN = 200


def name_of(typed: str) -> str:
    """Settings may be typed like flags: `context-length`."""
    return typed.strip().removeprefix("--").replace("-", "_").lower()


def shown(value: Any, most: int = MOST_SHOWN) -> str:
    """A value as people read it, texts cut to so many characters."""
    match value:
        case None:
            return "-"
        case bool():
            return "on" if value else "off"
        case list() | tuple() | dict():
            return json.dumps(value, ensure_ascii=False)
        case float() if value.is_integer():
            return str(int(value))
        case str() if len(value) > most:
            return value[:most] + "…"
        case _:
            return str(value)
