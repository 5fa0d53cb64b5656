"""Tools of MCP servers on `/v1/responses`: a scripted engine, real servers."""

from typing import Any

import pytest
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from lms.generation.messages import Message, ToolCall, ToolChoice
from lms.generation.request import ChatPrompt, GenerateRequest
from tests.server.conftest import Site, chunks_of
from tests.server.tools.rounds import calls

PATH = "/v1/responses"
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}}
EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def hub_of(url: str, **fields: Any) -> dict[str, Any]:
    return {"type": "mcp", "server_label": "hub", "server_url": url} | fields


def create(site: Site, *tools: Any, said: Any = "Hi", **fields: Any) -> Any:
    return site.post(PATH, model="tiny-chat", input=said, tools=list(tools), **fields).json


def streamed(site: Site, *tools: Any, **fields: Any) -> list[Any]:
    return chunks_of(site.post(PATH, model="tiny-chat", input="Hi", stream=True, tools=list(tools), **fields).data)


def requests(site: Site) -> list[GenerateRequest]:
    return [call.request for call in site.engine.calls if isinstance(call.request, GenerateRequest)]


def messages(site: Site) -> tuple[Message, ...]:
    prompt = requests(site)[-1].prompt
    assert isinstance(prompt, ChatPrompt)
    return prompt.messages


def offered(request: GenerateRequest) -> list[str]:
    assert isinstance(request.prompt, ChatPrompt)
    return [tool.name for tool in request.prompt.tools]


def test_a_call_is_an_item_with_its_output(site: Site, hub: str) -> None:
    site.engine.first = [calls(("add", '{"a": 1, "b": 2}'))]
    response = create(site, hub_of(hub, allowed_tools=["add"]))
    listed, called, said = response["output"]
    assert (listed["type"], listed["server_label"]) == ("mcp_list_tools", "hub")
    assert [(tool["name"], tool["description"]) for tool in listed["tools"]] == [("add", "Add two numbers.")]
    assert called | {"id": ""} == {
        "id": "",
        "type": "mcp_call",
        "server_label": "hub",
        "name": "add",
        "arguments": '{"a": 1, "b": 2}',
        "output": "3",
        "error": None,
        "approval_request_id": None,
        "status": "completed",
    }
    assert said["content"][0]["text"] == "Hello"
    assert response["usage"]["input_tokens"] == 10 + 7
    assert messages(site)[1:] == (
        Message("assistant", tool_calls=(ToolCall("call_016", "add", '{"a": 1, "b": 2}'),)),
        Message("tool", "3", tool_call_id="call_016", name="add"),
    )


def test_a_stream_tells_each_step(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a"}'), ("fail", "{}"))]
    events = streamed(site, hub_of(hub))
    mcp = [(event["type"], event["output_index"]) for event in events if "mcp" in event["type"]]
    assert mcp == [
        ("response.mcp_list_tools.in_progress", 0),
        ("response.mcp_list_tools.completed", 0),
        ("response.mcp_call.in_progress", 1),
        ("response.mcp_call_arguments.delta", 1),
        ("response.mcp_call_arguments.done", 1),
        ("response.mcp_call.in_progress", 2),
        ("response.mcp_call_arguments.delta", 2),
        ("response.mcp_call_arguments.done", 2),
        ("response.mcp_call.completed", 1),
        ("response.mcp_call.failed", 2),
    ]
    items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert items == events[-1]["response"]["output"]
    assert [item.get("status") for item in items] == [None, "completed", "failed", "completed"]


def test_the_official_types_read_every_event(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a"}'), ("fail", "{}"), ("add", '{"a": 1}'))]
    for event in streamed(site, hub_of(hub)):
        EVENTS.validate_python(event)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (("fail", "{}"), "mcp_tool_execution_error"),
        (("add", "{}"), "mcp_protocol_error"),
        (("add", "nonsense"), "mcp_protocol_error"),
    ],
)
def test_what_goes_wrong_is_an_error_that_the_next_response_knows_of(
    site: Site, hub: str, call: tuple[str, str], kind: str
) -> None:
    site.engine.first = [calls(call)]
    response = create(site, hub_of(hub))
    called = response["output"][1]
    assert (called["status"], called["output"], called["error"]["type"]) == ("failed", None, kind)
    told = messages(site)[2].content
    create(site, previous_response_id=response["id"])
    assert str(told).startswith("Error: ")
    assert messages(site)[2].content == told


