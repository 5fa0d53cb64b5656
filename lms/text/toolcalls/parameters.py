"""Arguments that are written one after the other, each value in plain text between markers: JSON is made of them.

What a text stands for, the function's schema says: where a string is expected it is taken as it is, and passed on while
it arrives. Anything else is read as JSON, and is a string if it is none.
"""

import json
from collections.abc import Iterator
from typing import Any

from lms.generation.messages import Tool
from lms.text.toolcalls.family import Arguments, Reading
from lms.text.toolcalls.incoming import Incoming

# The template of Qwen3-Coder prints these values as Python does, and so does the model.
PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


class Members:
    """The members of one call's arguments: `value` for each, then `end`."""

    def __init__(self, tool: Tool) -> None:
        self._schema = tool.parameters or {}
        self._separator = "{"

    def value(self, incoming: Incoming, key: str, *ends: str, is_string: bool | None = None) -> Reading[None]:
        """The value of `key`, up to one of `ends`. The first of several ends counts, or the longest of those.

        `is_string` is what the model says of it, if it says so; otherwise it is for the schema to say.
        """
        yield Arguments(f"{self._separator}{_quoted(key)}: ")
        self._separator = ", "
        types = self._types_of(key) if is_string is None else {"string"} if is_string else set[str]()
        if types == {"string"}:
            yield from incoming.string_until(*ends)
        else:
            text = yield from incoming.until(*ends)
            yield Arguments(json_of(text, types))

    def end(self) -> Reading[None]:
        """There are no more."""
        yield Arguments("{}" if self._separator == "{" else "}")

    def _types_of(self, key: str) -> set[str]:
        properties = self._schema.get("properties")
        return types_of(properties.get(key) if isinstance(properties, dict) else None, self._schema)


def types_of(schema: Any, root: dict[str, Any]) -> set[str]:
    """The JSON types that `schema`, a part of `root`, lets a value have; none where it does not say."""
    types, seen, waiting = set[str](), set[int](), [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict) and id(part) not in seen:
            seen.add(id(part))
            types.update(_named_types(part))
            waiting += _alternatives(part, root)
    return types


def json_of(text: str, types: set[str]) -> str:
    """The JSON text of what stands as `text`, which has one of the JSON types `types`, or any if there are none."""
    candidate = PYTHON_WORDS.get(text.strip(), text.strip())
    try:
        kind = _type_of(json.loads(candidate, parse_constant=_no_json))
    except (ValueError, RecursionError):
        return _quoted(text)
    is_expected = not types or kind in types or (kind == "integer" and "number" in types)
    return candidate if is_expected or "string" not in types else _quoted(text)


def _named_types(schema: dict[str, Any]) -> Iterator[str]:
    """The types that a schema names itself."""
    if "type" in schema:
        yield from (named for named in _listed(schema["type"]) if isinstance(named, str))
    elif "const" in schema:
        yield _type_of(schema["const"])
    else:
        yield from map(_type_of, _listed(schema.get("enum", [])))


def _alternatives(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[Any]:
    for key in ("anyOf", "oneOf", "allOf"):
        yield from _listed(schema.get(key, []))
    if "$ref" in schema:
        yield _referred(str(schema["$ref"]), root)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _referred(reference: str, root: dict[str, Any]) -> Any:
    """What a reference within the schema stands for; None for others."""
    found: Any = root if reference.startswith("#") else None
    for part in reference.split("/")[1:]:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _type_of(value: object) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
    return "null"


def _no_json(constant: str) -> None:
    """NaN and the infinities, which Python's reader takes."""
    raise ValueError(constant)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
