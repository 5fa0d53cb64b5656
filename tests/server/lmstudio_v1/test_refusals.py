"""Bodies of chats that must be refused, in the envelope of this API; what their reasoning may be set to."""

from typing import Any

import msgspec
import pytest

from lms import errors
from lms.client.control import ModelRow
from lms.server.lmstudio_v1.dialect import error_body, error_chunk
from lms.server.lmstudio_v1.reasoning import template_variables
from tests.server.conftest import MakeSite, Site
from tests.server.scripted_engine import MODEL

GOOD = {"model": "tiny-chat", "input": "Hi"}
SWITCHED = msgspec.structs.replace(MODEL, reasoning=("off", "on"), reasoning_default="on")
EFFORTS = msgspec.structs.replace(MODEL, reasoning=("low", "medium", "high"), reasoning_default="medium")


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"ttl": 60}, "ttl", "unrecognized_keys"),
        ({"draft_model": "x"}, "draft_model", "unrecognized_keys"),
        ({"max_tokens": 5}, "max_tokens", "unrecognized_keys"),
        ({"messages": []}, "messages", "unrecognized_keys"),
        ({"tools": []}, "tools", "unrecognized_keys"),
        ({"stop": "x"}, "stop", "unrecognized_keys"),
        ({"seed": 1}, "seed", "unrecognized_keys"),
        ({"": 1}, "", "unrecognized_keys"),
        ({"input": [{"type": "text", "content": "a", "role": "user"}]}, "input[0].role", "unrecognized_keys"),
        ({"model": 7}, "model", "invalid_value"),
        ({"input": []}, "input", "invalid_value"),
        ({"input": 7}, "input", "invalid_value"),
        ({"input": [{"type": "audio"}]}, "input[0].type", "invalid_value"),
        ({"input": [{"content": "a"}]}, "input[0].type", "missing_required_parameter"),
        ({"input": [{"type": "text"}]}, "input[0].content", "missing_required_parameter"),
        ({"input": [{"type": "image", "data_url": "http://a/b.png"}]}, "input[0].data_url", "invalid_value"),
        ({"input": [{"type": "image", "data_url": "data:image/png;base64,?"}]}, "input[0].data_url", "invalid_value"),
        ({"temperature": -0.1}, "temperature", "invalid_value"),
        ({"top_p": 1.1}, "top_p", "invalid_value"),
        ({"top_k": -2}, "top_k", "invalid_value"),
        ({"min_p": -1}, "min_p", "invalid_value"),
        ({"repeat_penalty": 0}, "repeat_penalty", "invalid_value"),
        ({"max_output_tokens": 0}, "max_output_tokens", "invalid_value"),
        ({"context_length": 0}, "context_length", "invalid_value"),
        ({"reasoning": "much"}, "reasoning", "invalid_value"),
        ({"reasoning": "off"}, "reasoning", "invalid_value"),
        ({"store": "yes"}, "store", "invalid_value"),
        ({"previous_response_id": ""}, "previous_response_id", "invalid_value"),
        ({"integrations": [{"type": "ephemeral_mcp"}]}, "integrations[0].server_label", "missing_required_parameter"),
    ],
    ids=repr,
)
def test_a_wrong_field_is_a_400_that_names_it(site: Site, fields: dict[str, Any], param: str, code: str) -> None:
    reply = site.post("/api/v1/chat", **GOOD | fields)
    error = reply.json["error"]
    assert (reply.status_code, error["type"], error["param"], error["code"]) == (400, "invalid_request", param, code)
    assert param in error["message"]
    assert site.engine.calls == []


def test_a_lenient_server_takes_a_ttl_and_passes_over_unknown_keys(make_site: MakeSite) -> None:
    site = make_site(lenient=True)
    assert site.post("/api/v1/chat", **GOOD, ttl=60, seed=1).status_code == 200
    assert site.post("/api/v1/models/load", model="tiny-chat", ttl=60, stream=True).status_code == 200
    assert site.backend.asked == [("tiny-chat", "llm", 60)]
    assert [load.ttl_s for load in site.backend.loads_asked] == [60]


def test_a_lenient_server_does_not_take_what_is_wrong(make_site: MakeSite) -> None:
    site = make_site(lenient=True)
    for fields, param in (({"ttl": 0}, "ttl"), ({"temperature": -1}, "temperature")):
        reply = site.post("/api/v1/chat", **GOOD | fields)
        assert (reply.status_code, reply.json["error"]["param"]) == (400, param)


