"""The tools of a chat body, and which of them the model may or must call. Other bodies make the same choices."""

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


class Choice(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all choices that are objects."""


class _Named(msgspec.Struct, frozen=True):
    name: NonEmpty


class OneFunction(Choice, frozen=True, tag="function"):
    """That function. Chats have its name one level deeper than responses, and both are read everywhere."""

    function: _Named | None = None
    name: str | None = None

    @property
    def known_as(self) -> str:
        """By what name the model knows it."""
        return self.function.name if self.function else self.name or ""


class Allowed(msgspec.Struct, frozen=True):
    """Only some of the functions."""

    mode: Literal["auto", "required"]
    tools: tuple[OneFunction, ...]


class AllowedTools(Choice, frozen=True, tag="allowed_tools"):
    allowed_tools: Allowed


class Toolset(NamedTuple):
    """The functions that the model gets to see, and whether it has to call one."""

    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = ToolChoice()


def toolset(specs: Sequence[ToolSpec] | None, choice: object, parallel: bool | None) -> Toolset:
    """What `tools`, `tool_choice` and `parallel_tool_calls` ask for.

    Raises InvalidRequest naming the field that is wrong, and Unsupported naming what this server cannot do.
    """
    return chosen(_functions(specs or ()), choice, parallel)


def _functions(specs: Sequence[ToolSpec]) -> dict[str, Tool]:
    """The functions by their names."""
    functions: dict[str, Tool] = {}
    left = NODES_LIMIT
    for index, spec in enumerate(specs):
        function = _function(spec, f"tools[{index}]")
        left -= size_of_parameters(function.parameters, f"tools[{index}].function.parameters", left)
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
    return spec.function


def size_of_parameters(parameters: dict[str, Any] | None, path: str, limit: int) -> int:
    """How many values the schema holds. Raises InvalidRequest: none of an object, or one that `portable` refuses."""
    if (parameters or {}).get("type", "object") != "object":
        raise InvalidRequest(
            f"“{path}.type” is not “object”: the arguments of a function are one.", param=f"{path}.type"
        )
    return portable(parameters, path, limit)


def chosen(
    functions: dict[str, Tool], choice: object, parallel: bool | None, kinds: object = OneFunction | AllowedTools
) -> Toolset:
    """What `tool_choice` and `parallel_tool_calls` say of the functions, which go by the names that the model knows.

    `kinds` are the choices that are objects. Raises as `toolset` does.
    """
    toolset = _chosen(functions, _read(choice, kinds))
    return toolset._replace(choice=msgspec.structs.replace(toolset.choice, parallel=parallel is not False))


def _chosen(functions: dict[str, Tool], choice: object) -> Toolset:
    every = tuple(functions.values())
    match choice:
        case "none":
            return Toolset()
        case "required":
            return Toolset(_some(every), ToolChoice(required=True))
        case OneFunction() as one:
            return Toolset(_some(every), ToolChoice(required=True, name=_name(one, functions, "tool_choice")))
        case AllowedTools(allowed):
            return _allowed(functions, allowed, "tool_choice.allowed_tools.tools")
        case Allowed():
            return _allowed(functions, choice, "tool_choice.tools")
    return Toolset(every)


def _allowed(functions: dict[str, Tool], allowed: Allowed, path: str) -> Toolset:
    names = [_name(each, functions, f"{path}[{index}]") for index, each in enumerate(allowed.tools)]
    some = _some(tuple(tool for tool in functions.values() if tool.name in names))
    return Toolset(some, ToolChoice(required=allowed.mode == "required"))


def _read(choice: object, kinds: object) -> object:
    if isinstance(choice, dict):
        if choice.get("type") not in ("function", "allowed_tools"):
            raise Unsupported(
                f"“tool_choice.type” is “{choice.get('type')}”; this server takes “function” and “allowed_tools”.",
                param="tool_choice.type",
            )
        read: object = converted(choice, kinds, "tool_choice")  # type: ignore[arg-type]
        return read
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
    name = choice.known_as
    if name not in functions:
        param = f"{path}.function.name" if choice.function else f"{path}.name"
        raise InvalidRequest(f"“{param}” is “{name}”, and no function in “tools” is called so.", param=param)
    return name