def test_a_conversation_that_the_client_keeps_holds_the_calls(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a"}'))]
    output = create(site, hub_of(hub), store=False)["output"]
    create(site, said=[{"role": "user", "content": "Hi"}, *output, {"role": "user", "content": "More"}])
    assert [(message.role, message.content) for message in messages(site)] == [
        ("user", "Hi"),
        ("assistant", ""),
        ("tool", "a"),
        ("assistant", "Hello"),
        ("user", "More"),
    ]


def test_a_call_of_a_function_ends_the_response_when_the_others_are_made(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a"}'), ("look", "{}"))]
    response = create(site, LOOK, hub_of(hub))
    assert [item["type"] for item in response["output"]] == ["mcp_list_tools", "mcp_call", "function_call"]
    assert (response["output"][1]["output"], response["status"], len(site.engine.calls)) == ("a", "completed", 1)


def test_a_function_and_a_tool_of_one_name_are_told_apart(site: Site, hub: str) -> None:
    create(site, LOOK | {"name": "echo"}, hub_of(hub, allowed_tools=["echo"]))
    assert offered(requests(site)[0]) == ["echo", "hub__echo"]


def test_no_more_calls_are_made_than_are_wanted(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a"}'), ("echo", '{"text": "b"}'))]
    response = create(site, LOOK, hub_of(hub), max_tool_calls=1)
    assert [item.get("output") for item in response["output"]] == [None, "a", None, None]
    assert response["output"][2]["status"] == "failed"
    assert offered(requests(site)[1]) == ["look"]


def test_what_has_to_be_called_is_called_in_the_first_round_only(site: Site, hub: str) -> None:
    site.engine.first = [calls(("echo", '{"text": "a"}'))]
    create(site, hub_of(hub), tool_choice="required", parallel_tool_calls=False)
    assert [request.tool_choice for request in requests(site)] == [
        ToolChoice(required=True, parallel=False),
        ToolChoice(parallel=False),
    ]


def test_a_required_call_without_a_tool_is_refused(site: Site, hub: str) -> None:
    reply = site.post(
        PATH, model="tiny-chat", input="Hi", tools=[hub_of(hub, allowed_tools=[])], tool_choice="required"
    )
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "tool_choice")


def test_a_call_that_was_cut_off_is_not_made(site: Site, hub: str) -> None:
    cut = calls(("echo", '{"text": "a"}'), ("echo", '{"te'), reason="maxPredictedTokensReached")
    site.engine.first = [cut, cut]
    for response in (create(site, hub_of(hub)), streamed(site, hub_of(hub))[-1]["response"]):
        assert (response["status"], len(response["output"])) == ("incomplete", 3)
        assert [item["status"] for item in response["output"][1:]] == ["incomplete"] * 2
    assert len(site.engine.calls) == 2


def test_a_server_that_is_not_there_is_an_error_with_a_status(site: Site) -> None:
    for stream in (False, True):
        reply = site.post(PATH, model="tiny-chat", input="Hi", stream=stream, tools=[hub_of("http://127.0.0.1:1/mcp")])
        error = reply.json["error"]
        assert (reply.status_code, error["code"], error["param"]) == (424, "mcp_connection_error", "tools[0]")


def test_a_stream_that_fails_in_a_later_round_keeps_what_was_called(site: Site, hub: str) -> None:
    site.engine.script = calls(("echo", '{"text": "a"}'))
    failed = streamed(site, hub_of(hub))[-1]
    assert (failed["type"], failed["response"]["error"]["code"]) == ("response.failed", "too_many_tool_calls")
    assert failed["response"]["output"][1]["output"] == "a"


def test_tools_count_as_tokens_of_the_input(site: Site, hub: str) -> None:
    site.post(f"{PATH}/input_tokens", model="tiny-chat", input="Hi", tools=[hub_of(hub, allowed_tools=["echo"])])
    prompt: Any = site.engine.calls[0].request.prompt  # type: ignore[union-attr]
    assert [tool.name for tool in prompt.tools] == ["echo"]
