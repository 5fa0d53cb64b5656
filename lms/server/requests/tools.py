"""The tools of a chat body, and which of them the model may or must call."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from lms.errors import InvalidRequest, MissingParameter, Unsupported
from lms.generation.messages import Tool, ToolChoice
from lms.server.requests.fields import NODES_LIMIT, NonEmpty, converted, portable


class FunctionSpec(msgspec.Struct, frozen=True):
    name: NonEmpty
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class ToolSpec(msgspec.Struct, frozen=True):
    """A function, or with another `type` what OpenAI's servers would run."""

    type: str = "function"
    function: FunctionSpec | None = None


class _Choice(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all choices that are objects."""


class _Named(msgspec.Struct, frozen=True):
    name: NonEmpty


class OneFunction(_Choice, frozen=True, tag="function"):
    """That function. Its name lies one level higher where somebody writes it as for responses."""

    function: _Named | None = None
    name: str | None = None


class _Allowed(msgspec.Struct, frozen=True):
    mode: Literal["auto", "required"]
    tools: list[OneFunction]


class AllowedTools(_Choice, frozen=True, tag="allowed_tools"):
    """Only some of the functions."""

    allowed_tools: _Allowed


class Toolset(NamedTuple):
    """The functions that the model gets to see, and whether it has to call one."""

    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = ToolChoice()


def toolset(specs: Sequence[ToolSpec] | None, choice: object, parallel: bool | None) -> Toolset:
    """What `tools`, `tool_choice` and `parallel_tool_calls` ask for.

    Raises InvalidRequest naming the field that is wrong, and Unsupported naming what this server cannot do.
    """
    chosen = _chosen(_functions(specs or ()), choice)
    return chosen._replace(choice=msgspec.structs.replace(chosen.choice, parallel=parallel is not False))


def _functions(specs: Sequence[ToolSpec]) -> dict[str, Tool]:
    """The functions by their names."""
    functions: dict[str, Tool] = {}
    left = NODES_LIMIT
    for index, spec in enumerate(specs):
        function = _function(spec, f"tools[{index}]")
        left -= portable(function.parameters, f"tools[{index}].function.parameters", left)
        if function.name in functions:
            param = f"tools[{index}].function.name"
            raise InvalidRequest(f"“{param}” is “{function.name}”, as another function is called.", param=param)
        functions[function.name] = Tool(
            function.name, function.description, function.parameters, strict=bool(function.strict)
        )
    return functions


def _function(spec: ToolSpec, path: str) -> FunctionSpec:
    if spec.type != "function":
        raise Unsupported(f"“{path}.type” is “{spec.type}”; this server takes functions.", param=f"{path}.type")
    if spec.function is None:
        raise MissingParameter(f"“{path}.function” is required.", param=f"{path}.function")
    if (spec.function.parameters or {}).get("type", "object") != "object":
        raise InvalidRequest(
            f"“{path}.function.parameters.type” is not “object”: the arguments of a function are one.",
            param=f"{path}.function.parameters.type",
        )
    return spec.function


def _chosen(functions: dict[str, Tool], choice: object) -> Toolset:
    every = tuple(functions.values())
    match _read(choice):
        case "none":
            return Toolset()
        case "required":
            return Toolset(_some(every), ToolChoice(required=True))
        case OneFunction() as one:
            return Toolset(_some(every), ToolChoice(required=True, name=_name(one, functions, "tool_choice")))
        case AllowedTools(allowed):
            path = "tool_choice.allowed_tools.tools"
            names = [_name(each, functions, f"{path}[{index}]") for index, each in enumerate(allowed.tools)]
            some = _some(tuple(tool for tool in every if tool.name in names))
            return Toolset(some, ToolChoice(required=allowed.mode == "required"))
    return Toolset(every)


def _read(choice: object) -> object:
    if isinstance(choice, dict):
        if choice.get("type") not in ("function", "allowed_tools"):
            raise Unsupported(
                f"“tool_choice.type” is “{choice.get('type')}”; this server takes “function” and “allowed_tools”.",
                param="tool_choice.type",
            )
        return converted(choice, OneFunction | AllowedTools, "tool_choice")  # type: ignore[arg-type]
    if choice not in (None, "none", "auto", "required"):
        raise InvalidRequest(
            "“tool_choice” is “none”, “auto”, “required”, or an object that names a function.", param="tool_choice"
        )
    return choice


def _some(tools: tuple[Tool, ...]) -> tuple[Tool, ...]:
    if not tools:
        raise InvalidRequest("“tool_choice” asks for a call, and there is no function to call.", param="tool_choice")
    return tools


def _name(choice: OneFunction, functions: dict[str, Tool], path: str) -> str:
    nested = choice.function is not None
    name = choice.function.name if choice.function else choice.name or ""
    if name not in functions:
        param = f"{path}.function.name" if nested else f"{path}.name"
        raise InvalidRequest(f"“{param}” is “{name}”, and no function in “tools” is called so.", param=param)
    return name
