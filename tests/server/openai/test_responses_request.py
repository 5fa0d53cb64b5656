"""The body of a response request: what the engine gets, what is repeated, what is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from lms.config.presets import Presets
from lms.errors import InvalidRequest, LmsError, MissingParameter, PreviousResponseNotFound, Unsupported
from lms.generation.constraint import JsonSchema, Regex
from lms.generation.messages import Message
from lms.generation.request import ChatPrompt, GenerateRequest, Sampling
from lms.server.openai.responses.request import ResponseCall, parse

HELLO = (Message("user", "Hello"), Message("assistant", "Hi!"))


@dataclass
class Remembered:
    """A past of one conversation and one item."""

    keeps: bool = True
    items: Mapping[str, dict[str, Any]] = field(
        default_factory=lambda: {"msg_1": {"id": "msg_1", "type": "message", "role": "assistant", "content": "Hi!"}}
    )

    def conversation(self, turn_id: str) -> tuple[Message, ...]:
        if turn_id != "resp_1":
            raise PreviousResponseNotFound("There is none.", param="previous_response_id")
        return HELLO

    def item(self, item_id: str, param: str) -> dict[str, Any]:
        if item_id not in self.items:
            raise InvalidRequest("There is none.", param=param)
        return self.items[item_id]


def asked(keeps: bool = True, **fields: Any) -> ResponseCall:
    return parse(msgspec.json.encode({"model": "tiny-chat", "input": "Bye"} | fields), Remembered(keeps), Presets())


def request(**fields: Any) -> GenerateRequest:
    (wanted,) = asked(**fields).call.requests
    return wanted


def messages(**fields: Any) -> tuple[Message, ...]:
    prompt = request(**fields).prompt
    assert isinstance(prompt, ChatPrompt)
    return prompt.messages


def test_a_text_is_what_the_user_says() -> None:
    assert messages() == (Message("user", "Bye"),)


def test_it_goes_on_from_an_earlier_response() -> None:
    assert messages(previous_response_id="resp_1") == (*HELLO, Message("user", "Bye"))


def test_only_the_input_is_new_to_the_conversation() -> None:
    call = asked(previous_response_id="resp_1", instructions="Be brief.")
    assert (call.messages, call.previous) == ((Message("user", "Bye"),), "resp_1")


def test_instructions_stand_before_everything() -> None:
    told = messages(previous_response_id="resp_1", instructions="Be brief.")
    assert told == (Message("system", "Be brief."), *HELLO, Message("user", "Bye"))


def test_instructions_and_a_system_message_are_one() -> None:
    told = messages(
        instructions="Be brief.",
        input=[{"role": "developer", "content": "Rhyme."}, {"role": "user", "content": "Bye"}],
    )
    assert told == (Message("system", "Be brief.\n\nRhyme."), Message("user", "Bye"))


def test_a_reference_stands_for_the_item() -> None:
    told = messages(input=[{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "Bye"}])
    assert told == (Message("assistant", "Hi!"), Message("user", "Bye"))


def test_without_more_the_answer_is_as_the_model_was_loaded() -> None:
    assert request() == GenerateRequest(ChatPrompt((Message("user", "Bye"),)))


def test_how_tokens_are_drawn_is_passed_on() -> None:
    given = {"temperature": 0.5, "top_p": 0.9, "presence_penalty": 1, "frequency_penalty": -1}
    ours = {"top_k": 7, "min_p": 0.1, "repeat_penalty": 1.2, "seed": 3, "logit_bias": {"7": 1.5}}
    drawn = request(**given, **ours, stop=["END"], max_output_tokens=9)
    assert drawn.sampling == Sampling(**(given | ours | {"logit_bias": {7: 1.5}}))
    assert (drawn.max_tokens, drawn.stop) == (9, ("END",))


def test_our_own_extensions_hold_here_too() -> None:
    wanted = request(regex="a+", context_overflow_policy="rollingWindow", typical_p=0.9)
    assert (wanted.constraint, wanted.overflow) == (Regex("a+", "regex"), "rollingWindow")
    assert wanted.sampling == Sampling(typical_p=0.9)


def test_the_model_may_be_given_a_time_to_live_and_a_draft_model() -> None:
    call = asked(ttl=60, draft_model="tiny-draft", stream=True).call
    assert (call.ttl_s, call.draft_model, call.stream) == (60, "tiny-draft", True)


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        (None, None),
        ({}, None),
        ({"format": None}, None),
        ({"format": {"type": "text"}, "verbosity": "medium"}, None),
        ({"format": {"type": "json_object"}}, JsonSchema({"type": "object"}, "text.format")),
        (
            {"format": {"type": "json_schema", "name": "a", "schema": {"type": "array"}, "strict": True}},
            JsonSchema({"type": "array"}, "text.format.schema"),
        ),
    ],
)
def test_the_form_of_the_text_is_enforced(text: object, constraint: JsonSchema | None) -> None:
    assert request(text=text).constraint == constraint


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, None),
        ({"top_logprobs": 0}, None),
        ({"top_logprobs": 3}, 3),
        ({"include": ["message.output_text.logprobs"]}, 0),
        ({"include": ["message.output_text.logprobs"], "top_logprobs": 2}, 2),
        ({"include": ["reasoning.encrypted_content"]}, None),
    ],
)
def test_probabilities_are_computed_only_when_asked_for(fields: dict[str, Any], wanted: int | None) -> None:
    assert request(**fields).logprobs == wanted


@pytest.mark.parametrize(("truncation", "policy"), [(None, None), ("disabled", "refuse"), ("auto", "truncateMiddle")])
def test_truncation_is_a_policy_for_long_conversations(truncation: str | None, policy: str | None) -> None:
    assert request(truncation=truncation).overflow == policy


@pytest.mark.parametrize(
    ("effort", "variables"),
    [
        (None, {}),
        ("none", {"reasoning_effort": "none", "enable_thinking": False}),
        ("high", {"reasoning_effort": "high", "enable_thinking": True}),
    ],
)
def test_the_effort_is_for_the_template(effort: str | None, variables: dict[str, Any]) -> None:
    prompt = request(reasoning={"effort": effort, "summary": "auto"}).prompt
    assert isinstance(prompt, ChatPrompt)
    assert prompt.template_variables == variables


def test_how_the_model_thinks_can_be_said_as_for_chats() -> None:
    wanted = request(reasoning_effort="low", thinking_budget=9, chat_template_kwargs={"style": "plain"})
    assert isinstance(wanted.prompt, ChatPrompt)
    switches = {"enable_thinking": True, "reasoning_effort": "low"}
    assert (wanted.prompt.template_variables, wanted.reasoning_budget) == (switches | {"style": "plain"}, 9)


def test_what_was_left_open_is_shown_by_its_default_unless_the_model_decides() -> None:
    shown = asked().shown
    assert (shown["temperature"], shown["truncation"]) == (None, None)
    assert (shown["tool_choice"], shown["parallel_tool_calls"]) == ("auto", True)
    assert (shown["text"], shown["tools"], shown["metadata"]) == ({"format": {"type": "text"}}, [], {})


def test_what_was_asked_for_is_shown() -> None:
    given = {
        "instructions": "Be brief.",
        "metadata": {"order": "7"},
        "user": "me",
        "safety_identifier": "hash",
        "prompt_cache_key": "key",
        "max_output_tokens": 9,
        "max_tool_calls": 2,
        "top_logprobs": 3,
        "truncation": "auto",
        "parallel_tool_calls": False,
        "temperature": 0.0,
    }
    assert asked(**given).shown.items() >= given.items()


@pytest.mark.parametrize(
    ("store", "keeps", "stored"), [(None, True, True), (True, True, True), (False, True, False), (None, False, False)]
)
def test_a_response_is_stored_unless_somebody_says_otherwise(store: bool | None, keeps: bool, stored: bool) -> None:
    call = asked(keeps, store=store)
    assert (call.stored, call.shown["store"]) == (stored, stored)


def test_what_nobody_documents_is_tolerated() -> None:
    assert request(anything={"at": "all"}) == request()


@pytest.mark.parametrize(
    "fields",
    [
        {"service_tier": "auto", "prompt_cache_retention": "24h", "background": False, "conversation": None},
        {"include": ["file_search_call.results"], "stream_options": {"include_obfuscation": False}},
    ],
)
def test_what_would_change_nothing_is_accepted(fields: dict[str, Any]) -> None:
    assert request(**fields) == request()


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"input": None}, InvalidRequest, "input"),
        ({"input": []}, InvalidRequest, "input"),
        ({"input": [3]}, InvalidRequest, "input[0]"),
        ({"input": [{"role": "user"}]}, InvalidRequest, "input[0].content"),
        ({"input": [{"type": "item_reference", "id": "msg_2"}]}, InvalidRequest, "input[0].id"),
        ({"previous_response_id": "resp_2"}, PreviousResponseNotFound, "previous_response_id"),
        ({"previous_response_id": ""}, InvalidRequest, "previous_response_id"),
        ({"background": True}, Unsupported, "background"),
        ({"conversation": "conv_1"}, Unsupported, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, Unsupported, "prompt"),
        ({"context_management": [{"type": "compaction"}]}, Unsupported, "context_management"),
        ({"moderation": {"model": "m"}}, Unsupported, "moderation"),
        ({"max_tokens": 5}, Unsupported, "max_tokens"),
        ({"reasoning": {"effort": "low"}, "reasoning_effort": "high"}, InvalidRequest, "reasoning_effort"),
        ({"reasoning": {"effort": "none"}, "enable_thinking": True}, InvalidRequest, "enable_thinking"),
        ({"max_completion_tokens": 5}, Unsupported, "max_completion_tokens"),
        ({"best_of": 2}, Unsupported, "best_of"),
        ({"n": 2}, Unsupported, "n"),
        ({"max_output_tokens": 0}, InvalidRequest, "max_output_tokens"),
        ({"max_tool_calls": 0}, InvalidRequest, "max_tool_calls"),
        ({"temperature": -1}, InvalidRequest, "temperature"),
        ({"top_logprobs": 101}, InvalidRequest, "top_logprobs"),
        ({"include": ["everything"]}, InvalidRequest, "include[0]"),
        ({"truncation": "never"}, InvalidRequest, "truncation"),
        ({"reasoning": {"effort": "heroic"}}, InvalidRequest, "reasoning.effort"),
        ({"reasoning": {"summary": "detailed"}}, Unsupported, "reasoning.summary"),
        ({"text": {"verbosity": "low"}}, Unsupported, "text.verbosity"),
        ({"text": {"format": {"type": "xml"}}}, InvalidRequest, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, InvalidRequest, "text.format.schema"),
        ({"regex": "a+", "text": {"format": {"type": "json_object"}}}, InvalidRequest, "regex"),
        ({"context_overflow_policy": "refuse", "truncation": "auto"}, InvalidRequest, "context_overflow_policy"),
        ({"service_tier": "priority"}, Unsupported, "service_tier"),
        ({"metadata": {"a": 3}}, InvalidRequest, "metadata"),
        ({"metadata": {str(number): "" for number in range(17)}}, InvalidRequest, "metadata"),
        ({"metadata": {"a": "x" * 513}}, InvalidRequest, "metadata"),
        ({"tools": [{"type": "file_search"}]}, Unsupported, "tools[0].type"),
        ({"tools": [{"type": "mcp"}]}, MissingParameter, "tools[0].server_label"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_honoured_is_refused_by_name(fields: dict[str, Any], kind: type[LmsError], param: str) -> None:
    with pytest.raises(kind) as caught:
        asked(**fields)
    assert caught.value.param == param


def test_a_server_that_keeps_nothing_says_so() -> None:
    with pytest.raises(InvalidRequest, match="response_days") as caught:
        asked(keeps=False, store=True)
    assert caught.value.param == "store"
