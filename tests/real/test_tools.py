"""Calls of functions with the official OpenAI client against a real server with the bundled chat model.

The model is tiny: which values it chooses makes little sense, and yet they are what the functions take, every time.
"""

import json
from collections.abc import Iterator
from typing import Any, Literal

import openai
import pytest
from openai import DefaultHttpxClient, OpenAI, pydantic_function_tool
from pydantic import BaseModel, Field

pytestmark = pytest.mark.real

CHAT = "tiny-chat"


class Room(BaseModel):
    name: Literal["kitchen", "hall"]
    floor: int = Field(ge=0, le=3)


class SetHeating(BaseModel):
    """Sets the heating of some rooms."""

    degrees: int = Field(ge=10, le=25)
    rooms: list[Room] = Field(min_length=1, max_length=2)
    mode: Literal["day", "night"] | None


class GetTime(BaseModel):
    """Tells the time."""

    zone: Literal["UTC", "CET"]


MODELS: dict[str, type[BaseModel]] = {"SetHeating": SetHeating, "GetTime": GetTime}
TOOLS: list[Any] = [pydantic_function_tool(model) for model in MODELS.values()]
SAMPLED = [{"temperature": 0.0}, {"temperature": 1.0, "seed": 1}, {"temperature": 1.5, "top_p": 1.0, "seed": 2}]
ASKED: list[Any] = [{"role": "user", "content": "Make the kitchen warm."}]


@pytest.fixture(scope="module", params=["v1", "api/v0"])
def client(request: pytest.FixtureRequest, module_port: int) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=f"http://127.0.0.1:{module_port}/{request.param}",
        api_key="lm-studio",
        max_retries=0,
        timeout=60,
        http_client=DefaultHttpxClient(trust_env=False),
    ) as sdk:
        yield sdk


def named(name: str) -> Any:
    return {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize("sampling", SAMPLED, ids=str)
def test_a_call_that_is_required_is_made_with_valid_arguments(client: OpenAI, sampling: dict[str, Any]) -> None:
    answer = client.chat.completions.create(
        model=CHAT, messages=ASKED, tools=TOOLS, tool_choice="required", parallel_tool_calls=False, **sampling
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    [call] = choice.message.tool_calls
    assert call.type == "function"
    MODELS[call.function.name].model_validate_json(call.function.arguments)
    assert not choice.message.content


@pytest.mark.parametrize("name", MODELS)
def test_the_arguments_of_a_named_function_are_streamed_piece_by_piece(client: OpenAI, name: str) -> None:
    stream = client.chat.completions.create(
        model=CHAT, messages=ASKED, tools=TOOLS, tool_choice=named(name), temperature=1.0, seed=3, stream=True
    )
    choices = [chunk.choices[0] for chunk in stream if chunk.choices]
    first, *pieces = [call for choice in choices for call in choice.delta.tool_calls or []]
    assert first.function is not None
    assert (first.index, first.type, first.function.name, first.function.arguments) == (0, "function", name, "")
    assert first.id
    assert all((piece.index, piece.id) == (0, None) for piece in pieces)
    arguments = [piece.function.arguments or "" for piece in pieces if piece.function]
    assert len(arguments) > 3
    MODELS[name].model_validate_json("".join(arguments))
    assert choices[-1].finish_reason == "tool_calls"


def test_several_calls_have_ids_of_their_own(client: OpenAI) -> None:
    for seed in range(3):
        answer = client.chat.completions.create(
            model=CHAT, messages=ASKED, tools=TOOLS, tool_choice="required", temperature=1.2, seed=seed, max_tokens=400
        )
        calls = answer.choices[0].message.tool_calls or []
        assert len({call.id for call in calls}) == len(calls) >= 1


def test_what_a_function_returned_can_be_told_to_the_model(client: OpenAI) -> None:
    first = client.chat.completions.create(model=CHAT, messages=ASKED, tools=TOOLS, tool_choice=named("GetTime"))
    message = first.choices[0].message
    assert message.tool_calls is not None
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "12:30"}
    history: Any = [*ASKED, message.model_dump(exclude_none=True), result]
    second = client.chat.completions.create(model=CHAT, messages=history, tools=TOOLS, max_tokens=40)
    assert second.choices[0].finish_reason in ("stop", "length", "tool_calls")
    assert second.usage is not None
    assert first.usage is not None
    assert second.usage.prompt_tokens > first.usage.prompt_tokens


def test_the_client_parses_the_arguments_of_a_strict_function(client: OpenAI) -> None:
    parsed = client.chat.completions.parse(
        model=CHAT, messages=ASKED, tools=TOOLS, tool_choice=named("SetHeating"), temperature=0.5, seed=1
    )
    [call] = parsed.choices[0].message.tool_calls or []
    assert isinstance(call.function.parsed_arguments, SetHeating)


def test_the_client_accumulates_a_streamed_call(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model=CHAT, messages=ASKED, tools=TOOLS, tool_choice="required", parallel_tool_calls=False, seed=4
    ) as stream:
        deltas = [event for event in stream if event.type == "tool_calls.function.arguments.delta"]
        [call] = stream.get_final_completion().choices[0].message.tool_calls or []
    assert len(deltas) > 3
    assert isinstance(call.function.parsed_arguments, MODELS[call.function.name])


def test_strict_functions_leave_the_model_free_to_answer(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=CHAT, messages=[{"role": "user", "content": "Hello!"}], tools=TOOLS, max_tokens=60
    )
    message = answer.choices[0].message
    for call in message.tool_calls or []:
        assert call.type == "function"
        MODELS[call.function.name].model_validate_json(call.function.arguments)
    assert message.content or message.tool_calls


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": named("Other")}, "tool_choice.function.name"),
        ({"tool_choice": {"type": "custom", "custom": {"name": "x"}}}, "tool_choice.type"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"tools": TOOLS + TOOLS[:1]}, "tools[2].function.name"),
        ({"tools": [], "tool_choice": "required"}, "tool_choice"),
    ],
)
def test_what_cannot_be_called_is_refused_by_its_name(client: OpenAI, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model=CHAT, messages=ASKED, **({"tools": TOOLS} | fields))
    assert refused.value.param == param


def test_only_allowed_functions_are_called(client: OpenAI) -> None:
    allowed: Any = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named("GetTime")]}}
    answer = client.chat.completions.create(
        model=CHAT, messages=ASKED, tools=TOOLS, tool_choice=allowed, parallel_tool_calls=False
    )
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "GetTime"
    assert json.loads(call.function.arguments)["zone"] in ("UTC", "CET")
