"""Every parameter that OpenAI defines for chats and texts, and ours: what becomes of each.

`HONOURED` changes what the engine is asked for, `ACCEPTED` does not for a reason, `REFUSED` is a 400 that names it.
"""

from typing import Any

import msgspec
import pytest

from lms.generation.constraint import Grammar, JsonSchema, Regex
from lms.generation.request import GenerateRequest, InfillPrompt
from lms.server.requests.chat import ChatBody
from lms.server.requests.text import TextBody
from tests.server.conftest import Site

CHAT, TEXT = "chat/completions", "completions"
GOOD: dict[str, dict[str, Any]] = {
    CHAT: {"model": "tiny-chat", "messages": [{"role": "user", "content": "Hi"}]},
    TEXT: {"model": "tiny-chat", "prompt": "Once"},
}

# What both have: the field, a value, and where the engine finds it.
SHARED: dict[str, tuple[Any, str, Any]] = {
    "temperature": (0.5, "sampling.temperature", 0.5),
    "top_p": (0.5, "sampling.top_p", 0.5),
    "top_k": (5, "sampling.top_k", 5),
    "min_p": (0.5, "sampling.min_p", 0.5),
    "typical_p": (0.5, "sampling.typical_p", 0.5),
    "xtc_probability": (0.5, "sampling.xtc_probability", 0.5),
    "xtc_threshold": (0.2, "sampling.xtc_threshold", 0.2),
    "dry_multiplier": (0.8, "sampling.dry_multiplier", 0.8),
    "dry_base": (2.0, "sampling.dry_base", 2.0),
    "dry_allowed_length": (3, "sampling.dry_allowed_length", 3),
    "dry_penalty_last_n": (-1, "sampling.dry_penalty_last_n", -1),
    "dry_sequence_breakers": (["\n"], "sampling.dry_sequence_breakers", ("\n",)),
    "repeat_penalty": (1.5, "sampling.repeat_penalty", 1.5),
    "presence_penalty": (1.5, "sampling.presence_penalty", 1.5),
    "frequency_penalty": (1.5, "sampling.frequency_penalty", 1.5),
    "logit_bias": ({"5": 1, "word": -2}, "sampling.logit_bias", {5: 1.0}),
    "seed": (7, "sampling.seed", 7),
    "max_tokens": (9, "max_tokens", 9),
    "max_completion_tokens": (9, "max_tokens", 9),
    "stop": (["a", "b"], "stop", ("a", "b")),
    "response_format": ({"type": "json_object"}, "constraint", JsonSchema({"type": "object"}, "response_format")),
    "json_schema": ({"type": "string"}, "constraint", JsonSchema({"type": "string"}, "json_schema")),
    "regex": ("a+", "constraint", Regex("a+", "regex")),
    "grammar": ('root ::= "a"', "constraint", Grammar('root ::= "a"', "grammar")),
    "context_overflow_policy": ("truncateMiddle", "overflow", "truncateMiddle"),
}
HONOURED: dict[str, dict[str, tuple[Any, str, Any]]] = {
    CHAT: SHARED
    | {
        "logprobs": (True, "logprobs", 0),
        "reasoning_format": ("none", "split_reasoning", False),
        "reasoning_budget": (9, "reasoning_budget", 9),
        "thinking_budget": (9, "reasoning_budget", 9),
        "max_reasoning_tokens": (9, "reasoning_budget", 9),
        "reasoning_effort": ("low", "prompt.template_variables", {"reasoning_effort": "low", "enable_thinking": True}),
        "enable_thinking": (False, "prompt.template_variables", {"enable_thinking": False}),
        "chat_template_kwargs": ({"a": 1}, "prompt.template_variables", {"a": 1}),
    },
    TEXT: SHARED
    | {
        "echo": (True, "echo", True),
        "logprobs": (3, "logprobs", 3),
        "suffix": ("end", "prompt", InfillPrompt("Once", "end")),
    },
}
# Each with a value that is taken, and why it changes nothing that is asked of an engine.
NOBODY_ASKS = "it says who asks, or how to keep apart who asks"
ACCEPTED: dict[str, tuple[Any, str]] = {
    "user": ("me", NOBODY_ASKS),
    "safety_identifier": ("me", NOBODY_ASKS),
    "metadata": ({"a": "b"}, NOBODY_ASKS),
    "store": (True, "nothing is kept that could be asked for later; /v1/responses does that"),
    "service_tier": ("auto", "there is one tier"),
    "prompt_cache_key": ("a", "prompts are always reused"),
    "prompt_cache_retention": ("24h", "prompts are always reused, and kept as the model was loaded to"),
    "prompt_cache_options": ({}, "prompts are always reused"),
    "preset": ("", "the empty one is none"),
}
REFUSED: dict[str, dict[str, Any]] = {
    CHAT: {
        "moderation": {},
        "service_tier": "flex",
        "preset": "poet",
        "audio": {"voice": "alloy"},
        "functions": [{"name": "f"}],
        "function_call": {"name": "f"},
        "modalities": ["audio"],
        "prediction": {"type": "content", "content": "Hi"},
        "web_search_options": {},
        "verbosity": "low",
        "best_of": 5,
        "echo": True,
        "suffix": "end",
    },
    TEXT: {
        "moderation": {},
        "service_tier": "flex",
        "preset": "poet",
        "best_of": 5,
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "tool_choice": "required",
        "top_logprobs": 3,
        "chat_template_kwargs": {"a": 1},
        "enable_thinking": True,
        "reasoning_effort": "low",
        "reasoning_budget": 9,
        "thinking_budget": 9,
        "max_reasoning_tokens": 9,
        "reasoning_format": "deepseek",
        "return_progress": True,
    },
}
# As openai 3.54 has them in `completion_create_params.py`.
OPENAI = {
    CHAT: "messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens "
    "max_tokens metadata modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key "
    "prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier "
    "stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options",
    TEXT: "model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop "
    "stream stream_options suffix temperature top_p user",
}
# Tested where they are at home: by the stream, by the lease, by several answers, by tools, by presets.
ELSEWHERE = {"model", "messages", "prompt", "stream", "stream_options", "ttl", "draft_model", "n", "top_logprobs"} | {
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "return_progress",
}


