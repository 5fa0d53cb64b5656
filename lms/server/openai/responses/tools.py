"""The tools of a request, flat as this endpoint has them, and which of them the model may or must call."""

from dataclasses import dataclass
from typing import Any

import msgspec

from lms.errors import InvalidRequest, Unsupported
from lms.generation.messages import Tool, ToolChoice
from lms.server.openai.responses.names import visible
from lms.server.requests.fields import NODES_LIMIT, NonEmpty, converted
from lms.server.requests.tools import Allowed, OneFunction, chosen, size_of_parameters


class _Tool(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all kinds of tools."""


class FunctionTool(_Tool, frozen=True, tag="function"):
    name: NonEmpty
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Namespace(_Tool, frozen=True, tag="namespace"):
    """Functions under a common name, which stands before theirs for the model."""

    name: NonEmpty
    tools: list[FunctionTool]
    description: str | None = None


AnyTool = FunctionTool | Namespace


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
class Toolset:
    """What the model may call.

    origins: the namespace, if any, and the name of each function, by the name that the model knows
    shown: the tools as the response repeats them
    """

    tools: tuple[Tool, ...]
    choice: ToolChoice
    origins: dict[str, tuple[str | None, str]]
    shown: list[dict[str, Any]]


def toolset(tools: list[dict[str, Any]], choice: object, parallel: bool | None) -> Toolset:
    """What `tools`, `tool_choice` and `parallel_tool_calls` ask for.

    Raises InvalidRequest naming the field, and Unsupported naming the type of a tool that this server does not have.
    """
    given = [_read(fields, f"tools[{index}]") for index, fields in enumerate(tools)]
    functions = _functions(given)
    known = {
        name: Tool(name, function.description, function.parameters, strict=bool(function.strict))
        for name, (_, function) in functions.items()
    }
    offered, wanted = chosen(known, choice, parallel, OneFunctionOfAny | AllowedTools)
    origins = {name: (namespace, function.name) for name, (namespace, function) in functions.items()}
    return Toolset(offered, wanted, origins, [_shown(tool) for tool in given])


def _read(fields: dict[str, Any], path: str) -> AnyTool:
    """One tool. Tools of MCP servers, which this server would call itself, are to be read here."""
    kind = fields.get("type")
    if isinstance(kind, str) and kind not in ("function", "namespace"):
        raise Unsupported(
            f"“{path}.type” is “{kind}”; this server takes functions and namespaces of functions.", param=f"{path}.type"
        )
    tool: AnyTool = converted(fields, AnyTool, path)  # type: ignore[arg-type]
    return tool


def _functions(tools: list[AnyTool]) -> dict[str, tuple[str | None, FunctionTool]]:
    """Each function with its namespace, by the name that the model knows. Raises InvalidRequest for one name twice."""
    functions: dict[str, tuple[str | None, FunctionTool]] = {}
    left = NODES_LIMIT
    for path, namespace, function in _flat(tools):
        left -= size_of_parameters(function.parameters, f"{path}.parameters", left)
        name = visible(namespace, function.name)
        if name in functions:
            raise InvalidRequest(f"Two functions go by the name “{name}”.", param=f"{path}.name")
        functions[name] = namespace, function
    return functions


def _flat(tools: list[AnyTool]) -> list[tuple[str, str | None, FunctionTool]]:
    """Every function with its path and its namespace, whose description goes before its own."""
    flat: list[tuple[str, str | None, FunctionTool]] = []
    for index, tool in enumerate(tools):
        path = f"tools[{index}]"
        match tool:
            case FunctionTool():
                flat.append((path, None, tool))
            case Namespace():
                within = [_described(function, tool.description) for function in tool.tools]
                flat += [(f"{path}.tools[{inner}]", tool.name, each) for inner, each in enumerate(within)]
    return flat


def _described(function: FunctionTool, introduction: str | None) -> FunctionTool:
    described = "\n\n".join(filter(None, (introduction, function.description)))
    return msgspec.structs.replace(function, description=described or None)


def _shown(tool: AnyTool) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(tool)
    for function in fields["tools"] if isinstance(tool, Namespace) else [fields]:
        function["strict"] = bool(function["strict"])
    return fields
