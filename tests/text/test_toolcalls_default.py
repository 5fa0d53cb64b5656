"""How a model that has no format of its own for calls is told of functions, calls and results."""

import json

from lms.generation.messages import Image, Message, Text, Tool, ToolCall
from lms.generation.request import ChatPrompt
from lms.text.toolcalls.default import instructions, taught, told
from lms.text.toolcalls.llama3 import LAYOUT as LLAMA3

TOOL = Tool("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})
CALLS = (ToolCall("1", "look", '{"at": "a"}'), ToolCall("2", "look", '{"at": "b"}'))
HISTORY = (
    Message("user", "Look."),
    Message("assistant", "I will.", tool_calls=CALLS),
    Message("tool", "green", tool_call_id="1"),
    Message("tool", "blue", tool_call_id="2"),
    Message("assistant", "Green and blue."),
)


def test_the_system_tells_of_the_tools_as_json() -> None:
    text = instructions([TOOL])
    listed = json.loads(text.partition("# AVAILABLE TOOLS\n")[2].partition("\n\n# RULES")[0])
    assert listed["type"] == "toolArray"
    assert [tool["function"]["name"] for tool in listed["tools"]] == ["look"]


def test_the_examples_are_written_as_the_model_is_to_write_calls() -> None:
    one = '[TOOL_REQUEST]{"name": "get_height", "arguments": {"mountain": "Zugspitze"}}[END_TOOL_REQUEST]'
    assert f"\n{one}\n" in instructions([TOOL])
    assert "Never write [TOOL_RESULT]" in instructions([TOOL])


def test_a_model_with_a_form_of_its_own_is_told_of_that_and_its_conversation_stays() -> None:
    prompt = told(ChatPrompt(HISTORY, (TOOL,)), LLAMA3.write)
    first, *others = prompt.messages
    assert prompt.tools == ()
    assert tuple(others) == HISTORY
    assert first.role == "system"
    assert '\n{"name": "get_height", "parameters": {"mountain": "Zugspitze"}}\n' in str(first.content)
    assert "TOOL_RE" not in str(first.content)
    assert told(ChatPrompt(HISTORY), LLAMA3.write).messages == HISTORY


def test_what_the_system_says_already_comes_first() -> None:
    prompt = ChatPrompt((Message("system", "Be brief."), Message("user", "Hi")), (TOOL,))
    first, user = taught(prompt).messages
    assert first == Message("system", "Be brief.\n\n" + instructions([TOOL]))
    assert user == Message("user", "Hi")


def test_calls_and_results_become_texts_of_the_conversation() -> None:
    first, call = '[TOOL_REQUEST]{"name": "look", "arguments": {"at": "%s"}}[END_TOOL_REQUEST]', "I will.\n"
    assert taught(ChatPrompt(HISTORY)).messages == (
        Message("user", "Look."),
        Message("assistant", call + first % "a" + "\n" + first % "b"),
        Message("user", "[TOOL_RESULT]green[END_TOOL_RESULT]\n[TOOL_RESULT]blue[END_TOOL_RESULT]"),
        Message("assistant", "Green and blue."),
    )


def test_pictures_in_a_result_stay_where_they_are() -> None:
    picture = Image(b"x")
    result = Message("tool", (Text("Look:"), picture), tool_call_id="1")
    assert taught(ChatPrompt((result,))).messages == (
        Message("user", (Text("[TOOL_RESULT]"), Text("Look:"), picture, Text("[END_TOOL_RESULT]"))),
    )


def test_a_conversation_without_tools_stays_as_it_is() -> None:
    prompt = ChatPrompt((Message("user", "Hi"),))
    assert taught(prompt) is prompt
