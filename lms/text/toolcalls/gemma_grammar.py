"""Lark rules for values as Gemma writes them, valid against a JSON schema.

Numbers, booleans and null are JSON; strings stand between quotes of its own, and the keys of objects between none, in
the order of the alphabet. The limit: a keyword that these rules cannot enforce is refused, never ignored.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from lms.errors import Unsupported
from lms.text.toolcalls.layout import json_rule, quoted
from lms.text.toolcalls.listed import Member, listed

# Keywords that say nothing of what is valid.
SILENT = {
    *("title", "description", "default", "examples", "example", "deprecated", "readOnly", "writeOnly", "nullable"),
    *("$schema", "$id", "$comment", "$defs", "definitions", "strict"),
}
OF_ANY = {"type", "enum", "const", "anyOf", "$ref"}
OF_ARRAYS = {"items", "minItems", "maxItems"}
OF_OBJECTS = {"properties", "required", "additionalProperties"}
OF_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
TYPES = ("string", "number", "boolean", "null", "array", "object")
KEY = '/[^:{}\\[\\],<>"\\s]{1,64}/'


class GemmaRules:
    """The rule `name` for values that are valid against `schema`, and all it is made of."""

    def __init__(self, quote: str, name: str, schema: dict[str, Any]) -> None:
        self._quote = quote
        self._name = name
        self._schema = schema
        self._written: dict[str, str] = {}  # rules that something refers to, by the reference
        self._rules: list[str] = []

    def all(self) -> list[str]:
        """Raises Unsupported naming a keyword that cannot be enforced."""
        self._add(self._name, self._schema)
        return self._rules

    def _add(self, name: str, schema: Any) -> str:
        """Write the rule `name`, and return its name."""
        if schema is False:
            raise _unsupported("false")
        fields = schema if isinstance(schema, dict) else {}
        self._refuse_unknown(fields)
        self._rules += self._of(name, fields)
        return name

    def _of(self, name: str, schema: dict[str, Any]) -> list[str]:
        if "$ref" in schema:
            return [f"{name}: {self._referred(schema['$ref'])}"]
        if "enum" in schema or "const" in schema:
            choices = schema.get("enum", [schema.get("const")])
            return [f"{name}: {' | '.join(quoted(self._text(choice)) for choice in choices)}"]
        if "anyOf" in schema:
            return self._either(name, list(schema["anyOf"]))
        kind = schema.get("type", TYPES)
        if not isinstance(kind, str):
            return self._either(name, [schema | {"type": one} for one in kind] if "type" in schema else [])
        return self._of_type[kind](name, schema) if kind in self._of_type else [f"{name}: {json_rule(schema)}"]

    @property
    def _of_type(self) -> dict[str, Callable[[str, dict[str, Any]], list[str]]]:
        return {"string": self._string, "array": self._array, "object": self._object}

    def _either(self, name: str, schemas: list[Any]) -> list[str]:
        """One of `schemas`; of none, anything."""
        if not schemas:
            return [f"{name}: {self._anything()}"]
        return [f"{name}: {' | '.join(self._add(f'{name}_{number}', each) for number, each in enumerate(schemas))}"]

    def _string(self, name: str, schema: dict[str, Any]) -> list[str]:
        return [f"{name}: {quoted(self._quote)} {name}_text", f"{name}_text[suffix={quoted(self._quote)}]: /(?s:.*)/"]

    def _array(self, name: str, schema: dict[str, Any]) -> list[str]:
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        if most == 0:
            return [f'{name}: "[]"']
        item = self._add(f"{name}_item", schema.get("items", {}))
        more = f'("," {item}){{{max(least - 1, 0)},{"" if most is None else most - 1}}}'
        return [f'{name}: "[" {item} {more} "]"' + (' | "[]"' if not least else "")]

    def _object(self, name: str, schema: dict[str, Any]) -> list[str]:
        properties: dict[str, Any] = schema.get("properties", {})
        others = schema.get("additionalProperties", not properties)
        if others is not False and not properties:
            value = self._anything() if others is True else self._add(f"{name}_value", others)
            return [f'{name}: "{{" ({name}_any ("," {name}_any)*)? "}}"', f'{name}_any: {KEY} ":" {value}']
        members = []
        for number, key in enumerate(sorted(properties, key=str.lower)):
            value = self._add(f"{name}_value_{number}", properties[key])
            members.append(Member(f"{quoted(key + ':')} {value}", key in schema.get("required", ())))
        return [f'{name}: "{{" {name}_members "}}"', *listed(f"{name}_members", members, ",")]

    def _anything(self) -> str:
        """The name of a rule for any value."""
        name = f"{self._name}_anything"
        if "" not in self._written:
            self._written[""] = name
            parts = [self._add(f"{name}_{kind}", {"type": kind}) for kind in TYPES]
            self._rules.append(f"{name}: {' | '.join(parts)}")
        return name

    def _referred(self, reference: str) -> str:
        """The name of the rule for what a reference within the schema stands for."""
        if reference not in self._written:
            name = f"{self._name}_definition_{len(self._written)}"
            self._written[reference] = name
            self._add(name, _resolved(reference, self._schema))
        return self._written[reference]

    def _text(self, value: Any) -> str:
        """A value as it is written."""
        match value:
            case str():
                return f"{self._quote}{value}{self._quote}"
            case list():
                return f"[{','.join(map(self._text, value))}]"
            case dict():
                keys = sorted(value, key=str.lower)
                return f"{{{','.join(f'{key}:{self._text(value[key])}' for key in keys)}}}"
        return json.dumps(value)

    def _refuse_unknown(self, schema: dict[str, Any]) -> None:
        unknown = next(_unknown(schema), None)
        if unknown:
            raise _unsupported(unknown)


def _unknown(schema: dict[str, Any]) -> Iterator[str]:
    """The keywords that no rule here enforces."""
    known = SILENT | OF_ANY | OF_ARRAYS | OF_OBJECTS | OF_NUMBERS
    yield from (key for key in schema if key not in known)
    for key in ("anyOf", "$ref"):
        if key in schema and not schema.keys() <= SILENT | {key, "type"}:
            yield key


def _resolved(reference: str, root: dict[str, Any]) -> Any:
    found: Any = root if reference.startswith("#") else None
    for part in reference.split("/")[1:]:
        found = found.get(part) if isinstance(found, dict) else None
    if found is None:
        raise _unsupported(f"$ref: {reference}")
    return found


def _unsupported(keyword: str) -> Unsupported:
    return Unsupported(
        f"This model writes arguments in a notation of its own, and “{keyword}” of them cannot be enforced.",
        hint="Leave it out of the function's parameters.",
        param="tools",
    )
