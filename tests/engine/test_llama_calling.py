"""Calls of functions by the bundled chat model, whose markers are tokens of their own: with a text, and without."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from lms.generation.events import Event, Finished, ToolArgumentsDelta, ToolCallStarted
from lms.generation.messages import Message, Tool, ToolChoice
from lms.generation.request import ChatPrompt, GenerateRequest, Sampling
from tests.engine.models import controlled
from tests.engine.processes import EngineProcess, bundled, started
from tests.engine.rig import written
from tests.engine.test_llama import spec

GREEDY = Sampling(temperature=0.0, repeat_penalty=1.0)
WEATHER = Tool(
    "get_weather",
    "Tells the weather of a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
CLOCK = Tool("clock", None, {"type": "object", "properties": {"zone": {"enum": ["UTC", "CET"]}}, "required": ["zone"]})


def plain(folder: Path) -> Path:
    return Path(bundled("tiny-chat"))


@pytest.fixture(scope="module", params=[plain, controlled], ids=["text", "control"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    folder = tmp_path_factory.mktemp("e")
    with started(replace(spec(folder, "tiny-chat"), model_path=str(request.param(folder)))) as engine:
        engine.wait_ready()
        yield engine


def ask(engine: EngineProcess, text: str, *tools: Tool, choice: ToolChoice | None = None) -> list[Event]:
    prompt = ChatPrompt((Message("user", text),), tools)
    return engine.ask(GenerateRequest(prompt, GREEDY, max_tokens=100, tool_choice=choice or ToolChoice()))


def calls(events: list[Event]) -> list[tuple[str, str]]:
    arguments = [event.text for event in events if isinstance(event, ToolArgumentsDelta)]
    return [(event.name, "".join(arguments)) for event in events if isinstance(event, ToolCallStarted)]


def test_the_model_calls_a_function_of_its_own_accord(engine: EngineProcess) -> None:
    events = ask(engine, "What is the weather in Paris?", WEATHER)
    assert calls(events) == [("get_weather", '{"city": "Paris"}')]
    assert written(events) == ""


def test_a_function_that_is_named_is_called_whatever_was_asked(engine: EngineProcess) -> None:
    events = ask(engine, "Hello!", WEATHER, CLOCK, choice=ToolChoice(required=True, name="clock"))
    [(name, arguments)] = calls(events)
    assert (name, json.loads(arguments)["zone"] in ("UTC", "CET")) == ("clock", True)
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "toolCalls"


def test_without_tools_nothing_of_a_marker_is_told(engine: EngineProcess) -> None:
    assert "tool_call" not in written(ask(engine, "What is the weather in Paris?"))
