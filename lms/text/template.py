"""Chat templates: from a conversation to the text that a model continues.

Templates are Jinja programs that come with a model; `template_sandbox` says what they may do. Each departs in its own
way from the form of a conversation that all agree on, and gets what it wants; `habits` says how that is found out.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from jinja2 import TemplateError, meta
from jinja2.exceptions import TemplateSyntaxError

from lms.errors import InvalidRequest, LmsError, ModelDamaged, Unsupported
from lms.generation.messages import Message, Tool
from lms.generation.request import ChatPrompt
from lms.text.adapted import adapted
from lms.text.conversation import message_fields, tool_fields
from lms.text.habits import Habits, habits_of
from lms.text.reasoning import markers_for
from lms.text.switches import switched
from lms.text.template_sandbox import RENDERING_LIMIT_S, TRIAL_LIMIT_S, Refused, Sandbox, to_json
from lms.text.toolcalls.default import LAYOUT as DEFAULT
from lms.text.toolcalls.family import Write

# For a model that brings no template: https://github.com/openai/openai-python/blob/v0.28.1/chatml.md
CHATML = """\
{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\n' }}
{%- endif -%}
"""

# What templates call the tools: nearly all of them; SmolLM 3; Firefunction, which wants them as a text.
TOOLS = ("tools", "xml_tools", "functions")

T = TypeVar("T")


class ChatTemplate:
    """A model's chat template, compiled once. `bos` and `eos` are the texts of the tokens that begin and end a text.

    `write_calls` is how its model writes calls, for a template that leaves them out.
    """

    def __init__(
        self,
        source: str,
        bos: str,
        eos: str,
        *,
        write_calls: Write | None = None,
        now: Callable[[], datetime] = datetime.now,
        seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        """Raises ModelDamaged when `source` is no valid template."""
        self._now = now
        self._sandbox = Sandbox(now, seconds)
        try:
            parsed = self._sandbox.parse(source)
            self._names = meta.find_undeclared_variables(parsed)
            self._template = self._sandbox.compiled(parsed)
        except (TemplateError, RecursionError, SyntaxError) as error:  # the last for blocks within too many blocks
            raise ModelDamaged(f"The model's chat template is not valid: {_described(error)}.") from error
        self._source = source
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._write_calls = write_calls or DEFAULT.write
        self._habits = habits_of(self._tried)
        self._reasoning = None if self._is_switched() else markers_for(source)

    @property
    def supports_tools(self) -> bool:
        """Whether the template looks at the tools it is given."""
        return not self._names.isdisjoint(TOOLS) or self._habits.tools_in_system

    def render(self, prompt: ChatPrompt) -> str:
        """The text up to where the model's answer begins.

        Raises Unsupported for tools that the template would leave out, and InvalidRequest with the template's own
        words when it refuses the conversation or fails on it; see `switches.switched` for the request's variables.
        """
        if prompt.tools and not self.supports_tools:
            raise Unsupported("This model's chat template takes no tools.", hint="Leave them out.", param="tools")
        text = self._rendered(prompt, self._habits, RENDERING_LIMIT_S)
        is_off = prompt.template_variables.get("enable_thinking") is False
        return self._reasoning.spared_in(text) if is_off and self._reasoning else text

    def _is_switched(self) -> bool:
        """Whether the template switches the model's reasoning itself, in whatever way."""
        asked = (ChatPrompt((Message("user", ""),), (), {"enable_thinking": on}) for on in (True, False))
        with suppress(LmsError):
            on, off = (self._rendered(prompt, self._habits, TRIAL_LIMIT_S) for prompt in asked)
            return on != off
        return True

    def _tried(self, messages: tuple[Message, ...], tools: tuple[Tool, ...], habits: Habits) -> str:
        return self._rendered(ChatPrompt(messages, tools), habits, TRIAL_LIMIT_S)

    def _rendered(self, prompt: ChatPrompt, habits: Habits, limit_s: float) -> str:
        context = self._context(prompt, habits)
        try:
            return self._sandbox.rendered(self._template, context, limit_s)
        except Refused as refusal:
            raise InvalidRequest(str(refusal), param="messages") from refusal
        except Exception as error:  # a template is a program by someone else: it can raise anything
            failure = f"The model's chat template failed on this conversation: {_described(error)}."
            raise InvalidRequest(failure, param="messages") from error

    def _context(self, prompt: ChatPrompt, habits: Habits) -> dict[str, Any]:
        """What the template sees, all of it its own. The request's variables cannot replace the conversation."""
        adapted_messages = adapted(prompt.messages, habits, self._write_calls)
        messages = [
            message_fields(message, null_content=habits.null_content, in_parts=habits.in_parts)
            for message in adapted_messages
        ]
        tools = _copied([tool_fields(tool) for tool in prompt.tools])
        if habits.tools_in_system and tools:
            messages = _with_tools_in_system(messages, to_json(tools))
        return {
            **switched(_copied(prompt.template_variables), self._names, self._source),
            **self._tokens,
            "messages": messages,
            "tools": tools or ([] if habits.no_tools_is_empty else None),
            "xml_tools": tools,
            "functions": to_json(tools),
            "datetime": self._now().strftime("%b %d %Y"),
            "add_generation_prompt": True,
        }


def _with_tools_in_system(messages: list[dict[str, Any]], tools: str) -> list[dict[str, Any]]:
    """`tools` are a field of the message of the system that the conversation begins with, if only for them."""
    if messages and messages[0]["role"] == "system":
        return [messages[0] | {"tools": tools}, *messages[1:]]
    return [{"role": "system", "content": "", "tools": tools}, *messages]


def _copied(value: T) -> T:
    """A copy down to the leaves, which the template may change. Many times as quick as `copy.deepcopy`."""
    copied: T = msgspec.msgpack.decode(msgspec.msgpack.encode(value))
    return copied


def _described(error: Exception) -> str:
    where = f" in line {error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
    return f"{str(error).rstrip('.') or type(error).__name__}{where}"
