"""Requests that must be refused with a 4xx and the path of the field: `tests/data/openai/refused.json` and odd bodies.

A row changes a good body by `fields` or takes a field away (`without`).
"""

import gc
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lms.generation.request import GenerateRequest
from lms.server.requests.fields import decode
from tests.server.conftest import Site

ROWS = msgspec.json.decode((Path(__file__).parent.parent / "data" / "openai" / "refused.json").read_bytes())
GOOD: dict[str, dict[str, Any]] = {
    "chat/completions": {"model": "tiny-chat", "messages": [{"role": "user", "content": "Hi"}]},
    "completions": {"model": "tiny-chat", "prompt": "Once"},
    "embeddings": {"model": "text-embedding-tiny", "input": "Once"},
}
# Every endpoint that reads a body, in both dialects.
ENDPOINTS = [f"{base}/{path}" for base in ("/v1", "/api/v0") for path in GOOD]


def title(row: dict[str, Any]) -> str:
    return f"{row['path']}: {row.get('fields', {}) or 'no ' + row['without']}"


@pytest.mark.parametrize("base", ["/v1", "/api/v0"])
@pytest.mark.parametrize("row", ROWS, ids=title)
def test_a_wrong_field_is_a_400_that_names_it(site: Site, base: str, row: dict[str, Any]) -> None:
    body = GOOD[row["path"]] | row.get("fields", {})
    body.pop(row.get("without"), None)
    reply = site.client.post(f"{base}/{row['path']}", data=msgspec.json.encode(body))
    error = reply.json["error"] if reply.json else {}
    assert (reply.status_code, error["param"]) == (400, row["param"])
    assert error["code"] == row.get("code", "invalid_request")
    assert row["param"] in error["message"]


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{}", b"[]", b"null", b'"text"', b"7", b"\xff\xfe", b"[" * 100_000, b'{"model": NaN}', b"{}{}"],
    ids=lambda body: repr(body[:16]),
)
def test_a_body_that_is_no_request_is_a_400(site: Site, path: str, body: bytes) -> None:
    reply: Any = site.client.post(path, data=body, content_type="application/json")
    assert (reply.status_code, set(reply.json["error"])) == (400, {"message", "type", "param", "code"})


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_body_over_the_limit_is_a_413(site: Site, path: str) -> None:
    size_bytes = 16 * 1024 * 1024 + 1
    reply: Any = site.client.post(path, input_stream=io.BytesIO(b" " * size_bytes), content_length=size_bytes)
    assert (reply.status_code, reply.json["error"]["code"]) == (413, "payload_too_large")


def test_the_content_type_does_not_matter(site: Site) -> None:
    body = msgspec.json.encode(GOOD["chat/completions"])
    assert site.client.post("/v1/chat/completions", data=body, content_type="text/plain").status_code == 200


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_is_none_is_refused(site: Site, number: str) -> None:
    body = '{"model":"tiny-chat","prompt":"a","temperature":' + number + "}"
    assert site.client.post("/v1/completions", data=body).status_code == 400


@pytest.mark.parametrize("written", ["9.0", "9e0", "90e-1"])
def test_an_integer_may_be_written_with_a_fraction(site: Site, written: str) -> None:
    body = '{"model":"tiny-chat","prompt":"a","temperature":1.0,"max_tokens":' + written + "}"
    reply = site.client.post("/v1/completions", data=body)
    request = site.engine.calls[0].request
    assert isinstance(request, GenerateRequest)
    assert (reply.status_code, request.max_tokens, request.sampling.temperature) == (200, 9, 1)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ('"max_tokens":9.5', "max_tokens"),
        ('"max_tokens":1e300', "max_tokens"),
        ('"max_tokens":9.0,"top_k":"5"', "top_k"),
        ('"max_tokens":9.0,"stream":1', "stream"),
        ('"max_tokens":0.0', "max_tokens"),
        ('"max_tokens":9.0,"stop":1.0', "stop"),
        ('"max_tokens":9.0,"temperature":1e999', None),
        (f'"max_tokens":9.0,"x":[{"0.5," * 1_000_000}0]', "max_tokens"),  # more than are looked at twice
    ],
    ids=lambda value: str(value)[:40],
)
def test_nothing_else_stands_for_an_integer(site: Site, fields: str, param: str | None) -> None:
    reply: Any = site.client.post("/v1/completions", data='{"model":"tiny-chat","prompt":"a",' + fields + "}")
    assert (reply.status_code, reply.json["error"]["param"]) == (400, param)


