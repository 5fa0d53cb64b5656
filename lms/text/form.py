"""How the answers of one model read, as far as its chat template tells: its reasoning, and its calls of functions."""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from lms.errors import InvalidRequest
from lms.generation.constraint import Constraint, Grammar
from lms.generation.messages import Tool
from lms.generation.request import ChatPrompt, GenerateRequest
from lms.text.frames import any_text_with, frame_around, nothing_but
from lms.text.reasoning import markers_for
from lms.text.splitter import Splitter
from lms.text.toolcalls import DEFAULT, family_for, taught, told


class Bound(NamedTuple):
    """What an answer is held to: a constraint inside a frame (`frames.py`)."""

    constraint: Constraint
    frame: str


class Form:
    """`template_source` is the model's chat template, which takes tools or does not."""

    def __init__(self, template_source: str, *, supports_tools: bool) -> None:
        self.reasoning = markers_for(template_source)
        family = family_for(template_source)
        self.family = family if supports_tools or family.write else DEFAULT
        self._supports_tools = supports_tools

    def markers(self, *, calls: bool) -> tuple[str, ...]:
        """All that has to be read of an answer as text, where it may hold `calls` or not."""
        found = self.reasoning
        reasoning = (found.start, found.end, *found.layout) if found else ()
        family = self.family
        return (*reasoning, *family.starts, *family.leading, *family.markers) if calls else reasoning

    def conversation(self, prompt: ChatPrompt) -> ChatPrompt:
        """The conversation as the template is to get it."""
        if self.family is DEFAULT:
            return taught(prompt)
        if self.family.write and not self._supports_tools:
            return told(prompt, self.family.write)
        return prompt

    def splitter(self, request: GenerateRequest, prompt_text: str, ids: Iterator[str]) -> Splitter:
        """Splits the answer to `request`, whose prompt reads as `prompt_text`."""
        reasoning = self.reasoning if isinstance(request.prompt, ChatPrompt) else None
        tools = _callable(request)
        return Splitter(
            reasoning,
            self.family if tools else None,
            ids,
            tools,
            inside_reasoning=reasoning is not None and reasoning.left_open_by(prompt_text),
            inline=not request.split_reasoning,
            only_leading=request.constraint is not None,
            parallel=_may_be_several(request),
        )

    def bound(self, request: GenerateRequest, prompt_text: str) -> Bound | None:
        """What the answer to `request` is held to, if it is. Raises InvalidRequest where a call is required and there
        is nothing to call, Unsupported for arguments that the model's format cannot be held to."""
        tools, choice = _callable(request), request.tool_choice
        if choice.required:
            return Bound(self._nothing_but_calls(request, tools), self._frame(request, prompt_text))
        if request.constraint is not None:
            return Bound(request.constraint, self._frame(request, prompt_text, tools, is_content=True))
        if any(tool.strict for tool in tools):
            text = any_text_with(self.family, self._calls(request, tools), parallel=choice.parallel)
            return Bound(Grammar(text, "tools"), self._frame(request, prompt_text))
        return None

    def _nothing_but_calls(self, request: GenerateRequest, tools: tuple[Tool, ...]) -> Grammar:
        if not tools:
            wanted = f"“{request.tool_choice.name}”" if request.tool_choice.name else "one"
            raise InvalidRequest(
                f"A call is required, and among the tools is no function {wanted}.",
                hint="Give the function in “tools”, or let the model choose.",
                param="tool_choice",
            )
        return Grammar(nothing_but(self.family.start, self.family.grammar(tools, _may_be_several(request))), "tools")

    def _calls(self, request: GenerateRequest, tools: tuple[Tool, ...]) -> str:
        """Rules for calls that the model may make, if there are any. Only strict functions insist on their schema."""
        if not tools:
            return ""
        return self.family.grammar([_with_any_arguments(tool) for tool in tools], _may_be_several(request))

    def _frame(
        self, request: GenerateRequest, prompt_text: str, tools: tuple[Tool, ...] = (), *, is_content: bool = False
    ) -> str:
        """What may stand before what the answer is held to, and what instead of it."""
        reasoning = self.reasoning if isinstance(request.prompt, ChatPrompt) else None
        inside = reasoning is not None and reasoning.left_open_by(prompt_text)
        if reasoning and reasoning.closed_by(prompt_text):
            reasoning = None
        if reasoning and not is_content:
            reasoning = reasoning._replace(content="")
        return frame_around(reasoning, self.family.start, self._calls(request, tools), inside_reasoning=inside)


def _callable(request: GenerateRequest) -> tuple[Tool, ...]:
    """The functions that the answer may call."""
    tools = request.prompt.tools if isinstance(request.prompt, ChatPrompt) else ()
    name = request.tool_choice.name
    return tuple(tool for tool in tools if name in (None, tool.name))


def _may_be_several(request: GenerateRequest) -> bool:
    """Whether the answer may hold several calls: one function by its name is called once."""
    return request.tool_choice.parallel and request.tool_choice.name is None


def _with_any_arguments(tool: Tool) -> Tool:
    return tool if tool.strict or tool.parameters is None else msgspec.structs.replace(tool, parameters={})
