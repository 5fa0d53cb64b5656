"""What a Messages body asks for beyond the cases, and what is refused by name."""

import base64
from typing import Any

import pytest

from lms.generation.constraint import JsonSchema
from lms.generation.events import WasRead
from lms.generation.messages import Image, Message, Text, ToolCall, ToolChoice
from lms.generation.request import GenerateRequest
from tests.server.conftest import MakeSite, Site

PNG = b"\x89PNG\r\n\x1a\n and so on"
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOL = {"name": "look", "input_schema": {"type": "object"}}
ANSWERED = {"role": "assistant", "content": "Yes."}


def asked(site: Site, **fields: Any) -> GenerateRequest:
    """What the engine gets for such a body."""
    reply = site.post("/v1/messages", **body(**fields))
    assert reply.status_code == 200, reply.json
    request = site.engine.calls[0].request
    assert isinstance(request, GenerateRequest)
    return request


def messages(site: Site, **fields: Any) -> tuple[Message, ...]:
    return asked(site, **fields).prompt.messages  # type: ignore[union-attr]


def refused(site: Site, **fields: Any) -> str:
    """The message of the refusal, nothing of which reached an engine."""
    reply = site.post("/v1/messages", **body(**fields))
    assert (reply.status_code, reply.json["error"]["type"]) == (400, "invalid_request_error")
    assert site.engine.calls == []
    return str(reply.json["error"]["message"])


def body(**fields: Any) -> dict[str, Any]:
    whole = {"model": "tiny-chat", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]} | fields
    return {name: value for name, value in whole.items() if value is not ...}


def image(**source: str) -> list[Any]:
    return [{"role": "user", "content": [{"type": "text", "text": "Look:"}, {"type": "image", "source": source}]}]


@pytest.mark.parametrize("field", ["model", "messages", "max_tokens"])
def test_a_required_field_is_named(site: Site, field: str) -> None:
    assert field in refused(site, **{field: ...})


@pytest.mark.parametrize("header", ["x-anthropic-billing-header: cch=1;", "x-anthropic-billing-header: cch=2;\n\n"])
@pytest.mark.parametrize("system", ["You are an agent.", "You are\nan agent."])
def test_a_billing_header_is_no_part_of_the_prompt(site: Site, header: str, system: str) -> None:
    blocks = [{"type": "text", "text": header}, {"type": "text", "text": system}]
    assert messages(site, system=blocks)[0] == Message("system", system)


def test_a_billing_header_is_cut_off_a_system_prompt_that_is_one_text(site: Site) -> None:
    system = "x-anthropic-billing-header: cc_version=2; cch=77;\nYou are an agent."
    assert messages(site, system=system)[0] == Message("system", "You are an agent.")


def test_a_system_prompt_of_nothing_is_none(site: Site) -> None:
    assert [message.role for message in messages(site, system="")] == ["user"]


def test_a_system_message_at_the_beginning_goes_on_where_the_system_prompt_ends(site: Site) -> None:
    turns = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
    assert messages(site, system="Be brief.", messages=turns)[0] == Message("system", "Be brief.\nBe kind.")


def test_a_picture_is_a_part_of_the_message(site: Site) -> None:
    encoded = base64.b64encode(PNG).decode()
    (message,) = messages(site, messages=image(type="base64", media_type="image/png", data=encoded))
    assert message.content == (Text("Look:"), Image(PNG, "messages[0].content[1].source.data"))


def test_a_picture_in_a_tools_result_is_a_part_of_it(site: Site) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": source}]}
    (message,) = messages(site, messages=[{"role": "user", "content": [result]}])
    assert (message.role, message.tool_call_id) == ("tool", "t")
    assert message.content == (Image(PNG, "messages[0].content[0].content[0].source.data"),)


def test_a_picture_elsewhere_is_refused(site: Site) -> None:
    assert "messages[0].content[1].source.url" in refused(
        site, messages=image(type="url", url="https://example.com/cat.png")
    )


def test_an_empty_result_of_a_tool_is_an_empty_message(site: Site) -> None:
    turn = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]}
    assert messages(site, messages=[turn]) == (Message("tool", "", tool_call_id="t"),)


@pytest.mark.parametrize("kind", ["document", "search_result", "redacted_thinking", "server_tool_use"])
def test_a_block_that_no_model_here_can_read_is_refused_by_name(site: Site, kind: str) -> None:
    message = refused(site, messages=[{"role": "user", "content": [{"type": kind}]}])
    assert "messages[0].content[0]" in message
    assert kind in message


def test_an_answer_cannot_be_continued(site: Site) -> None:
    assert "messages" in refused(site, messages=[{"role": "user", "content": "Hi"}, ANSWERED])


