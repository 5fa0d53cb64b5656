"""The tools of a request, flat as this endpoint has them, and which of them the model may or must call."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from lms.errors import InvalidRequest, Unsupported
from lms.generation.messages import Tool, ToolChoice
from lms.mcp.protocol import Configured, Ephemeral
from lms.server.openai.responses.names import visible
from lms.server.requests.fields import NODES_LIMIT, NonEmpty, converted, only
from lms.server.requests.tools import Allowed, OneFunction, chosen, size_of_parameters
from lms.server.tools.access import WantedServer


class _Format(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all forms of a custom tool's input."""


class TextFormat(_Format, frozen=True, tag="text"):
    """Whatever the model writes."""


class GrammarFormat(_Format, frozen=True, tag="grammar"):
    syntax: Literal["lark", "regex"]
    definition: NonEmpty


class _Tool(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all kinds of tools."""


class FunctionTool(_Tool, frozen=True, tag="function"):
    name: NonEmpty
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class CustomTool(_Tool, frozen=True, tag="custom"):
    """A tool that takes a text. For the model it is a function with one argument, `input`."""

    name: NonEmpty
    description: str | None = None
    format: TextFormat | GrammarFormat | None = None


class Namespace(_Tool, frozen=True, tag="namespace"):
    """Tools under a common name, which stands before theirs for the model, as does its description."""

    name: NonEmpty
    tools: list[FunctionTool | CustomTool]
    description: str | None = None


class AllowedMcpTools(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """OpenAI's other way to list them. (`read_only` is not known here: servers say that as they like.)"""

    tool_names: list[str] | None = None


class McpTool(_Tool, frozen=True, tag="mcp"):
    """The tools of an MCP server, which this server calls. Without a URL it is the one of that label in `mcp.json`."""

    server_label: NonEmpty
    server_url: NonEmpty | None = None
    server_description: str | None = None
    allowed_tools: list[str] | AllowedMcpTools | None = None
    headers: dict[str, str] | None = None
    authorization: str | None = None
    require_approval: Any = None
    connector_id: Any = None
    tunnel_id: Any = None


T = TypeVar("T")
AnyTool = FunctionTool | CustomTool | Namespace | McpTool
_TAGS = ("function", "custom", "namespace", "mcp")
# What Codex asks for of its own accord.
_SEARCHES = ("web_search", "web_search_preview")
# Choices that leave all tools to the model. Others name functions, or none.
_ANY_TOOL = (None, "auto", "required")


class OneFunctionOfAny(OneFunction, frozen=True, tag="function"):
    """A function, in a namespace or outside of any."""

    namespace: str | None = None

    @property
    def known_as(self) -> str:
        return visible(self.namespace, super().known_as)


class AllowedTools(Allowed, frozen=True, tag_field="type", tag="allowed_tools"):
    """As for chats, one level higher."""

    tools: tuple[OneFunctionOfAny, ...]


@dataclass(frozen=True)
class Origin:
    """What the request calls a function that the model knows."""

    namespace: str | None
    name: str
    is_custom: bool = False


@dataclass(frozen=True)
class Toolset:
    """What the model may call.

    origins: by the names that the model knows
    shown: the tools as the response repeats them
    servers: MCP servers whose tools the model may call as well
    """

    tools: tuple[Tool, ...]
    choice: ToolChoice
    origins: dict[str, Origin]
    shown: list[dict[str, Any]]
    servers: tuple[WantedServer, ...] = ()


@dataclass(frozen=True)
class _Offer:
    """One function for the model, and where it stands in the request."""

    path: str
    origin: Origin
    tool: Tool


def toolset(tools: list[dict[str, Any]], choice: object, parallel: bool | None) -> Toolset:
    """What `tools`, `tool_choice` and `parallel_tool_calls` ask for.

    Raises InvalidRequest naming the field, and Unsupported naming the type of a tool that this server does not have.
    """
    given = [_read(fields, f"tools[{index}]") for index, fields in enumerate(tools)]
    offers = _by_name(_offers(given))
    known = {name: offer.tool for name, offer in offers.items()}
    servers = tuple(_server(tool, f"tools[{index}]") for index, tool in enumerate(given) if isinstance(tool, McpTool))
    offered, wanted = _chosen(known, choice, parallel, bool(servers))
    origins = {name: offer.origin for name, offer in offers.items()}
    shown = [msgspec.to_builtins(_filled(tool)) for tool in given]
    return Toolset(offered, wanted, origins, shown, servers if choice in _ANY_TOOL else ())


def _chosen(
    known: dict[str, Tool], choice: object, parallel: bool | None, with_servers: bool
) -> tuple[tuple[Tool, ...], ToolChoice]:
    """The functions that the model may call. MCP servers have some to call as well, which are not known yet."""
    if choice == "required" and with_servers:
        offered, wanted = chosen(known, "auto", parallel)
        return offered, msgspec.structs.replace(wanted, required=True)
    return chosen(known, _of_functions(choice), parallel, OneFunctionOfAny | AllowedTools)


def _server(tool: McpTool, path: str) -> WantedServer:
    """Raises Unsupported naming the field that asks for what this server cannot do."""
    only(tool.connector_id, (None,), f"{path}.connector_id")
    only(tool.tunnel_id, (None,), f"{path}.tunnel_id")
    if tool.require_approval not in (None, "never"):
        raise Unsupported(
            f"“{path}.require_approval” asks for approvals, and this server makes every call of an MCP tool at once.",
            hint="Set it to “never”, and list the tools that may be called in “allowed_tools”.",
            param=f"{path}.require_approval",
        )
    names = tool.allowed_tools.tool_names if isinstance(tool.allowed_tools, AllowedMcpTools) else tool.allowed_tools
    allowed = None if names is None else frozenset(names)
    if tool.server_url is None:
        title = f"local MCP server '{tool.server_label}'"
        return WantedServer(tool.server_label, Configured(), allowed, path, "local MCP server", title)
    bearer = {"Authorization": f"Bearer {tool.authorization}"} if tool.authorization else {}
    server = Ephemeral(tool.server_url, (tool.headers or {}) | bearer)
    title = f"MCP server '{tool.server_label}'"
    return WantedServer(tool.server_label, server, allowed, path, "per-request MCP server", title)


def _read(fields: dict[str, Any], path: str) -> AnyTool:
    """One tool."""
    kind = fields.get("type")
    if isinstance(kind, str) and kind not in _TAGS:
        raise Unsupported(
            f"“{path}.type” is “{kind}”; this server takes functions, custom tools, namespaces and “mcp”.",
            hint="Leave it out." if kind not in _SEARCHES else 'Leave it out (Codex: web_search = "disabled").',
            param=f"{path}.type",
        )
    tool: AnyTool = converted(fields, AnyTool, path)  # type: ignore[arg-type]
    return tool


def _offers(tools: list[AnyTool]) -> Iterator[_Offer]:
    for index, tool in enumerate(tools):
        path = f"tools[{index}]"
        if isinstance(tool, McpTool):
            continue
        if isinstance(tool, Namespace):
            yield from (_offer(each, f"{path}.tools[{inner}]", tool) for inner, each in enumerate(tool.tools))
        else:
            yield _offer(tool, path)


def _offer(tool: FunctionTool | CustomTool, path: str, within: Namespace | None = None) -> _Offer:
    origin = Origin(within.name if within else None, tool.name, isinstance(tool, CustomTool))
    name = visible(origin.namespace, origin.name)
    description = "\n\n".join(filter(None, (within.description if within else None, tool.description))) or None
    if isinstance(tool, CustomTool):
        return _Offer(path, origin, Tool(name, description, _of_input(tool, path), strict=True))
    return _Offer(path, origin, Tool(name, description, tool.parameters, strict=bool(tool.strict)))


def _of_input(tool: CustomTool, path: str) -> dict[str, Any]:
    """The parameters of the function that a custom tool is. Raises Unsupported for what JSON Schema cannot say."""
    text: dict[str, Any] = {"type": "string"}
    if isinstance(tool.format, GrammarFormat):
        if tool.format.syntax != "regex":
            raise Unsupported(
                f"“{path}.format.syntax” is “lark”; this server enforces regular expressions in a tool's input.",
                param=f"{path}.format.syntax",
            )
        text["pattern"] = f"^(?:{tool.format.definition})$"
    return {"type": "object", "properties": {"input": text}, "required": ["input"], "additionalProperties": False}


def _by_name(offers: Iterator[_Offer]) -> dict[str, _Offer]:
    """The offers by the names that the model knows. Raises InvalidRequest for one name twice."""
    named: dict[str, _Offer] = {}
    left = NODES_LIMIT
    for offer in offers:
        left -= size_of_parameters(offer.tool.parameters, f"{offer.path}.parameters", left)
        if offer.tool.name in named:
            raise InvalidRequest(f"Two functions go by the name “{offer.tool.name}”.", param=f"{offer.path}.name")
        named[offer.tool.name] = offer
    return named


def _filled(tool: T) -> T:
    """The tool with what it leaves open."""
    match tool:
        case FunctionTool():
            return msgspec.structs.replace(tool, strict=bool(tool.strict))
        case CustomTool():
            return msgspec.structs.replace(tool, format=tool.format or TextFormat())
        case Namespace():
            return msgspec.structs.replace(tool, tools=[_filled(each) for each in tool.tools])
        case McpTool():  # what may be secret is not repeated
            return msgspec.structs.replace(tool, headers=None, authorization=None, require_approval="never")
    return tool


def _of_functions(choice: object) -> object:
    """A choice in which custom tools are functions, which they are for the model."""
    if not isinstance(choice, dict):
        return choice
    kind = {"type": "function"} if choice.get("type") == "custom" else {}
    tools = choice.get("tools")
    return choice | kind | ({"tools": [_of_functions(tool) for tool in tools]} if isinstance(tools, list) else {})
