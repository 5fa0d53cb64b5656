"""Tools of MCP servers on `/api/v1/chat`: a scripted engine, real servers."""

import threading
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lms.errors import InvalidRequest, LmsError, Unsupported, to_wire
from lms.generation.events import Failed
from lms.generation.messages import Image, Message, Text, ToolCall
from lms.generation.request import ChatPrompt, GenerateRequest
from lms.server.tools.loop import MOST_ROUNDS
from tests.mcp.processes import eventually
from tests.server.conftest import Site
from tests.server.lmstudio_v1.streams import events_of, types_of
from tests.server.scripted_engine import MODEL, PATIENCE_S
from tests.server.tools.rounds import calls

PATH = "/api/v1/chat"


def hub_of(url: str, label: str = "hub", **fields: Any) -> dict[str, Any]:
    return {"type": "ephemeral_mcp", "server_label": label, "server_url": url} | fields


def chat(site: Site, *integrations: Any, **fields: Any) -> Any:
    reply = site.post(PATH, model="tiny-chat", input="Hi", integrations=list(integrations), **fields)
    return events_of(reply.data) if fields.get("stream") else reply


def asked(site: Site, index: int = -1) -> GenerateRequest:
    request = site.engine.calls[index].request
    assert isinstance(request, GenerateRequest)
    return request


def prompt(site: Site, index: int = -1) -> ChatPrompt:
    asked_for = asked(site, index).prompt
    assert isinstance(asked_for, ChatPrompt)
    return asked_for


def test_a_call_is_made_and_the_model_told(site: Site, hub: str) -> None:
    site.engine.first = [calls(("add", '{"a": 1, "b": 2}'), said="Let me see.")]
    body = chat(site, hub_of(hub)).json
    assert body["output"] == [
        {"type": "message", "content": "Let me see."},
        {
            "type": "tool_call",
            "tool": "add",
            "arguments": {"a": 1, "b": 2},
            "output": '[{"type":"text","text":"3"}]',
            "provider_info": {"type": "ephemeral_mcp", "server_label": "hub"},
        },
        {"type": "message", "content": "Hello"},
    ]
    assert prompt(site).messages == (
        Message("user", "Hi"),
        Message("assistant", "Let me see.", (ToolCall("call_016", "add", '{"a": 1, "b": 2}'),)),
        Message("tool", "3", tool_call_id="call_016", name="add"),
    )
    assert [tool.name for tool in prompt(site).tools] == [tool.name for tool in prompt(site, 0).tools]


