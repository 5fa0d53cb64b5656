"""The compliance cases of the Open Responses specification, each by its own name, rebuilt here: seven requests, what
every answer to them has to hold, and in which order a stream tells it.

https://www.openresponses.org/compliance
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.engine.processes import bundled
from tests.engine.projectors import plain
from tests.real.conftest import Lms

pytestmark = pytest.mark.real

MODEL, SEEING = "tiny-chat", "tiny-vlm"
MODEL_WIDTH = 160

# Every one of these is there, null or not.
REQUIRED = {
    "id",
    "object",
    "created_at",
    "completed_at",
    "status",
    "incomplete_details",
    "model",
    "previous_response_id",
    "instructions",
    "output",
    "error",
    "tools",
    "tool_choice",
    "truncation",
    "parallel_tool_calls",
    "text",
    "top_p",
    "presence_penalty",
    "frequency_penalty",
    "top_logprobs",
    "temperature",
    "reasoning",
    "usage",
    "max_output_tokens",
    "max_tool_calls",
    "store",
    "background",
    "service_tier",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "user",
}
NUMBERS = ("created_at", "top_p", "presence_penalty", "frequency_penalty", "top_logprobs", "temperature")
USAGE = {"input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details"}
ITEM = {
    "message": {"id", "type", "role", "status", "content"},
    "function_call": {"id", "type", "status", "call_id", "name", "arguments"},
    "reasoning": {"id", "type", "summary", "content"},
}

# A red heart on white, 8 pixels wide.
HEART = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQMAAAD+wSzIAAAABlBMVEX/////AADrWueTAAAAFklEQVR4nGNgYEhj"
    "+A+EdQw2DBIMDAAeEAM3tDAQwAAAAABJRU5ErkJggg=="
)
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}},
        "required": ["location"],
    },
}


def message(role: str, content: object) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


@pytest.fixture(scope="module")
def client(module_lms: Lms, module_port: int) -> Iterator[httpx.Client]:
    """A client of a server that has a model which sees, too: the same one behind a projector of random weights."""
    folder = module_lms.home.root / "models" / "test" / SEEING
    folder.mkdir(parents=True)
    shutil.copy(bundled(MODEL), folder / f"{SEEING}.gguf")
    plain(folder / "mmproj.gguf", MODEL_WIDTH)
    with httpx.Client(base_url=f"http://127.0.0.1:{module_port}/v1", timeout=60, trust_env=False) as client:
        yield client


def create(client: httpx.Client, *said: dict[str, Any], **fields: Any) -> Any:
    """The response to what was said, once it has been seen to be one."""
    reply = client.post("/responses", json={"model": MODEL, "input": said} | fields)
    assert reply.status_code == 200, reply.text
    return seen(reply.json())


def seen(response: Any) -> Any:
    """The response, which has every key and values of the right kinds."""
    assert response.keys() >= REQUIRED
    assert all(isinstance(response[name], int | float) for name in NUMBERS)
    assert response["object"] == "response"
    assert all(item.keys() >= ITEM[item["type"]] for item in response["output"])
    if response["status"] != "in_progress":
        assert response["usage"].keys() >= USAGE
        assert response["usage"]["total_tokens"] > 0
    return response


def stream(client: httpx.Client, *said: dict[str, Any], **fields: Any) -> list[Any]:
    """The events of a streamed response, their names, numbers and frame once seen to be right."""
    body = {"model": MODEL, "input": said, "stream": True} | fields
    with client.stream("POST", "/responses", json=body) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        frames = [frame for frame in reply.read().decode().split("\n\n") if frame and not frame.startswith(":")]
    assert frames.pop() == "data: [DONE]"
    names, told = zip(*(frame.split("\n") for frame in frames), strict=True)
    events = [json.loads(line.removeprefix("data: ")) for line in told]
    assert [f"event: {event['type']}" for event in events] == list(names)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def kinds(events: list[Any]) -> list[str]:
    """The types of the events, deltas in a row as one."""
    types = [event["type"].removeprefix("response.") for event in events]
    return [kind for kind, before in zip(types, ["", *types], strict=False) if kind != before or "delta" not in kind]


MESSAGE = [
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
]
CALL = [
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
]


def test_basic_response(client: httpx.Client) -> None:
    response = create(client, message("user", "Say hello in exactly 3 words."))
    assert (response["status"], bool(response["output"])) == ("completed", True)


def test_streaming_response(client: httpx.Client) -> None:
    events = stream(client, message("user", "Count from 1 to 5."))
    assert kinds(events) == ["created", "in_progress", *MESSAGE, "completed"]
    told = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    final = seen(events[-1]["response"])
    assert final["output"][0]["content"][0]["text"] == told
    assert [seen(event["response"])["status"] for event in events[:2]] == ["in_progress"] * 2
    assert {event["response"]["id"] for event in (*events[:2], events[-1])} == {final["id"]}


def test_system_prompt(client: httpx.Client) -> None:
    response = create(
        client,
        message("system", "You are a pirate. Always respond in pirate speak."),
        message("user", "Say hello."),
    )
    assert (response["status"], bool(response["output"])) == ("completed", True)


def test_tool_calling(client: httpx.Client) -> None:
    asked = message("user", "What's the weather like in San Francisco?")
    response = create(client, asked, tools=[WEATHER], temperature=0)
    (call,) = [item for item in response["output"] if item["type"] == "function_call"]
    assert (call["name"], call["status"]) == ("get_weather", "completed")
    assert "location" in json.loads(call["arguments"])


def test_tool_calling_streaming(client: httpx.Client) -> None:
    asked = message("user", "What's the weather like in San Francisco?")
    events = stream(client, asked, tools=[WEATHER], temperature=0)
    assert kinds(events) == ["created", "in_progress", *CALL, "completed"]
    told = "".join(event["delta"] for event in events if event["type"].endswith("arguments.delta"))
    (call,) = seen(events[-1]["response"])["output"]
    assert (call["type"], call["arguments"]) == ("function_call", told)


def shown() -> dict[str, Any]:
    parts = [
        {"type": "input_text", "text": "What do you see in this image? Answer in one sentence."},
        {"type": "input_image", "image_url": HEART},
    ]
    return message("user", parts)


def test_image_input(client: httpx.Client) -> None:
    response = create(client, shown(), model=SEEING, temperature=0)
    assert (response["status"], bool(response["output"])) == ("completed", True)


def test_image_input_is_refused_by_name_where_the_model_is_blind(client: httpx.Client) -> None:
    reply = client.post("/responses", json={"model": MODEL, "input": [shown()]})
    error = reply.json()["error"]
    assert (reply.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["param"] == "input[0].content[1].image_url"


def test_multi_turn(client: httpx.Client) -> None:
    response = create(
        client,
        message("user", "My name is Alice."),
        message("assistant", "Hello Alice! Nice to meet you. How can I help you today?"),
        message("user", "What is my name?"),
        temperature=0,
    )
    assert response["status"] == "completed"
    assert "Alice" in response["output"][0]["content"][0]["text"]