def test_a_schema_nested_without_end_is_refused(site: Site) -> None:
    nested = '{"a":' * 200 + "{}" + "}" * 200
    tool = '{"type":"function","function":{"name":"f","parameters":' + nested + "}}"
    body = '{"model":"tiny-chat","messages":[{"role":"user","content":"a"}],"tools":[' + tool + "]}"
    reply: Any = site.client.post("/v1/chat/completions", data=body)
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "tools[0].function.parameters")


@pytest.mark.parametrize(("stop", "param"), [("x" * 1025, "stop"), (["x", "x" * 1025], "stop[1]")])
@pytest.mark.parametrize("path", ["chat/completions", "completions"])
def test_a_stop_string_of_more_than_1024_characters_is_refused(site: Site, path: str, stop: object, param: str) -> None:
    reply = site.post(f"/v1/{path}", **GOOD[path] | {"stop": stop})
    assert (reply.status_code, reply.json["error"]["param"]) == (400, param)


def test_16_stop_strings_of_1024_characters_are_taken(site: Site) -> None:
    assert site.post("/v1/completions", model="tiny-chat", prompt="a", stop=["x" * 1024] * 16).status_code == 200


def tools(*sizes: int) -> list[dict[str, Any]]:
    """A tool for each size, its schema holding so many values."""
    functions = [{"name": f"f{n}", "parameters": {"enum": [0] * (size - 2)}} for n, size in enumerate(sizes)]
    return [{"type": "function", "function": function} for function in functions]


def test_schemas_of_100_000_values_are_taken(site: Site) -> None:
    asked = GOOD["chat/completions"] | {"tools": tools(60_000, 40_000)}
    assert site.post("/v1/chat/completions", **asked).status_code == 200


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": tools(100_001)}, "tools[0].function.parameters"),
        ({"tools": tools(60_000, 40_001)}, "tools[1].function.parameters"),
        ({"tools": tools(99_999) + [{"function": {"name": name}} for name in "ab"]}, "tools[2].function.parameters"),
        ({"chat_template_kwargs": {"a": [[[0] * 100_000]]}}, "chat_template_kwargs"),
    ],
    ids=["one schema", "two schemas", "no schemas", "variables"],
)
def test_more_than_100_000_free_form_values_are_refused(site: Site, fields: dict[str, Any], param: str) -> None:
    reply = site.post("/v1/chat/completions", **GOOD["chat/completions"] | fields)
    assert (reply.status_code, reply.json["error"]["param"]) == (400, param)


@pytest.mark.parametrize("item", ["a", [1]], ids=["texts", "arrays"])
@pytest.mark.parametrize(("path", "param"), [("completions", "prompt"), ("embeddings", "input")])
def test_more_than_2048_prompts_or_inputs_are_refused(site: Site, path: str, param: str, item: object) -> None:
    reply = site.post(f"/v1/{path}", **GOOD[path] | {param: [item] * 2049})
    assert (reply.status_code, reply.json["error"]["param"]) == (400, param)


def test_an_array_of_token_ids_may_be_longer_than_2048(site: Site) -> None:
    assert site.post("/v1/completions", model="tiny-chat", prompt=[1] * 4096).status_code == 200


def test_nothing_refused_reaches_an_engine(site: Site) -> None:
    site.post("/v1/completions", model="tiny-chat", prompt="a", n=33)
    assert (site.engine.calls, site.backend.asked) == ([], [])


def test_decoding_many_lists_sets_off_one_collection_at_most_and_leaves_the_collector_on() -> None:
    phases = list[str]()
    gc.callbacks.append(lambda phase, info: phases.append(phase))
    try:
        decode(b"[" + b"[]," * 100_000 + b"[]]", list[list[int]])
        collections = phases.count("start")
    finally:
        gc.callbacks.pop()
    assert (collections <= 1, gc.isenabled()) == (True, True)


def test_a_missing_field_at_the_top_is_named_alone() -> None:
    with pytest.raises(Exception, match="“model” is required"):
        decode(b"{}", msgspec.defstruct("Body", [("model", str)]))
