"""Tools and the choice among them, from the body's fields to what the engine gets."""

from typing import Any

import pytest

from lms.errors import InvalidRequest, LmsError, UnknownParameter, Unsupported
from lms.generation.messages import Tool, ToolChoice
from lms.mcp.protocol import Configured, Ephemeral
from lms.server.openai.responses.tools import Origin, Toolset, toolset

LOOK = {"type": "function", "name": "look", "description": "Look.", "parameters": {"type": "object"}}
WAIT = {"type": "function", "name": "wait", "strict": True}
CRM = {"type": "namespace", "name": "crm", "description": "Customers.", "tools": [LOOK, WAIT]}


PATCH = {"type": "custom", "name": "patch", "description": "Change files."}
HUB = {"type": "mcp", "server_label": "hub", "server_url": "http://10.0.0.1/mcp"}


def asked(choice: object = None, tools: list[dict[str, Any]] | None = None, parallel: bool = True) -> Toolset:
    return toolset([LOOK, WAIT] if tools is None else tools, choice, parallel)


def test_functions_are_offered_as_they_are() -> None:
    offered = asked().tools
    assert offered == (Tool("look", "Look.", {"type": "object"}), Tool("wait", strict=True))


def test_they_are_shown_with_every_field() -> None:
    assert asked().shown == [LOOK | {"strict": False}, WAIT | {"description": None, "parameters": None}]


@pytest.mark.parametrize(
    ("choice", "offered", "wanted"),
    [
        (None, ["look", "wait"], ToolChoice()),
        ("auto", ["look", "wait"], ToolChoice()),
        ("none", [], ToolChoice()),
        ("required", ["look", "wait"], ToolChoice(required=True)),
        ({"type": "function", "name": "wait"}, ["look", "wait"], ToolChoice(required=True, name="wait")),
        (
            {"type": "function", "function": {"name": "wait"}},
            ["look", "wait"],
            ToolChoice(required=True, name="wait"),
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "wait"}]},
            ["wait"],
            ToolChoice(),
        ),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "wait"}]},
            ["wait"],
            ToolChoice(required=True),
        ),
    ],
    ids=str,
)
def test_the_choice_decides_what_is_offered_and_required(
    choice: object, offered: list[str], wanted: ToolChoice
) -> None:
    chosen = asked(choice)
    assert ([tool.name for tool in chosen.tools], chosen.choice) == (offered, wanted)


def test_calls_one_at_a_time_can_be_asked_for() -> None:
    assert asked(parallel=False).choice == ToolChoice(parallel=False)


def test_functions_of_a_namespace_go_by_both_names_and_have_its_description() -> None:
    within = asked(tools=[CRM, WAIT])
    assert [(tool.name, tool.description) for tool in within.tools] == [
        ("crm__look", "Customers.\n\nLook."),
        ("crm__wait", "Customers."),
        ("wait", None),
    ]
    assert within.origins["crm__look"] == Origin("crm", "look")
    assert within.origins["wait"] == Origin(None, "wait")
    assert within.shown[0]["tools"][1] == WAIT | {"description": None, "parameters": None}


def test_a_namespace_that_ends_in_underscores_needs_no_more_of_them() -> None:
    (tool, _) = asked(tools=[CRM | {"name": "mcp__files__"}]).tools
    assert tool.name == "mcp__files__look"


def test_a_function_of_a_namespace_can_be_required() -> None:
    chosen = asked({"type": "function", "namespace": "crm", "name": "look"}, [CRM])
    assert chosen.choice == ToolChoice(required=True, name="crm__look")


def input_of(tool: Tool) -> Any:
    """The schema of the one argument that a custom tool has."""
    assert tool.parameters
    assert (tool.strict, tool.parameters["required"]) == (True, ["input"])
    return tool.parameters["properties"]["input"]


def test_a_custom_tool_is_a_function_of_one_text() -> None:
    custom = asked(tools=[PATCH])
    (tool,) = custom.tools
    assert (tool.name, tool.description, input_of(tool)) == ("patch", "Change files.", {"type": "string"})
    assert custom.origins == {"patch": Origin(None, "patch", is_custom=True)}
    assert custom.shown == [PATCH | {"format": {"type": "text"}}]


def test_the_regular_expression_of_a_custom_tool_is_enforced_as_a_whole() -> None:
    form = {"type": "grammar", "syntax": "regex", "definition": "a|b"}
    (tool,) = asked(tools=[PATCH | {"format": form}]).tools
    assert input_of(tool) == {"type": "string", "pattern": "^(?:a|b)$"}


