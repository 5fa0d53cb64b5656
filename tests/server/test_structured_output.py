"""`response_format`, from the body to the reply, over the fake engines that ship."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from lms.history.history import History
from lms.server.app import create_app
from tests.server.conftest import chunks_of
from tests.server.fake_engines import fake_engines
from tests.server.test_fuzz import JSON

ENDPOINTS = ["/v1/chat/completions", "/api/v0/chat/completions"]
NOTE = {
    "type": "object",
    "properties": {"note": {"type": "string"}, "done": {"type": "boolean"}},
    "required": ["note", "done"],
    "additionalProperties": False,
}

SCHEMAS: st.SearchStrategy[dict[str, Any]] = st.deferred(
    lambda: st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null"]),
            "properties": st.dictionaries(st.text("abc", max_size=2), SCHEMAS, max_size=3),
            "required": st.lists(st.text("abc", max_size=2), max_size=2),
            "additionalProperties": st.booleans() | SCHEMAS,
            "items": SCHEMAS,
            "anyOf": st.lists(SCHEMAS, max_size=3),
            "enum": st.lists(JSON, max_size=3),
            "const": JSON,
            "minimum": st.integers(-9, 9),
            "maximum": st.floats(-9, 9),
            "minLength": st.integers(0, 9),
            "maxItems": st.integers(0, 3),
            "pattern": st.sampled_from(["^a+$", "[", "b|c", "(?=x)"]),
            "format": st.sampled_from(["date", "uuid", "unheard-of"]),
            "$ref": st.sampled_from(["#", "#/$defs/a", "http://127.0.0.1:9/"]),
        },
    )
)


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    with TemporaryDirectory(prefix="lms") as folder, fake_engines(Path(folder)) as backend:
        yield create_app(backend, History(Path(folder) / "history.db"), log=lambda entry: None).test_client()


def ask(client: FlaskClient, path: str, response_format: Any, **fields: Any) -> Any:
    messages = [{"role": "user", "content": "hello"}]
    body = {"model": "tiny-chat", "messages": messages, "response_format": response_format} | fields
    return client.post(path, json=body)


def by_schema(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "form", "strict": True, "schema": schema}}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_answer_is_valid_against_its_schema(client: FlaskClient, path: str) -> None:
    choice = ask(client, path, by_schema(NOTE)).json["choices"][0]
    content = json.loads(choice["message"]["content"])
    assert (content["note"], type(content["done"]), choice["finish_reason"]) == ("You said: hello", bool, "stop")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_streamed_one_is_too(client: FlaskClient, path: str) -> None:
    chunks = chunks_of(ask(client, path, by_schema(NOTE), stream=True).data)
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert json.loads(text)["note"] == "You said: hello"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_object_is_an_object(client: FlaskClient, path: str) -> None:
    choice = ask(client, path, {"type": "json_object"}).json["choices"][0]
    assert isinstance(json.loads(choice["message"]["content"]), dict)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_that_cannot_be_enforced_is_a_400_that_says_why(client: FlaskClient, path: str, stream: bool) -> None:
    reply = ask(client, path, by_schema({"type": "object", "propertyNames": {"maxLength": 3}}), stream=stream)
    error = reply.json["error"]
    assert (reply.status_code, error["type"], error["code"]) == (400, "invalid_request_error", "invalid_request")
    assert error["param"] == "response_format.json_schema.schema"
    assert "propertyNames" in error["message"]


@settings(max_examples=60, deadline=None)
@given(schema=SCHEMAS)
def test_any_schema_is_either_refused_or_enforced(client: FlaskClient, schema: dict[str, Any]) -> None:
    reply = ask(client, ENDPOINTS[0], by_schema(schema))
    if reply.status_code == 400:
        assert reply.json["error"]["param"] == "response_format.json_schema.schema"
        return
    choice = reply.json["choices"][0]
    assert choice["finish_reason"] in ("stop", "length")
    if choice["finish_reason"] == "stop":
        json.loads(choice["message"]["content"])