def test_tokens_and_times_of_all_rounds_add_up(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a"}'))]
    stats = chat(site, hub_of(hub)).json["stats"]
    assert (stats["input_tokens"], stats["total_output_tokens"]) == (10 + 7, 4 + 2)
    assert (stats["reasoning_output_tokens"], stats["time_to_first_token_seconds"]) == (1, 0.5)
    assert stats["tokens_per_second"] == pytest.approx(6 / 0.14)
    assert stats["stop_reason"] == "eosFound"


def test_a_stream_tells_each_step(site: Site, hub: str) -> None:
    site.engine.first = [calls(("add", '{"a": 1, "b": 2}'), said="Well.")]
    events = chat(site, hub_of(hub), stream=True)
    provider = {"provider_info": {"type": "ephemeral_mcp", "server_label": "hub"}}
    made = {"tool": "add", "arguments": {"a": 1, "b": 2}}
    assert events[1:-1] == [
        {"type": "prompt_processing.start"},
        {"type": "prompt_processing.end"},
        {"type": "message.start"},
        {"type": "message.delta", "content": "Well."},
        {"type": "message.end"},
        {"type": "tool_call.start", "tool": "add"} | provider,
        {"type": "tool_call.name", "tool_name": "add"} | provider,
        {"type": "tool_call.arguments"} | made | provider,
        {"type": "tool_call.success", "output": '[{"type":"text","text":"3"}]'} | made | provider,
        {"type": "prompt_processing.start"},
        {"type": "prompt_processing.end"},
        {"type": "message.start"},
        {"type": "message.delta", "content": "Hel"},
        {"type": "message.delta", "content": "lo"},
        {"type": "message.end"},
    ]
    whole = events[-1]["result"]
    site.engine.first = [calls(("add", '{"a": 1, "b": 2}'), said="Well.")]
    assert whole["output"] == chat(site, hub_of(hub)).json["output"]


def test_several_calls_are_made_and_told_one_after_the_other(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a"}'), ("add", '{"a": 1, "b": 1}'))]
    events = chat(site, hub_of(hub), stream=True)
    told = [event["type"].removeprefix("tool_call.") for event in events if event["type"].startswith("tool_call.")]
    assert told == ["start", "name", "arguments", "success"] * 2
    assert [message.content for message in prompt(site).messages[2:]] == ["a", "2"]


def test_what_was_called_stays_in_the_conversation(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a"}'))]
    first = chat(site, hub_of(hub)).json["response_id"]
    chat(site, previous_response_id=first)
    roles = [message.role for message in prompt(site).messages]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]


@pytest.mark.parametrize(
    ("call", "metadata"),
    [
        (("divide", '{"a": 1}'), {"type": "invalid_name", "tool_name": "divide", "arguments": {"a": 1}}),
        (("add", '{"a": 1}'), {"type": "invalid_arguments", "tool_name": "add", "arguments": {"a": 1}}),
        (("add", "[1]"), {"type": "invalid_arguments", "tool_name": "add"}),
        (("add", '{"a": 1'), {"type": "invalid_arguments", "tool_name": "add"}),
    ],
)
def test_a_call_that_cannot_be_made_is_told_as_such(
    site: Site, hub: str, call: tuple[str, str], metadata: dict[str, Any]
) -> None:
    site.engine.first = [calls(call), calls(call)]
    known = {"provider_info": {"type": "ephemeral_mcp", "server_label": "hub"}} if call[0] == "add" else {}
    item, _, answer = chat(site, hub_of(hub)).json["output"]
    assert (item["type"], item["metadata"], answer["content"]) == ("invalid_tool_call", metadata | known, "Hello")
    assert prompt(site).messages[2].content == f"Error: {item['reason']}"
    site.engine.first = [calls(call)]
    (failure,) = [event for event in chat(site, hub_of(hub), stream=True) if event["type"] == "tool_call.failure"]
    assert failure == item | {"type": "tool_call.failure"}


def test_a_tool_that_fails_has_an_output_that_says_so(site: Site, hub: str) -> None:
    site.engine.first = [calls(("fail", ""))]
    item, _ = chat(site, hub_of(hub)).json["output"]
    assert (item["type"], "It is broken." in item["output"]) == ("tool_call", True)
    assert str(prompt(site).messages[2].content).startswith("Error: ")


def test_what_is_no_text_is_told_to_the_client_and_mentioned_to_the_model(site: Site, hub: str) -> None:
    site.engine.first = [calls(("picture", "{}"))]
    item, _ = chat(site, hub_of(hub)).json["output"]
    assert [part["type"] for part in msgspec.json.decode(item["output"])] == ["text", "image"]
    assert prompt(site).messages[2].content == "Look:\n[image: image/png, not shown]"


@pytest.fixture
def seeing_site(site: Site) -> Site:
    """A site whose model sees."""
    site.backend.on_disk = [msgspec.structs.replace(MODEL, vision=True)]
    return site


def test_a_model_that_sees_is_shown_pictures(seeing_site: Site, hub: str) -> None:
    seeing_site.engine.first = [calls(("picture", "{}")), calls(("echo", '{"text": "a"}'))]
    body = chat(seeing_site, hub_of(hub)).json
    picture = msgspec.json.decode(body["output"][0]["output"])[1]
    shown = (Text("Look:"), Image(b64decode(picture["data"]), "integrations[0]"))
    assert prompt(seeing_site, 1).messages[2].content == shown
    assert [message.content for message in prompt(seeing_site).messages[2:]] == [shown, "", "a"]
    kept = seeing_site.history.conversation(body["response_id"])
    assert kept[2].content == "Look:\n[image: image/png, not shown]"


@pytest.mark.parametrize("refusal", [InvalidRequest("It is no whole picture."), Unsupported("It sees none.")])
def test_a_picture_that_the_model_cannot_be_shown_is_mentioned(seeing_site: Site, hub: str, refusal: LmsError) -> None:
    refused = [(Failed(to_wire(refusal)),)]
    seeing_site.engine.first = [calls(("picture", "{}")), refused, calls(("echo", '{"text": "a"}'))]
    body = chat(seeing_site, hub_of(hub)).json
    assert body["output"][-1] == {"type": "message", "content": "Hello"}
    mentioned = "Look:\n[image: image/png, not shown]"
    assert prompt(seeing_site, 2).messages[2].content == mentioned
    assert [message.content for message in prompt(seeing_site).messages[2:]] == [mentioned, "", "a"]


def test_a_refusal_that_no_picture_explains_is_one(seeing_site: Site, hub: str) -> None:
    refused = [(Failed(to_wire(InvalidRequest("No."))),)]
    seeing_site.engine.first = [calls(("echo", '{"text": "a"}')), refused]
    assert chat(seeing_site, hub_of(hub)).status_code == 400


def test_only_tools_that_are_allowed_are_offered(site: Site, hub: str) -> None:
    chat(site, hub_of(hub, allowed_tools=["echo"]))
    assert [tool.name for tool in prompt(site).tools] == ["echo"]


def test_tools_of_one_name_go_by_their_servers_too(site: Site, hub: str) -> None:
    one, other = hub_of(hub, "one", allowed_tools=["echo", "pid"]), hub_of(hub, "two", allowed_tools=["echo"])
    site.engine.first = [calls(("two__echo", '{"text": "a"}'))]
    item, _ = chat(site, one, other).json["output"]
    assert [tool.name for tool in prompt(site).tools] == ["one__echo", "pid", "two__echo"]
    assert (item["tool"], item["provider_info"]["server_label"]) == ("echo", "two")


def test_a_model_that_never_answers_is_stopped(site: Site, hub: str) -> None:
    site.engine.script = calls(("echo", '{"text": "a"}'))
    reply = chat(site, hub_of(hub))
    error = reply.json["error"]
    assert (reply.status_code, error["code"]) == (400, "too_many_tool_calls")
    assert str(MOST_ROUNDS) in error["message"]
    assert len(site.engine.calls) == MOST_ROUNDS


def test_a_stream_that_is_stopped_ends_with_what_there_was(site: Site, hub: str) -> None:
    site.engine.script = calls(("echo", '{"text": "a"}'))
    *_, error, end = chat(site, hub_of(hub), stream=True)
    assert (error["type"], error["error"]["code"]) == ("error", "too_many_tool_calls")
    assert len(end["result"]["output"]) == MOST_ROUNDS


def test_the_limit_of_tokens_holds_for_all_rounds(site: Site, hub: str) -> None:
    site.engine.script = calls(("echo", '{"text": "a"}'))
    body = chat(site, hub_of(hub), max_output_tokens=10).json
    assert [asked(site, index).max_tokens for index in range(3)] == [10, 6, 2]
    assert (len(site.engine.calls), body["stats"]["stop_reason"]) == (3, "maxPredictedTokensReached")
    kept = site.history.conversation(body["response_id"])
    assert [message.role for message in kept] == ["user", *["assistant", "tool"] * 3, "assistant"]


def test_a_call_that_was_cut_off_is_not_made(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a'), reason="maxPredictedTokensReached")]
    assert chat(site, hub_of(hub)).json["output"] == []
    assert len(site.engine.calls) == 1


def test_a_client_that_leaves_cancels_the_call(site: Site, hub: str, tmp_path: Path) -> None:
    note = tmp_path / "note"
    site.engine.first = [calls(("slow", msgspec.json.encode({"note": str(note)}).decode()))]
    body = {"model": "tiny-chat", "input": "Hi", "stream": True, "integrations": [hub_of(hub)]}
    reply = site.client.post(PATH, json=body, buffered=False)
    pieces: Any = iter(reply.response)
    while not note.exists():
        next(pieces)
    reply.close()
    eventually(lambda: note.read_text(encoding="utf-8") == "cancelled")


def test_a_stream_has_a_heartbeat_while_a_tool_works(site: Site, hub: str, tmp_path: Path) -> None:
    site.engine.first = [calls(("slow", msgspec.json.encode({"note": str(tmp_path / "note")}).decode()))]
    body = {"model": "tiny-chat", "input": "Hi", "stream": True, "integrations": [hub_of(hub)]}
    reply = site.client.post(PATH, json=body, buffered=False)
    pieces: Any = iter(reply.response)
    told = [next(pieces)]
    while told[-1] != b": keep-alive\n\n":
        told.append(next(pieces))
    assert types_of(b"".join(told))[-1] == "tool_call.arguments"
    reply.close()


@pytest.mark.parametrize("stream", [False, True])
def test_a_server_that_is_not_there_is_an_error_before_anything_is_loaded(site: Site, stream: bool) -> None:
    reply = site.post(
        PATH, model="tiny-chat", input="Hi", stream=stream, integrations=[hub_of("http://127.0.0.1:1/mcp")]
    )
    error = reply.json["error"]
    assert (reply.status_code, error["type"], error["param"]) == (424, "mcp_connection_error", "integrations[0]")
    assert "hub" in error["message"]
    assert site.backend.asked == []


@pytest.mark.parametrize(
    ("integrations", "param"),
    [
        ([{"allowed_tools": ["nope"]}], "integrations[0].allowed_tools"),
        ([{}, {}], "integrations[0]"),
    ],
)
def test_what_a_server_does_not_have_is_refused(
    site: Site, hub: str, integrations: list[dict[str, Any]], param: str
) -> None:
    reply = chat(site, *(hub_of(hub, **fields) for fields in integrations))
    assert (reply.status_code, reply.json["error"]["param"]) == (400, param)


def test_a_plugin_that_is_no_mcp_server_is_unknown(site: Site) -> None:
    reply = chat(site, "lmstudio/rag-v1")
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "integrations[0]")


def test_an_engine_that_works_is_left_when_the_client_leaves(site: Site, hub: str) -> None:
    go_on = threading.Event()
    site.engine.first = [calls(("echo", '{"text": "a"}'))]
    site.engine.script = (go_on,)
    body = {"model": "tiny-chat", "input": "Hi", "stream": True, "integrations": [hub_of(hub)]}
    reply = site.client.post(PATH, json=body, buffered=False)
    pieces: Any = iter(reply.response)
    while len(site.engine.calls) < 2:
        next(pieces)
    site.engine.hung_up.clear()
    reply.close()
    go_on.set()
    assert site.engine.hung_up.wait(PATIENCE_S)
