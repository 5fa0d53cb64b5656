"""Calls of functions, from the request to the events, with the fake model: it repeats what the user says."""

import json
from collections.abc import Iterator

import pytest

from lms.errors import InvalidRequest
from lms.generation.events import ReasoningDelta, TextDelta, ToolArgumentsDelta, ToolCallStarted
from lms.generation.messages import Message, Tool, ToolChoice
from lms.generation.request import ChatPrompt, GenerateRequest
from tests.engine.rig import Rig, rig

LOOK = Tool("look", None, {"type": "object", "properties": {"far": {"type": "boolean"}}, "required": ["far"]})
NOW = Tool("now")
CALL = '[TOOL_REQUEST]{"name": "look", "arguments": {"far": "very"}}[END_TOOL_REQUEST]'


@pytest.fixture
def served() -> Iterator[Rig]:
    made = rig()
    yield made
    made.worker.stop()


def ask(served: Rig, text: str, *tools: Tool, choice: ToolChoice | None = None, **settings: object) -> None:
    prompt, choice = ChatPrompt((Message("user", text),), tools), choice or ToolChoice()
    served.worker.submit(1, GenerateRequest(prompt, tool_choice=choice, **settings))  # type: ignore[arg-type]
    served.run()


def calls(served: Rig) -> list[tuple[str, str]]:
    arguments: dict[int, str] = {}
    for event in served.events[1]:
        if isinstance(event, ToolArgumentsDelta):
            arguments[event.index] = arguments.get(event.index, "") + event.text
    return [(event.name, arguments[event.index]) for event in served.events[1] if isinstance(event, ToolCallStarted)]


def test_a_call_that_the_model_writes_is_one(served: Rig) -> None:
    ask(served, f"{CALL} {CALL}", LOOK)
    assert served.text(1).strip() == "You said:"
    assert calls(served) == [("look", '{"far": "very"}')] * 2
    assert served.finished(1).reason == "toolCalls"


def test_without_parallel_calls_the_answer_ends_with_the_first(served: Rig) -> None:
    ask(served, f"{CALL} {CALL} and more", LOOK, choice=ToolChoice(parallel=False))
    assert calls(served) == [("look", '{"far": "very"}')]
    assert served.finished(1).reason == "toolCalls"


def test_a_call_comes_where_one_is_required(served: Rig) -> None:
    ask(served, "hi", LOOK, NOW, choice=ToolChoice(required=True, parallel=False))
    [(name, arguments)] = calls(served)
    assert isinstance(json.loads(arguments)["far"], bool) if name == "look" else json.loads(arguments) == {}
    assert not any(isinstance(event, TextDelta) for event in served.events[1])
    assert served.finished(1).reason == "toolCalls"


def test_the_function_that_is_named_is_called_after_the_reasoning(served: Rig) -> None:
    ask(served, "think first: hi", LOOK, NOW, choice=ToolChoice(required=True, name="now"))
    assert calls(served) == [("now", "{}")]
    assert any(isinstance(event, ReasoningDelta) for event in served.events[1])


def test_strict_functions_are_called_as_their_schema_says_in_a_free_answer(served: Rig) -> None:
    ask(served, CALL, Tool("look", None, LOOK.parameters, strict=True))
    [(name, arguments)] = calls(served)
    assert (name, isinstance(json.loads(arguments)["far"], bool)) == ("look", True)
    assert served.text(1).startswith("You said: ")


def test_a_call_that_is_cut_off_keeps_its_arguments(served: Rig) -> None:
    ask(served, CALL, LOOK, max_tokens=len('You said: [TOOL_REQUEST]{"name": "look", "arguments": {"far"'))
    assert calls(served) == [("look", '{"far"')]
    assert served.finished(1).reason == "maxPredictedTokensReached"


def test_a_function_that_is_not_there_cannot_be_required(served: Rig) -> None:
    with pytest.raises(InvalidRequest, match="other"):
        ask(served, "hi", LOOK, choice=ToolChoice(required=True, name="other"))


def test_the_model_is_told_of_the_functions(served: Rig) -> None:
    ask(served, "hi", LOOK)
    assert "AVAILABLE TOOLS" in str(served.published[0])
