"""The tools of a Messages request, and whether the model is to use one."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from lms.errors import InvalidRequest, MissingParameter, Unsupported
from lms.generation.messages import Tool, ToolChoice
from lms.server.requests.fields import NODES_LIMIT, NonEmpty, only
from lms.server.requests.tools import Toolset, size_of_parameters


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool of the client's, or with another `type` one that Anthropic's servers run or its models were trained on."""

    name: NonEmpty | None = None
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None
    input_examples: list[Any] | None = None


class _Choice(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all choices."""


class Auto(_Choice, frozen=True, tag="auto"):
    disable_parallel_tool_use: bool = False


class AnyOne(_Choice, frozen=True, tag="any"):
    disable_parallel_tool_use: bool = False


class Named(_Choice, frozen=True, tag="tool"):
    name: str
    disable_parallel_tool_use: bool = False


class NoTool(_Choice, frozen=True, tag="none"):
    """The model is not told of any."""


AnyChoice = Auto | AnyOne | Named | NoTool


def toolset(specs: Sequence[ToolSpec] | None, choice: AnyChoice | None) -> Toolset:
    """What `tools` and `tool_choice` ask for.

    Raises Unsupported naming a tool that is not the client's own, and InvalidRequest for a schema that is none of an
    object or cannot travel to an engine, a name that two tools have, or a choice of what there is not.
    """
    tools: dict[str, Tool] = {}
    left = NODES_LIMIT
    for index, spec in enumerate(specs or ()):
        path = f"tools[{index}]"
        _check(spec, path)
        name = _name(spec, path)
        left -= size_of_parameters(spec.input_schema, f"{path}.input_schema", left)
        if name in tools:
            raise InvalidRequest(f"Two tools go by the name “{name}”.", param=f"{path}.name")
        tools[name] = Tool(name, spec.description, spec.input_schema, strict=bool(spec.strict))
    return Toolset(() if isinstance(choice, NoTool) else tuple(tools.values()), _choice(choice, tools))


def _choice(choice: AnyChoice | None, names: Collection[str]) -> ToolChoice:
    match choice:
        case None | NoTool():
            return ToolChoice()
        case Auto(alone):
            return ToolChoice(parallel=not alone)
        case AnyOne(alone) if names:
            return ToolChoice(required=True, parallel=not alone)
        case Named(name, alone) if name in names:
            return ToolChoice(required=True, name=name, parallel=not alone)
        case Named(name):
            raise InvalidRequest(f"“tool_choice.name”: no tool is called “{name}”.", param="tool_choice.name")
    raise InvalidRequest("“tool_choice” asks for a tool, and there are none.", param="tool_choice")


def _name(spec: ToolSpec, path: str) -> str:
    if spec.name is None:
        raise MissingParameter(f"“{path}.name” is required.", param=f"{path}.name")
    return spec.name


def _check(spec: ToolSpec, path: str) -> None:
    if spec.type not in (None, "custom"):
        raise Unsupported(
            f"“{path}” is Anthropic's own tool “{spec.type}”, which this server does not have.",
            hint="Give it a name, a description and an input_schema to have a client's own tool.",
            param=f"{path}.type",
        )
    if spec.input_schema is None:
        raise InvalidRequest(f"“{path}.input_schema” is required.", param=f"{path}.input_schema")
    only(spec.defer_loading, (None, False), f"{path}.defer_loading")
    only(spec.allowed_callers, (None, ["direct"]), f"{path}.allowed_callers")
    only(spec.input_examples, (None, []), f"{path}.input_examples")