def test_a_namespace_may_have_custom_tools() -> None:
    within = asked(tools=[CRM | {"tools": [PATCH]}])
    assert within.origins == {"crm__patch": Origin("crm", "patch", is_custom=True)}


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ({"type": "custom", "name": "patch"}, ToolChoice(required=True, name="patch")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "patch"}]},
            ToolChoice(required=True),
        ),
    ],
    ids=["by name", "allowed"],
)
def test_a_custom_tool_can_be_chosen(choice: object, wanted: ToolChoice) -> None:
    assert asked(choice, [PATCH]).choice == wanted


def test_an_mcp_server_is_wanted_with_what_it_is_sent() -> None:
    secret = HUB | {"headers": {"x-a": "b"}, "authorization": "key", "allowed_tools": ["read"]}
    (server,) = asked(tools=[LOOK, secret]).servers
    assert server.server == Ephemeral("http://10.0.0.1/mcp", {"x-a": "b", "Authorization": "Bearer key"})
    assert (server.label, server.allowed, server.param) == ("hub", frozenset({"read"}), "tools[1]")


def test_what_an_mcp_server_is_sent_is_not_shown() -> None:
    (shown,) = asked(tools=[HUB | {"headers": {"x-a": "b"}, "authorization": "key"}]).shown
    assert (shown["server_label"], shown["headers"], shown["authorization"]) == ("hub", None, None)


def test_an_mcp_server_without_a_url_is_one_of_mcp_json() -> None:
    (server,) = asked(tools=[{"type": "mcp", "server_label": "files"}]).servers
    assert (server.server, server.label) == (Configured(), "files")


def test_tools_may_be_allowed_in_an_object() -> None:
    (server,) = asked(tools=[HUB | {"allowed_tools": {"tool_names": ["read"]}, "require_approval": "never"}]).servers
    assert server.allowed == frozenset({"read"})


def test_a_call_may_be_required_where_only_an_mcp_server_has_tools() -> None:
    offered = asked("required", [HUB])
    assert (offered.tools, offered.choice, len(offered.servers)) == ((), ToolChoice(required=True), 1)


@pytest.mark.parametrize("choice", ["none", {"type": "function", "name": "look"}])
def test_a_choice_without_mcp_tools_asks_no_server(choice: object) -> None:
    assert asked(choice, [LOOK, HUB]).servers == ()


@pytest.mark.parametrize(
    ("tools", "choice", "kind", "param"),
    [
        ([{"type": "file_search"}], None, Unsupported, "tools[0].type"),
        ([HUB | {"require_approval": "always"}], None, Unsupported, "tools[0].require_approval"),
        ([HUB | {"connector_id": "connector_gmail"}], None, Unsupported, "tools[0].connector_id"),
        ([HUB | {"allowed_tools": {"read_only": True}}], None, UnknownParameter, "tools[0].allowed_tools.read_only"),
        ([LOOK, {"type": "custom"}], None, InvalidRequest, "tools[1].name"),
        (
            [PATCH | {"format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}}],
            None,
            Unsupported,
            "tools[0].format.syntax",
        ),
        ([PATCH | {"name": "look"}, LOOK], None, InvalidRequest, "tools[1].name"),
        ([{"type": "web_search"}], None, Unsupported, "tools[0].type"),
        ([{}], None, InvalidRequest, "tools[0].type"),
        ([{"type": "function"}], None, InvalidRequest, "tools[0].name"),
        ([LOOK | {"parameters": 3}], None, InvalidRequest, "tools[0].parameters"),
        ([LOOK, LOOK], None, InvalidRequest, "tools[1].name"),
        ([CRM | {"tools": [{"type": "mcp"}]}], None, InvalidRequest, "tools[0].tools[0].type"),
        ([LOOK | {"parameters": {"enum": [0] * 100_000}}], None, InvalidRequest, "tools[0].parameters"),
        ([], "required", InvalidRequest, "tool_choice"),
        ([LOOK], "sometimes", InvalidRequest, "tool_choice"),
        ([LOOK], {"type": "function", "name": "sing"}, InvalidRequest, "tool_choice.name"),
        ([LOOK], {"type": "function"}, InvalidRequest, "tool_choice.name"),
        ([LOOK], {"type": "mcp", "server_label": "a"}, Unsupported, "tool_choice.type"),
        ([LOOK], {"type": "allowed_tools", "mode": "auto", "tools": []}, InvalidRequest, "tool_choice"),
        (
            [LOOK],
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "sing"}]},
            InvalidRequest,
            "tool_choice.tools[0].name",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_honoured_is_refused_by_its_path(
    tools: list[dict[str, Any]], choice: object, kind: type[LmsError], param: str
) -> None:
    with pytest.raises(kind) as caught:
        asked(choice, tools)
    assert caught.value.param == param
