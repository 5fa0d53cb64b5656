"""`/openapi.json`: OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0), made of the table of endpoints and of the very
types that requests are decoded as, so that it cannot say anything else than the server does.
"""

from functools import cache
from typing import Any

import msgspec

import lms
from lms.server.endpoints import ENDPOINTS, Endpoint

_REFERENCE = "#/components/schemas/{name}"
_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}


@cache
def document() -> bytes:
    """The whole description, as JSON."""
    bodies = [endpoint.body for endpoint in ENDPOINTS if endpoint.body]
    schemas, components = msgspec.json.schema_components(bodies, ref_template=_REFERENCE)
    by_type = dict(zip(bodies, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, by_type)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "lms", "version": lms.__version__, "license": {"name": "MIT", "identifier": "MIT"}},
            "servers": [{"url": "/"}],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                },
            },
        }
    )


def _operation(endpoint: Endpoint, schemas: dict[type, dict[str, Any]]) -> dict[str, Any]:
    """What OpenAPI calls a method of a path. Tokens count only where the server asks for them, so none is a choice."""
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "tags": [endpoint.family],
        "parameters": [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in endpoint.variables],
        "responses": {
            "200": {"description": "Done", "content": {kind: {"schema": _answer(kind)} for kind in endpoint.answers}},
            "default": {"description": "An error", "content": {"application/json": {"schema": _OBJECT}}},
        },
    }
    if endpoint.body:
        content = {"application/json": {"schema": schemas[endpoint.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    if endpoint.allowing:
        operation["description"] = f"Permission of an API token: {' or '.join(sorted(endpoint.allowing))}."
        operation["security"] = [{}, {"bearer": []}, {"key": []}]
    return operation


def _answer(kind: str) -> dict[str, Any]:
    return _OBJECT if kind == "application/json" else _TEXT