@pytest.mark.parametrize("missing", ["model", "input"])
def test_a_missing_field_is_a_400_that_names_it(site: Site, missing: str) -> None:
    reply = site.post("/api/v1/chat", **{name: value for name, value in GOOD.items() if name != missing})
    assert reply.status_code == 400
    assert reply.json == {
        "error": {
            "type": "invalid_request",
            "message": f"“{missing}” is required.",
            "code": "missing_required_parameter",
            "param": missing,
        }
    }


def test_an_unknown_key_is_told_in_lm_studios_words(site: Site) -> None:
    assert site.post("/api/v1/chat", **GOOD, ttl=60).json["error"]["message"] == (
        "Unrecognized key(s) in object: 'ttl'"
    )


@pytest.mark.parametrize(
    ("integration", "name"),
    [
        ("mcp/files", "plugin 'mcp/files'"),
        ({"type": "plugin", "id": "mcp/files", "allowed_tools": ["read"]}, "plugin 'mcp/files'"),
        (
            {"type": "ephemeral_mcp", "server_label": "hub", "server_url": "https://a/mcp", "headers": {"a": "b"}},
            "ephemeral MCP server 'hub'",
        ),
    ],
)
def test_an_integration_is_denied_by_name(site: Site, integration: object, name: str) -> None:
    reply = site.post("/api/v1/chat", **GOOD, integrations=[integration])
    error = reply.json["error"]
    assert (reply.status_code, error["type"], error["param"]) == (403, "invalid_request", "integrations")
    assert error["message"].startswith(f"Permission denied to use {name}.")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/models/tiny-chat"])
def test_an_unknown_path_is_told_in_this_envelope(site: Site, path: str) -> None:
    reply: Any = site.client.get(path)
    assert (reply.status_code, reply.json["error"]["type"]) == (404, "invalid_request")
    assert reply.json["error"]["code"] == "path_not_found"


def test_a_wrong_method_is_told_in_this_envelope(site: Site) -> None:
    reply: Any = site.client.get("/api/v1/chat")
    assert (reply.status_code, reply.json["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (errors.ModelNotFound("?", param="model"), {"type": "model_not_found", "param": "model"}),
        (errors.PreviousResponseNotFound("?", param="a"), {"code": "invalid_value", "param": "a"}),
        (errors.PromptTooLong("?"), {"code": "context_length_exceeded"}),
        (errors.Unsupported("?", param="a"), {"code": "unsupported", "param": "a"}),
        (errors.QueueFull("?"), {"code": "queue_full"}),
        (errors.Unauthorized("?"), {"code": "invalid_api_key"}),
        (errors.EngineFailed("?"), {"type": "internal_error", "code": "engine_failed"}),
        (errors.LmsError("?"), {"type": "internal_error"}),
        (errors.InvalidRequest("?"), {}),
    ],
)
def test_an_error_says_no_more_than_it_knows(error: errors.LmsError, told: dict[str, str]) -> None:
    body = {"type": "invalid_request", "message": "?"} | told
    assert error_body(error) == {"error": body}
    assert error_chunk(error) == {"type": "error", "error": body}


@pytest.mark.parametrize(
    ("model", "setting", "variables"),
    [
        (MODEL, None, {}),
        (SWITCHED, None, {"enable_thinking": True}),
        (SWITCHED, "on", {"enable_thinking": True}),
        (SWITCHED, "off", {"enable_thinking": False, "reasoning_effort": "none"}),
        (EFFORTS, None, {"enable_thinking": True, "reasoning_effort": "medium"}),
        (EFFORTS, "low", {"enable_thinking": True, "reasoning_effort": "low"}),
    ],
)
def test_reasoning_reaches_the_template_as_variables(
    model: ModelRow, setting: str | None, variables: dict[str, Any]
) -> None:
    assert template_variables(setting, model) == variables


@pytest.mark.parametrize(("model", "setting"), [(EFFORTS, "off"), (SWITCHED, "low"), (MODEL, "on"), (EFFORTS, "xhigh")])
def test_reasoning_that_a_model_does_not_offer_is_refused_with_what_it_does(model: ModelRow, setting: str) -> None:
    with pytest.raises(errors.InvalidRequest) as refusal:
        template_variables(setting, model)
    assert refusal.value.param == "reasoning"
    assert all(option in str(refusal.value) for option in model.reasoning)


def test_what_is_offered_is_what_the_engine_is_asked(site: Site) -> None:
    site.backend.on_disk = [SWITCHED]
    for setting in ("off", "on"):
        assert site.post("/api/v1/chat", **GOOD, reasoning=setting).status_code == 200
    prompts = [msgspec.to_builtins(call.request)["prompt"] for call in site.engine.calls]
    assert [prompt["template_variables"]["enable_thinking"] for prompt in prompts] == [False, True]
