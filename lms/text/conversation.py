"""A conversation in the form that chat templates expect: the mappings of the OpenAI API.

Form: https://huggingface.co/docs/transformers/chat_templating. Fields that a message does not have are left out,
because templates test for them with `is defined`.
"""

import json
from typing import Any

from lms.generation.messages import Message, Tool, ToolCall

NO_ARGUMENTS = {"type": "object", "properties": {}}
# What templates call the reasoning of a message: most of them; Gemma 4; gpt-oss and LFM 2.5; Apriel.
REASONING = ("reasoning_content", "reasoning", "thinking", "thought")


class Arguments(dict[str, Any]):
    """A call's arguments for any template: reads as a mapping, prints and concatenates as the JSON text it came from.

    Most templates expect a mapping (`arguments | tojson`, `arguments.items()`), some a text (`'…' + arguments`).
    """

    def __init__(self, fields: dict[str, Any], text: str) -> None:
        super().__init__(fields)
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __add__(self, after: str) -> str:
        return self._text + after

    def __radd__(self, before: str) -> str:
        return before + self._text


def message_fields(message: Message, *, null_content: bool = False, in_parts: bool = False) -> dict[str, Any]:
    """One turn, whose content is a text. `null_content`: what holds nothing but calls has the text null, otherwise an
    empty one. `in_parts`: a text is a list of one part.
    """
    optional = {
        "name": message.name,
        "tool_call_id": message.tool_call_id,
        "tool_calls": [_call_fields(call) for call in message.tool_calls] or None,
        **dict.fromkeys(REASONING, message.reasoning),
    }
    given = {name: value for name, value in optional.items() if value is not None}
    content = None if null_content and message.tool_calls and not message.content else message.content
    parts = [{"type": "text", "text": content}] if content else []
    return {"role": message.role, "content": parts if in_parts else content} | given


def tool_fields(tool: Tool) -> dict[str, Any]:
    """One function. A template may count on a description and on parameters, so what the tool lacks is empty."""
    parameters = NO_ARGUMENTS if tool.parameters is None else tool.parameters
    function = {"name": tool.name, "description": tool.description or "", "parameters": parameters}
    return {"type": "function", "function": function}


def _call_fields(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _arguments(call.arguments)}}


def _arguments(text: str) -> Arguments | str:
    """The object that `text` is; the text itself when it is none."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return Arguments(fields, text) if isinstance(fields, dict) else text
