"""Arguments against JSON schemas."""

from typing import Any

import pytest

from lms.mcp.arguments import complaint

TWO = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"$ref": "#/$defs/B"}}, "required": ["a"]}
SCHEMA = TWO | {"$defs": {"B": {"type": "array", "items": {"enum": ["x"]}}}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"a": 1, "b": ["x"]}, None),
        ({}, "'a' is a required property"),
        ({"a": "1"}, "$.a: '1' is not of type 'integer'"),
        ({"a": 1, "b": ["x", "y"]}, "$.b[1]: 'y' is not one of ['x']"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(arguments: dict[str, Any], said: str | None) -> None:
    assert complaint(arguments, SCHEMA) == said


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no such type"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#"},
        {"properties": {"a": {"pattern": "("}}},
    ],
)
def test_a_schema_that_cannot_be_used_says_nothing(schema: dict[str, Any]) -> None:
    assert complaint({"a": "b"}, schema) is None
