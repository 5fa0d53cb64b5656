"""`/openapi.json`: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0), made of the table of endpoints and of the very
types that requests are decoded as, so that it cannot say anything else than the server does.
"""

from functools import cache
from typing import Any

import msgspec

import lms
from lms.server.endpoints import ENDPOINTS, FAMILIES, Endpoint

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/"
_TEXT: Schema = {"type": "string"}
_OBJECT: Schema = {"type": "object"}


@cache
def document() -> bytes:
    """The whole description, as JSON."""
    types = list(dict.fromkeys(kind for endpoint in ENDPOINTS for kind in (endpoint.body, endpoint.query) if kind))
    references, schemas = msgspec.json.schema_components(types, ref_template=f"{_REFERENCE}{{name}}")
    by_type = dict(zip(types, references, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for family, endpoints in FAMILIES.items():
        for endpoint in endpoints:
            described = _Description(endpoint, by_type, schemas).operation(family)
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = described
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "lms", "version": lms.__version__, "license": {"name": "MIT", "identifier": "MIT"}},
            "servers": [{"url": "/"}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                },
            },
        }
    )


class _Description:
    """What OpenAPI says of one endpoint. `references` lead from a type to its schema among `schemas`."""

    def __init__(self, endpoint: Endpoint, references: dict[type, Schema], schemas: dict[str, Schema]) -> None:
        self._endpoint = endpoint
        self._references = references
        self._schemas = schemas

    def operation(self, family: str) -> dict[str, Any]:
        """Tokens count only where the server asks for them, so none is a choice."""
        endpoint = self._endpoint
        described: dict[str, Any] = {
            "summary": endpoint.summary,
            "tags": [family],
            "parameters": [*self._variables(), *self._query()],
            "responses": {
                "200": {"description": "Done", "content": {kind: _answer(kind) for kind in endpoint.answers}},
                "default": {"description": "An error", "content": {"application/json": {"schema": _OBJECT}}},
            },
        }
        if endpoint.body:
            content = {"application/json": {"schema": self._references[endpoint.body]}}
            described["requestBody"] = {"required": True, "content": content}
        if endpoint.allowing:
            described["description"] = f"Permission of an API token: {' or '.join(sorted(endpoint.allowing))}."
            described["security"] = [{}, {"bearer": []}, {"key": []}]
        return described

    def _variables(self) -> list[Schema]:
        return [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in self._endpoint.variables]

    def _query(self) -> list[Schema]:
        if not self._endpoint.query:
            return []
        reference: str = self._references[self._endpoint.query]["$ref"]
        fields = self._schemas[reference.removeprefix(_REFERENCE)]["properties"]
        return [{"name": name, "in": "query", "schema": schema} for name, schema in fields.items()]


def _answer(kind: str) -> dict[str, Schema]:
    return {"schema": _OBJECT if kind == "application/json" else _TEXT}
