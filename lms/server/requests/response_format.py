"""`response_format` and what else says what form the answer takes, and what the engine is to enforce of it.

Forms: https://platform.openai.com/docs/guides/structured-outputs. A schema is always enforced, also with `strict`
false; the schema beside `json_object`, which other servers take, is enforced as well rather than ignored.
"""

from typing import Any, Literal

import msgspec

from lms.config.prediction import Prediction
from lms.errors import InvalidRequest
from lms.generation.constraint import Constraint, Grammar, JsonSchema, Regex
from lms.server.requests.fields import portable

ANY_OBJECT = {"type": "object"}


class _Format(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all forms."""


class TextFormat(_Format, frozen=True, tag="text"):
    """Whatever the model writes."""


class ObjectFormat(_Format, frozen=True, tag="json_object"):
    schema: dict[str, Any] | None = None


class NamedSchema(msgspec.Struct, frozen=True):
    """`strict` is a string in LM Studio's documentation."""

    schema: dict[str, Any]
    name: str | None = None
    description: str | None = None
    strict: bool | Literal["true", "false"] | None = None


class SchemaFormat(_Format, frozen=True, tag="json_schema"):
    json_schema: NamedSchema


ResponseFormat = TextFormat | ObjectFormat | SchemaFormat


def constraint_of(response_format: ResponseFormat | None) -> Constraint | None:
    """What is to be enforced. Raises InvalidRequest for a schema that cannot travel to an engine."""
    match response_format:
        case SchemaFormat(NamedSchema(schema)):
            return _enforced(schema, "response_format.json_schema.schema")
        case ObjectFormat(None):
            return JsonSchema(ANY_OBJECT, "response_format")
        case ObjectFormat(dict() as schema):
            return _enforced(ANY_OBJECT | schema, "response_format.schema")
    return None


def form_of(body: Prediction, response_format: ResponseFormat | None = None) -> Constraint | None:
    """What is to be enforced. Raises InvalidRequest for two forms at once, and as `constraint_of` does."""
    forms = [
        constraint_of(response_format),
        None if body.json_schema is None else _enforced(body.json_schema, "json_schema"),
        None if body.regex is None else Regex(body.regex, "regex"),
        None if body.grammar is None else Grammar(body.grammar, "grammar"),
    ]
    asked = [form for form in forms if form is not None]
    if len(asked) > 1:
        first, second = asked[0].param.split(".")[0], asked[1].param
        raise InvalidRequest(f"“{second}” asks for another form than “{first}”: give one of them.", param=second)
    return asked[0] if asked else None


def _enforced(schema: dict[str, Any], param: str) -> Constraint:
    portable(schema, param)
    return JsonSchema(schema, param)
