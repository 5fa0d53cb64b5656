"""The tools of a request, flat as this endpoint has them, and which of them the model may or must call."""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from lms.errors import InvalidRequest, Unsupported
from lms.generation.messages import Tool, ToolChoice
from lms.server.openai.responses.names import visible
from lms.server.requests.fields import NODES_LIMIT, NonEmpty, converted, portable


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


class _Choice(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all choices that are objects."""


class _Named(msgspec.Struct, frozen=True):
    name: NonEmpty


class OneFunction(_Choice, frozen=True, tag="function"):
    """That function. Its name lies one level deeper where somebody writes it as for chat completions."""

    name: str | None = None
    function: _Named | None = None
    namespace: str | None = None


class AllowedTools(_Choice, frozen=True, tag="allowed_tools"):
    """Only some of the tools."""

    mode: Literal["auto", "required"]
    tools: list[OneFunction]


AnyTool = FunctionTool | Namespace
AnyChoice = Literal["none", "auto", "required"] | OneFunction | AllowedTools


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


def toolset(tools: list[dict[str, Any]], choice: object, parallel: bool) -> Toolset:
    """What `tools`, `tool_choice` and `parallel_tool_calls` ask for.

    Raises InvalidRequest naming the field, and Unsupported naming the type of a tool that this server does not have.
    """
    given = [_read(fields, f"tools[{index}]") for index, fields in enumerate(tools)]
    functions = _functions(given)
    offered, wanted = _chosen(functions, _read_choice(choice))
    origins = {name: (namespace, function.name) for name, (namespace, function) in functions.items()}
    return Toolset(
        offered, msgspec.structs.replace(wanted, parallel=parallel), origins, [_shown(tool) for tool in given]
    )


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
        left -= portable(function.parameters, f"{path}.parameters", left)
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


def _read_choice(choice: object) -> AnyChoice:
    if isinstance(choice, dict) and choice.get("type") not in ("function", "allowed_tools"):
        raise Unsupported(
            f"“tool_choice.type” is “{choice.get('type')}”; this server takes “function” and “allowed_tools”.",
            param="tool_choice.type",
        )
    read: AnyChoice = converted(choice or "auto", AnyChoice, "tool_choice")  # type: ignore[arg-type]
    return read


def _chosen(
    functions: dict[str, tuple[str | None, FunctionTool]], choice: AnyChoice
) -> tuple[tuple[Tool, ...], ToolChoice]:
    """The functions that the model gets to see, and whether it has to call one."""
    every = {
        name: Tool(name, function.description, function.parameters, strict=bool(function.strict))
        for name, (_, function) in functions.items()
    }
    match choice:
        case "none":
            return (), ToolChoice()
        case "required":
            return _some(every), ToolChoice(required=True)
        case OneFunction():
            return _some(every), ToolChoice(required=True, name=_known(choice, every, "tool_choice"))
        case AllowedTools():
            named = [_known(each, every, f"tool_choice.tools[{i}]") for i, each in enumerate(choice.tools)]
            allowed = {name: tool for name, tool in every.items() if name in named}
            return _some(allowed), ToolChoice(required=choice.mode == "required")
    return tuple(every.values()), ToolChoice()


def _some(tools: dict[str, Tool]) -> tuple[Tool, ...]:
    if not tools:
        raise InvalidRequest("“tool_choice” asks for a call, and there is no tool to call.", param="tool_choice")
    return tuple(tools.values())


def _known(choice: OneFunction, tools: dict[str, Tool], path: str) -> str:
    """The name by which the model knows the function."""
    name = visible(choice.namespace, choice.function.name if choice.function else choice.name or "")
    if name not in tools:
        raise InvalidRequest(f"“{path}.name” is “{name}”, and none of the tools is called so.", param=f"{path}.name")
    return name


def _shown(tool: AnyTool) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(tool)
    for function in fields["tools"] if isinstance(tool, Namespace) else [fields]:
        function["strict"] = bool(function["strict"])
    return fields
