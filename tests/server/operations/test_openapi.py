"""The description is whole, and says what the types say."""

from typing import Any

import msgspec
import pytest

from lms.server.endpoints import ENDPOINTS, Endpoint
from lms.server.operations import openapi

API = msgspec.json.decode(openapi.document())


def operation(method: str, path: str) -> Any:
    return API["paths"][path][method]


def schema_of(described: Any) -> Any:
    reference = described["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return API["components"]["schemas"][reference.removeprefix("#/components/schemas/")]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in references(value)]
    return [found for item in node for found in references(item)] if isinstance(node, list) else []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
def test_every_endpoint_is_described(endpoint: Endpoint) -> None:
    described = operation(endpoint.method.lower(), endpoint.path)
    assert described["summary"]
    assert set(described["responses"]["200"]["content"]) == set(endpoint.answers)
    assert ("requestBody" in described) == (endpoint.body is not None)


def test_every_reference_leads_somewhere() -> None:
    missing = {name.rsplit("/", 1)[-1] for name in references(API)} - set(API["components"]["schemas"])
    assert missing == set()


def test_the_fields_of_a_body_have_the_bounds_that_requests_are_checked_by() -> None:
    fields = schema_of(operation("post", "/v1/chat/completions"))
    assert {"model", "messages"} <= set(fields["required"])
    assert {"type": "number", "minimum": 0, "maximum": 1} in fields["properties"]["top_p"]["anyOf"]


def test_variables_of_the_path_and_of_the_query_are_named() -> None:
    listed = operation("get", "/v1/responses/{response_id}/input_items")["parameters"]
    assert [(each["in"], each["name"]) for each in listed] == [
        ("path", "response_id"),
        ("query", "after"),
        ("query", "limit"),
        ("query", "order"),
    ]


def test_closed_bodies_are_described_as_closed() -> None:
    assert schema_of(operation("post", "/api/v1/chat"))["additionalProperties"] is False
    assert "additionalProperties" not in schema_of(operation("post", "/v1/chat/completions"))


def test_what_needs_a_token_says_which_permission() -> None:
    assert "admin" in operation("get", "/metrics")["description"]
    assert "security" not in operation("get", "/health")
    assert operation("post", "/v1/completions")["security"] == [{}, {"bearer": []}, {"key": []}]
