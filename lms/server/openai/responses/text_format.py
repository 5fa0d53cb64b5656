"""`text.format`: what form the answer takes. As `requests/response_format.py`, with a schema one level higher up."""

from typing import Any, Literal

import msgspec

from lms.generation.constraint import Constraint, JsonSchema
from lms.server.requests.fields import portable
from lms.server.requests.response_format import ANY_OBJECT


class _Format(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all forms."""


class TextFormat(_Format, frozen=True, tag="text"):
    """Whatever the model writes."""


class ObjectFormat(_Format, frozen=True, tag="json_object"):
    """Some JSON object."""


class SchemaFormat(_Format, frozen=True, tag="json_schema"):
    name: str
    schema: dict[str, Any]
    description: str | None = None
    strict: bool = False


class TextOptions(msgspec.Struct, frozen=True):
    format: TextFormat | ObjectFormat | SchemaFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None

    def constraint(self) -> Constraint | None:
        """What is to be enforced, `strict` or not. Raises InvalidRequest for a schema that no engine can get."""
        match self.format:
            case SchemaFormat():
                portable(self.format.schema, "text.format.schema")
                return JsonSchema(self.format.schema, "text.format.schema")
            case ObjectFormat():
                return JsonSchema(ANY_OBJECT, "text.format")
        return None

    def shown(self) -> dict[str, Any]:
        """As the response repeats it."""
        return {"format": msgspec.to_builtins(self.format or TextFormat())}