def test_a_conversation_that_ends_with_an_answer_can_be_counted(make_site: MakeSite) -> None:
    site = make_site([(WasRead("", (1, 2)),)])
    assert site.post("/v1/messages/count_tokens", **body(messages=[ANSWERED])).json == {"input_tokens": 2}


def test_turns_of_one_role_that_follow_each_other_are_one(site: Site) -> None:
    call = {"type": "tool_use", "id": "c", "name": "look", "input": {}}
    turns = [
        {"role": "user", "content": "One"},
        {"role": "user", "content": [{"type": "text", "text": "two"}]},
        ANSWERED,
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": "three"},
    ]
    assert messages(site, messages=turns) == (
        Message("user", "One\ntwo"),
        Message("assistant", "Yes.", (ToolCall("c", "look", "{}"),)),
        Message("user", "three"),
    )


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ({"type": "auto"}, ToolChoice()),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice(parallel=False)),
        ({"type": "any"}, ToolChoice(required=True)),
        ({"type": "tool", "name": "look"}, ToolChoice(required=True, name="look")),
        (
            {"type": "tool", "name": "look", "disable_parallel_tool_use": True},
            ToolChoice(required=True, name="look", parallel=False),
        ),
    ],
)
def test_every_form_of_tool_choice_reaches_the_engine(site: Site, choice: Any, wanted: ToolChoice) -> None:
    request = asked(site, tools=[TOOL], tool_choice=choice)
    assert request.tool_choice == wanted
    assert [tool.name for tool in request.prompt.tools] == ["look"]  # type: ignore[union-attr]


def test_a_strict_tool_reaches_the_engine_as_one(site: Site) -> None:
    (tool,) = asked(site, tools=[TOOL | {"strict": True}]).prompt.tools  # type: ignore[union-attr]
    assert tool.strict


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "listen"}}, "listen"),
        ({"tools": [TOOL], "tool_choice": {"type": "sometimes"}}, "tool_choice"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web_search_20250305"),
        ({"tools": [TOOL, {"type": "bash_20250124", "name": "bash"}]}, "tools[1]"),
        ({"tools": [{"name": "look"}]}, "tools[0].input_schema"),
        ({"tools": [{"input_schema": {"type": "object"}}]}, "tools[0].name"),
        ({"tools": [{"type": "mcp_toolset", "mcp_server_name": "files"}]}, "mcp_toolset"),
        ({"tools": [{"name": "look", "input_schema": {"type": "array"}}]}, "tools[0].input_schema.type"),
        ({"tools": [TOOL, TOOL]}, "tools[1].name"),
        ({"tools": [TOOL | {"defer_loading": True}]}, "tools[0].defer_loading"),
        ({"tools": [TOOL | {"allowed_callers": ["code_execution_20250825"]}]}, "tools[0].allowed_callers"),
        ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "thinking.budget_tokens"),
        ({"thinking": {"type": "enabled"}}, "budget_tokens"),
        ({"thinking": {"type": "between_tools"}}, "thinking"),
        ({"mcp_servers": [{"type": "url", "url": "https://example.com", "name": "x"}]}, "mcp_servers"),
        ({"container": "container_1"}, "container"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop_sequences": [""]}, "stop_sequences"),
        ({"messages": []}, "messages"),
        ({"output_config": {"effort": "none"}}, "effort"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(site: Site, fields: Any, named: str) -> None:
    assert named in refused(site, **fields)


@pytest.mark.parametrize(
    ("thinking", "switch"),
    [({"type": "disabled"}, False), ({"type": "adaptive"}, True), ({"type": "enabled", "budget_tokens": 5}, True)],
)
def test_thinking_is_switched_by_the_template(site: Site, thinking: Any, switch: bool) -> None:
    request = asked(site, thinking=thinking)
    assert request.prompt.template_variables == {"enable_thinking": switch}  # type: ignore[union-attr]
    assert request.reasoning_budget == thinking.get("budget_tokens")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}, "output_config.format.schema"),
        ({"output_format": {"type": "json_schema", "schema": SCHEMA}}, "output_format.schema"),
    ],
)
def test_a_format_is_a_constraint(site: Site, fields: Any, param: str) -> None:
    assert asked(site, **fields).constraint == JsonSchema(SCHEMA, param)


def test_what_becomes_of_a_conversation_too_long_can_be_said_here_too(site: Site) -> None:
    assert asked(site, context_overflow_policy="truncateMiddle").overflow == "truncateMiddle"


def test_headers_and_keys_of_betas_are_tolerated(site: Site) -> None:
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "context-management-2025-06-27", "x-api-key": "any"}
    fields = body(metadata={"user_id": None}, speed="fast", cache_control={"type": "ephemeral"}, something_new=1)
    assert site.client.post("/v1/messages?beta=true", json=fields, headers=headers).status_code == 200