def asked(site: Site, path: str, **fields: Any) -> GenerateRequest:
    reply = site.post(f"/v1/{path}", **GOOD[path] | fields)
    assert reply.status_code == 200, reply.json
    request = site.engine.calls[-1].request
    assert isinstance(request, GenerateRequest)
    return request


def at(request: GenerateRequest, place: str) -> Any:
    found: Any = request
    for name in place.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize(("path", "field"), [(path, field) for path in HONOURED for field in HONOURED[path]])
def test_it_reaches_the_engine(site: Site, path: str, field: str) -> None:
    value, place, expected = HONOURED[path][field]
    assert at(asked(site, path, **{field: value}), place) == expected
    assert at(asked(site, path), place) != expected


@pytest.mark.parametrize("path", [CHAT, TEXT])
@pytest.mark.parametrize("field", ACCEPTED)
def test_it_is_taken_and_changes_nothing(site: Site, path: str, field: str) -> None:
    assert asked(site, path, **{field: ACCEPTED[field][0]}) == asked(site, path)


@pytest.mark.parametrize(("path", "field"), [(path, field) for path in REFUSED for field in REFUSED[path]])
def test_it_is_refused_by_name(site: Site, path: str, field: str) -> None:
    reply = site.post(f"/v1/{path}", **GOOD[path] | {field: REFUSED[path][field]})
    assert (reply.status_code, reply.json["error"]["param"]) == (400, field)
    assert site.engine.calls == []


@pytest.mark.parametrize(("path", "field", "other"), [(CHAT, "suffix", TEXT), (TEXT, "tools", CHAT)])
def test_a_refusal_says_where_it_is_taken(site: Site, path: str, field: str, other: str) -> None:
    error = site.post(f"/v1/{path}", **GOOD[path] | {field: REFUSED[path][field]}).json["error"]
    assert f"POST /v1/{other} takes it." in error["message"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (CHAT, {"best_of": 1, "echo": False, "suffix": ""}),
        (TEXT, {"best_of": 1, "tools": [], "tool_choice": "auto", "top_logprobs": 0, "chat_template_kwargs": {}}),
        (TEXT, {"enable_thinking": False, "reasoning_effort": "none", "reasoning_budget": -1}),
        (TEXT, {"thinking_budget": -1, "max_reasoning_tokens": -1, "reasoning_format": "none"}),
    ],
)
def test_what_asks_for_nothing_is_not_refused(site: Site, path: str, fields: dict[str, Any]) -> None:
    assert asked(site, path, **fields) == asked(site, path)


@pytest.mark.parametrize(("path", "body"), [(CHAT, ChatBody), (TEXT, TextBody)])
def test_nothing_is_left_to_chance(path: str, body: type[msgspec.Struct]) -> None:
    """What a body knows is in one of the tables above; nothing it knows is ignored in silence."""
    known = set(body.__struct_fields__)
    assert known == (set(HONOURED[path]) | set(ACCEPTED) | set(REFUSED[path]) | ELSEWHERE) & known
    assert set(HONOURED[path]) | set(ACCEPTED) | set(REFUSED[path]) | set(OPENAI[path].split()) <= known


def test_a_bias_is_by_id_or_by_text(site: Site) -> None:
    given = asked(site, CHAT, logit_bias=[[5, 1], ["5", 2], ["word", -3]]).sampling
    assert (given.logit_bias, given.text_bias) == ({5: 1.0}, {"5": 2.0, "word": -3.0})


@pytest.mark.parametrize(("asked_for", "wanted"), [(0, 0), (5, 5), (True, 1), (False, None), (None, None)])
def test_logprobs_of_a_text_are_a_number(site: Site, asked_for: object, wanted: int | None) -> None:
    assert asked(site, TEXT, logprobs=asked_for).logprobs == wanted


def test_top_logprobs_of_a_chat_are_a_number_beside_a_switch(site: Site) -> None:
    assert asked(site, CHAT, logprobs=True, top_logprobs=7).logprobs == 7
    assert asked(site, CHAT, logprobs=False, top_logprobs=0).logprobs is None


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_nothing_but_an_echo_is_no_token(site: Site, field: str) -> None:
    assert asked(site, TEXT, echo=True, **{field: 0}).max_tokens == 0


def test_thinking_without_any_effort_is_refused(site: Site) -> None:
    reply = site.post(f"/v1/{CHAT}", **GOOD[CHAT], enable_thinking=True, reasoning_effort="none")
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "enable_thinking")


@pytest.mark.parametrize("budget", [-1, None])
def test_no_budget_is_no_limit(site: Site, budget: int | None) -> None:
    assert asked(site, CHAT, reasoning_budget=budget).reasoning_budget is None


def test_reasoning_stays_in_the_text_where_the_server_is_set_so(make_site: Any) -> None:
    site = make_site(separate_reasoning=False)
    assert not asked(site, CHAT).split_reasoning
    assert asked(site, CHAT, reasoning_format="auto").split_reasoning
