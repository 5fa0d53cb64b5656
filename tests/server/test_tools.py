"""What a chat body says of tools, as the engine gets it. What is refused stands among the other refusals."""

import json
from typing import Any

import pytest

from lms.config.presets import Presets
from lms.generation.messages import Tool, ToolChoice
from lms.generation.request import ChatPrompt
from lms.server.requests import chat

TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "f", "description": "F.", "parameters": {}, "strict": True}},
    {"type": "function", "function": {"name": "g"}},
]
F, G = Tool("f", "F.", {}, strict=True), Tool("g")


def asked(**fields: Any) -> tuple[tuple[Tool, ...], ToolChoice]:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "tools": TOOLS} | fields
    (request,) = chat.parse(json.dumps(body).encode(), Presets()).requests
    assert isinstance(request.prompt, ChatPrompt)
    return request.prompt.tools, request.tool_choice


@pytest.mark.parametrize(
    ("choice", "tools", "meant"),
    [
        (None, (F, G), ToolChoice()),
        ("auto", (F, G), ToolChoice()),
        ("none", (), ToolChoice()),
        ("required", (F, G), ToolChoice(required=True)),
        ({"type": "function", "function": {"name": "g"}}, (F, G), ToolChoice(required=True, name="g")),
        ({"type": "function", "name": "g"}, (F, G), ToolChoice(required=True, name="g")),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOLS[1]]}},
            (G,),
            ToolChoice(),
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "name": "f"}]},
            },
            (F,),
            ToolChoice(required=True),
        ),
    ],
)
def test_the_choice_says_what_the_model_sees_and_has_to_call(
    choice: object, tools: tuple[Tool, ...], meant: ToolChoice
) -> None:
    assert asked(tool_choice=choice) == (tools, meant)


@pytest.mark.parametrize(("parallel", "meant"), [(None, True), (True, True), (False, False)])
def test_several_calls_are_for_the_request_to_forbid(parallel: bool | None, meant: bool) -> None:
    assert asked(parallel_tool_calls=parallel)[1] == ToolChoice(parallel=meant)
    assert asked(parallel_tool_calls=parallel, tool_choice="required")[1] == ToolChoice(required=True, parallel=meant)


def test_without_tools_nothing_has_to_be_said_of_them() -> None:
    assert asked(tools=None, tool_choice="auto", parallel_tool_calls=False) == ((), ToolChoice(parallel=False))
