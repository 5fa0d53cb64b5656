"""How calls are written: a pattern, from which a grammar is made, and which can be filled in.

Lark as llguidance understands it: https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lms.errors import InvalidRequest, Unsupported
from lms.generation.messages import Tool
from lms.text.json_layout import JSON_OPTIONS
from lms.text.toolcalls.parameters import types_of

COMBINING = ("anyOf", "oneOf", "allOf", "$ref", "if", "not")
# Of a parameter that is written as plain text, and of parameters that are written one after the other.
NOT_OF_A_TEXT = (*COMBINING, "pattern", "format", "minLength", "maxLength")
NOT_OF_PARAMETERS = (
    *COMBINING,
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
)


# With these an object that lists its members may have others.
OPEN = (*COMBINING, "patternProperties", "additionalProperties")


@dataclass(frozen=True)
class Parameters:
    """Arguments that are written one after the other, each value between `before`, where `{key}` stands for its name
    and `{is_string}` for true or false, and `after`. Strings are written as they are, everything else as JSON."""

    before: str
    after: str

    def begin(self, key: str, *, is_string: bool) -> str:
        """What stands before a value."""
        return self.before.replace("{is_string}", "true" if is_string else "false").replace("{key}", key)


@dataclass(frozen=True)
class Layout:
    """Calls are written after the marker `start`, between `opening` and `closing`, and with `between` between them; the
    arguments of each between `before` and `after`.

    In `before`, `{name}` stands for the function's name, `"{name}"` for the JSON text of it, and `{index}` for the
    call's number. Arguments are a JSON object, unless `parameters` says how each is written.
    """

    start: str
    before: str
    after: str
    between: str = ""
    opening: str = ""
    closing: str = ""
    parameters: Parameters | None = None

    def grammar(self, tools: Sequence[Tool], parallel: bool) -> str:
        """As `family.WriteGrammar`. Raises Unsupported for a schema that this way of writing cannot enforce."""
        either = " | ".join(f"call_{number}" for number in range(len(tools)))
        more = f" ({quoted(self.between)} one_call)*" if parallel else ""
        rules = [
            f"calls: {quoted(self.opening)} one_call{more} {quoted(self.closing)}",
            f"one_call: {either}",
        ]
        for number, tool in enumerate(tools):
            before = _numbered(_named(self.before, tool.name))
            rules.append(f"call_{number}: {before} arguments_{number} {quoted(self.after)}")
            rules += self._arguments(f"arguments_{number}", tool)
        return "\n".join(rules) + "\n"

    def write(self, calls: Sequence[tuple[str, str]]) -> str:
        """Some calls: the names of functions, and the JSON texts of their arguments."""
        written = (
            _named(self.before, name).replace("{index}", str(index)) + self._written(arguments) + self.after
            for index, (name, arguments) in enumerate(calls)
        )
        return self.start + self.opening + self.between.join(written) + self.closing

    def _arguments(self, rule: str, tool: Tool) -> list[str]:
        schema = object_schema(tool)
        if self.parameters is None:
            return [f"{rule}: {json_rule(schema)}"]
        return parameter_rules(rule, schema, self.parameters)

    def _written(self, arguments: str) -> str:
        if self.parameters is None:
            return arguments
        return "".join(
            self.parameters.begin(key, is_string=isinstance(value, str))
            + (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            + self.parameters.after
            for key, value in json.loads(arguments).items()
        )


def quoted(text: str) -> str:
    """`text` as a part of a Lark rule."""
    return json.dumps(text, ensure_ascii=False) if text else ""


def json_rule(schema: dict[str, Any]) -> str:
    """JSON that is valid against `schema`, as a part of a Lark rule."""
    return f"%json {json.dumps(schema | {'x-guidance': JSON_OPTIONS})}"


def object_schema(tool: Tool) -> dict[str, Any]:
    """The schema of a function's arguments. An object that lists its members gets no others, unless it says so."""
    if tool.parameters is None:
        return {"type": "object", "properties": {}, "additionalProperties": False}
    lists_all = "properties" in tool.parameters and not any(key in tool.parameters for key in OPEN)
    closed = {"additionalProperties": False} if lists_all else {}
    return {"type": "object"} | tool.parameters | closed


def parameter_rules(rule: str, schema: dict[str, Any], parameters: Parameters) -> list[str]:
    """`rule` for arguments written one after the other, in the order of the schema; it names what may be left out."""
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        raise InvalidRequest(
            "“properties” of a function's parameters is an object, and “required” an array.", param="tools"
        )
    _refuse_any(NOT_OF_PARAMETERS, schema, "parameters one after the other")
    if not properties and not required and schema.get("additionalProperties", True) is True:
        return _any_parameters(rule, parameters)
    names = [*properties, *(name for name in required if name not in properties)]
    parts = [f"{rule}_{number}{'' if name in required else '?'}" for number, name in enumerate(names)]
    rules = [f"{rule}: {' '.join(parts)}" if parts else f'{rule}: ""']
    for number, name in enumerate(names):
        value_schema = properties.get(name, schema.get("additionalProperties"))
        is_string = types_of(value_schema, schema) == {"string"}
        before = quoted(parameters.begin(name, is_string=is_string))
        value = _value_rules(f"{rule}_{number}_value", value_schema, schema, parameters.after)
        rules += [f"{rule}_{number}: {before} {rule}_{number}_value", *value]
    return rules


def _refuse_any(keywords: Sequence[str], schema: dict[str, Any], what: str) -> None:
    found = next((keyword for keyword in keywords if keyword in schema), None)
    if found:
        raise Unsupported(
            f"This model writes {what}, and “{found}” of them cannot be enforced.",
            hint="Leave it out of the function's parameters.",
            param="tools",
        )


def _any_parameters(rule: str, parameters: Parameters) -> list[str]:
    before, after = map(quoted, parameters.begin("{key}", is_string=True).split("{key}"))
    return [
        f"{rule}: {rule}_any*",
        f"{rule}_any: {before} /[^<>\\n]{{1,64}}/ {after} {rule}_any_value",
        f"{rule}_any_value[suffix={quoted(parameters.after)}]: /(?s:.*)/",
    ]


def _value_rules(rule: str, schema: Any, root: dict[str, Any], after: str) -> list[str]:
    """A value and what stands after it."""
    if types_of(schema, root) != {"string"}:
        shared: dict[str, Any] = {key: root[key] for key in ("$defs", "definitions") if key in root}
        fields = schema if isinstance(schema, dict) else {}
        return [f"{rule}: {json_rule(shared | fields)} {quoted(after)}"]
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if choices:
        return [f"{rule}: ({' | '.join(quoted(choice) for choice in choices)}) {quoted(after)}"]
    _refuse_any(NOT_OF_A_TEXT, schema, "strings without quotes")
    return [f"{rule}[suffix={quoted(after)}]: /(?s:.*)/"]


def _named(before: str, name: str) -> str:
    return before.replace('"{name}"', json.dumps(name, ensure_ascii=False)).replace("{name}", name)


def _numbered(before: str) -> str:
    """A Lark rule's part for `before`, in which any number may stand where the call's belongs."""
    return " /[0-9]{1,3}/ ".join(quoted(part) for part in re.split(re.escape("{index}"), before))
