"""Requests that name a preset: what it says for them, what they say themselves, and presets that are not there."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lms.config.prediction import Prediction
from lms.config.presets import Preset, Presets
from lms.generation.constraint import Grammar, JsonSchema, Regex
from lms.generation.messages import Message
from lms.generation.request import ChatPrompt, GenerateRequest, ReadRequest, Sampling, TextPrompt
from lms.server.operations.openapi import document
from tests.server.conftest import MakeSite, Site
from tests.server.scripted_engine import MODEL

POET = {
    "system_prompt": "Answer in rhymes.",
    "temperature": 1.25,
    "top_k": 7,
    "logit_bias": {"5": 1.0, "word": -2.0},
    "seed": 9,
    "max_tokens": 33,
    "stop": ["END"],
    "regex": "a+",
    "context_overflow_policy": "rollingWindow",
    "reasoning": "low",
    "reasoning_budget": 5,
}
SAMPLING = Sampling(temperature=1.25, top_k=7, logit_bias={5: 1.0}, text_bias={"word": -2.0}, seed=9)
USER = Message("user", "Hi")
SYSTEM = Message("system", "Answer in rhymes.")
EFFORTS = msgspec.structs.replace(MODEL, reasoning=("low", "medium", "high"), reasoning_default="medium")

CHATS = ("/v1/chat/completions", "/api/v0/chat/completions")
TEXTS = ("/v1/completions", "/api/v0/completions")
NATIVE, RESPONSES = "/api/v1/chat", "/v1/responses"
ALL = (*CHATS, *TEXTS, NATIVE, RESPONSES)
READING = ("/apply-template", "/v1/chat/completions/input_tokens", "/tokenize")


def body(path: str) -> dict[str, Any]:
    if path in TEXTS:
        return {"model": "tiny-chat", "prompt": "Hi"}
    if path in (NATIVE, RESPONSES):
        return {"model": "tiny-chat", "input": "Hi"}
    return {"model": "tiny-chat", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    presets = Presets(tmp_path / "presets")
    presets.write("poet", POET)
    return presets


@pytest.fixture
def site(make_site: MakeSite, presets: Presets) -> Site:
    site = make_site(presets=presets)
    site.backend.on_disk = [EFFORTS]
    return site


def asked(site: Site, path: str, **fields: Any) -> GenerateRequest:
    reply = site.post(path, **body(path) | {"preset": "poet"} | fields)
    assert reply.status_code == 200, reply.json
    request = site.engine.calls[-1].request
    assert isinstance(request, GenerateRequest)
    return request


def prompt(request: GenerateRequest) -> ChatPrompt:
    assert isinstance(request.prompt, ChatPrompt)
    return request.prompt


@pytest.mark.parametrize("path", ALL)
def test_all_of_a_preset_reaches_the_engine(site: Site, path: str) -> None:
    request = asked(site, path)
    assert (request.sampling, request.max_tokens, request.stop) == (SAMPLING, 33, ("END",))
    assert (request.constraint, request.overflow) == (Regex("a+", "regex"), "rollingWindow")
    if path not in TEXTS:
        assert request.reasoning_budget == 5
        assert prompt(request).messages == (SYSTEM, USER)
        assert prompt(request).template_variables == {"enable_thinking": True, "reasoning_effort": "low"}


def test_a_text_has_no_system_prompt(site: Site) -> None:
    assert asked(site, "/v1/completions").prompt == TextPrompt("Hi")


@pytest.mark.parametrize("path", READING)
def test_a_prompt_is_read_with_its_preset(site: Site, path: str) -> None:
    site.post(path, **body(path), preset="poet")
    request = site.engine.calls[-1].request
    assert isinstance(request, ReadRequest)
    assert isinstance(request.prompt, ChatPrompt)
    assert request.prompt.messages == (SYSTEM, USER)


@pytest.mark.parametrize("path", ALL)
def test_the_request_goes_over_the_preset(site: Site, path: str) -> None:
    limit = "max_output_tokens" if path in (NATIVE, RESPONSES) else "max_tokens"
    request = asked(site, path, temperature=0, top_k=-1, **{limit: -1})
    assert request.sampling == msgspec.structs.replace(SAMPLING, temperature=0.0, top_k=-1)
    assert request.max_tokens is None


@pytest.mark.parametrize("path", [*CHATS, *TEXTS])
def test_what_is_said_to_be_nothing_goes_over_it_too(site: Site, path: str) -> None:
    request = asked(site, path, seed=-1, stop=[], logit_bias={}, response_format={"type": "text"})
    assert (request.sampling.seed, request.sampling.logit_bias, request.sampling.text_bias) == (None, {}, {})
    assert (request.stop, request.constraint) == ((), None)


@pytest.mark.parametrize("path", [*CHATS, *TEXTS, RESPONSES])
@pytest.mark.parametrize(
    ("form", "constraint"),
    [
        ({"grammar": 'root ::= "a"'}, Grammar('root ::= "a"', "grammar")),
        ({"json_schema": {}}, JsonSchema({}, "json_schema")),
        ({"response_format": {"type": "json_object"}}, JsonSchema({"type": "object"}, "response_format")),
    ],
)
def test_another_form_takes_the_place_of_the_presets(
    site: Site, path: str, form: dict[str, Any], constraint: object
) -> None:
    assert asked(site, path, **form).constraint == constraint


def test_text_format_takes_the_place_of_the_presets_form(site: Site) -> None:
    assert asked(site, RESPONSES, text={"format": {"type": "text"}}).constraint is None


def test_the_newer_name_of_the_limit_goes_over_the_preset(site: Site) -> None:
    assert asked(site, "/v1/chat/completions", max_completion_tokens=4).max_tokens == 4


def test_a_truncation_goes_over_the_presets_policy(site: Site) -> None:
    assert asked(site, RESPONSES, truncation="disabled").overflow == "refuse"


@pytest.mark.parametrize("role", ["system", "developer"])
def test_a_system_message_takes_the_place_of_the_presets(site: Site, role: str) -> None:
    messages = [{"role": role, "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    system = Message("system", "Be brief.")
    assert prompt(asked(site, "/v1/chat/completions", messages=messages)).messages == (system, USER)
    assert prompt(asked(site, RESPONSES, input=messages)).messages == (system, USER)
    assert prompt(asked(site, RESPONSES, instructions="Be brief.")).messages == (system, USER)
    assert prompt(asked(site, NATIVE, system_prompt="Be brief.")).messages == (system, USER)
    assert prompt(asked(site, NATIVE, system_prompt="")).messages == (USER,)


@pytest.mark.parametrize(
    ("fields", "variables"),
    [
        ({"enable_thinking": False}, {"enable_thinking": False}),
        ({"reasoning_effort": "high"}, {"enable_thinking": True, "reasoning_effort": "high"}),
        ({"chat_template_kwargs": {"enable_thinking": False}}, {"enable_thinking": False}),
    ],
)
@pytest.mark.parametrize("path", [*CHATS, RESPONSES])
def test_whoever_says_how_to_think_is_heard(
    site: Site, path: str, fields: dict[str, Any], variables: dict[str, Any]
) -> None:
    assert prompt(asked(site, path, **fields)).template_variables == variables


def test_the_effort_of_a_response_goes_over_the_preset(site: Site) -> None:
    variables = prompt(asked(site, RESPONSES, reasoning={"effort": "high"})).template_variables
    assert variables == {"enable_thinking": True, "reasoning_effort": "high"}
    variables = prompt(asked(site, NATIVE, reasoning="high")).template_variables
    assert variables == {"enable_thinking": True, "reasoning_effort": "high"}


@pytest.mark.parametrize("budget", ["reasoning_budget", "thinking_budget", "max_reasoning_tokens"])
def test_a_budget_by_any_name_goes_over_the_preset(site: Site, budget: str) -> None:
    assert asked(site, "/v1/chat/completions", **{budget: 2}).reasoning_budget == 2


@pytest.mark.parametrize(
    ("reasoning", "variables"),
    [
        ("off", {"enable_thinking": False, "reasoning_effort": "none"}),
        ("on", {"enable_thinking": True}),
        ("high", {"enable_thinking": True, "reasoning_effort": "high"}),
    ],
)
def test_the_words_for_reasoning_are_translated(
    site: Site, presets: Presets, reasoning: str, variables: dict[str, Any]
) -> None:
    site.backend.on_disk = [msgspec.structs.replace(MODEL, reasoning=("off", "on", "high"))]
    presets.write("poet", {"reasoning": reasoning})
    for path in (*CHATS, RESPONSES, NATIVE):
        assert prompt(asked(site, path)).template_variables == variables


@pytest.mark.parametrize("path", [*CHATS, RESPONSES, NATIVE])
def test_a_model_that_cannot_be_told_how_to_think_answers_all_the_same(site: Site, path: str) -> None:
    site.backend.on_disk = [MODEL]
    assert asked(site, path).sampling == SAMPLING


def test_a_native_chat_refuses_a_way_to_think_that_the_model_does_not_have(site: Site, presets: Presets) -> None:
    presets.write("poet", {"reasoning": "max"})
    reply = site.post(NATIVE, **body(NATIVE), preset="poet")
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "reasoning")
    assert "low, medium, high" in reply.json["error"]["message"]


def test_a_thread_keeps_the_system_prompt_of_its_preset(site: Site) -> None:
    first = site.post(NATIVE, **body(NATIVE), preset="poet").json
    site.post(NATIVE, **body(NATIVE), previous_response_id=first["response_id"])
    assert prompt(site.engine.calls[-1].request).messages[0] == SYSTEM  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ALL)
def test_a_draft_model_of_a_preset_is_asked_for(site: Site, presets: Presets, path: str) -> None:
    presets.write("poet", {"draft_model": "tiny-draft"})
    site.post(path, **body(path), preset="poet")
    assert site.backend.draft_models == ["tiny-draft"]


@pytest.mark.parametrize("path", [*ALL, *READING])
def test_an_unknown_preset_is_a_400_that_says_what_there_is(site: Site, path: str) -> None:
    reply = site.post(path, **body(path), preset="port")
    error = reply.json["error"]
    assert (reply.status_code, error["param"], error["code"]) == (400, "preset", "preset_not_found")
    assert error["message"] == "No preset is called “port”. There are: poet."
    assert site.engine.calls == []


@pytest.mark.parametrize("path", ALL)
def test_a_broken_file_is_a_400_with_its_path(site: Site, presets: Presets, path: str) -> None:
    file = presets.path("poet")
    file.write_text(json.dumps({"temperature": -1}))
    reply = site.post(path, **body(path), preset="poet")
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "preset")
    assert str(file) in reply.json["error"]["message"]


@pytest.mark.parametrize("path", ALL)
def test_a_preset_has_to_be_a_name(site: Site, path: str) -> None:
    reply = site.post(path, **body(path), preset=7)
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "preset")


def test_the_description_has_it_and_what_a_preset_may_say() -> None:
    schemas = msgspec.json.decode(document())["components"]["schemas"]
    bodies = [schema for schema in schemas.values() if "preset" in schema.get("properties", {})]
    assert len(bodies) == 4
    for schema in bodies:
        assert {"type": "string"} in schema["properties"]["preset"]["anyOf"]


def test_a_preset_is_what_requests_say_and_how_to_instruct_and_think() -> None:
    own = set(Preset.__struct_fields__) - set(Prediction.__struct_fields__)
    assert own == {"system_prompt", "reasoning", "reasoning_budget"}
