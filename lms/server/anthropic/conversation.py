"""From a Messages request's turns and blocks to our own messages.

A user's turn may hold the results of tools, which are messages of their own here; turns of one role that follow each
other are one turn, as Anthropic defines it, because many chat templates insist on roles in turn.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from lms.errors import InvalidRequest
from lms.generation.messages import Image, Message, Part, Text, ToolCall
from lms.server.anthropic.blocks import (
    AssistantTurn,
    ImageBlock,
    System,
    SystemTurn,
    TextBlock,
    ThinkingBlock,
    ToolResultBlock,
    ToolUseBlock,
    Turn,
    UrlSource,
    UserTurn,
)
from lms.server.requests import pictures
from lms.server.requests.fields import portable

B = TypeVar("B")

# Claude Code begins the system prompt with a line of this, which is different in every request: no prompt would ever
# have the beginning of another one, and none could be reused.
BILLING_HEADER = "x-anthropic-billing-header:"


def conversation(system: System | None, turns: Sequence[Turn]) -> tuple[Message, ...]:
    """The conversation. Raises InvalidRequest naming a picture that is none, and for one that ends with an answer."""
    if isinstance(turns[-1], AssistantTurn):
        raise InvalidRequest(
            "The conversation ends with an answer, which this server cannot continue.",
            hint="End it with a user message.",
            param="messages",
        )
    messages = [Message("system", text)] if (text := _system_text(system)) else []
    for index, turn in enumerate(turns):
        messages += _messages(turn, f"messages[{index}].content")
    return tuple(_joined(messages))


def _system_text(system: System | None) -> str:
    texts = [system] if isinstance(system, str) else [block.text for block in system or ()]
    return "\n".join(text for text in map(_without_billing, texts) if text)


def _without_billing(text: str) -> str:
    return text.partition("\n")[2].lstrip("\n") if text.startswith(BILLING_HEADER) else text


def _messages(turn: Turn, path: str) -> Iterator[Message]:
    match turn:
        case UserTurn(content):
            yield from _user_messages(_blocks(content), path)
        case AssistantTurn(content):
            yield _assistant_message(_blocks(content), path)
        case SystemTurn(content):
            yield Message("system", _system_text(content))


def _user_messages(blocks: Iterable[TextBlock | ImageBlock | ToolResultBlock], path: str) -> Iterator[Message]:
    """A message for each tool's result, and one for all that stands between them."""
    said: list[Part] = []
    for index, block in enumerate(blocks):
        if isinstance(block, ToolResultBlock):
            if said:
                yield Message("user", _content(said))
                said = []
            yield _tool_message(block, f"{path}[{index}].content")
        else:
            said.append(_part(block, f"{path}[{index}]"))
    if said:
        yield Message("user", _content(said))


def _tool_message(result: ToolResultBlock, path: str) -> Message:
    """What the tool said. Chat templates have no place for whether that is an error, so the text says it."""
    parts = [_part(block, f"{path}[{index}]") for index, block in enumerate(_blocks(result.content or ""))]
    failed: list[Part] = [Text("The tool failed:")] if result.is_error else []
    return Message("tool", _content([*failed, *parts]), tool_call_id=result.tool_use_id)


def _assistant_message(blocks: Iterable[TextBlock | ThinkingBlock | ToolUseBlock], path: str) -> Message:
    texts, thoughts, calls = list[str](), list[str](), list[ToolCall]()
    for index, block in enumerate(blocks):
        match block:
            case TextBlock(text):
                texts.append(text)
            case ThinkingBlock(thinking):
                thoughts.append(thinking)
            case ToolUseBlock(call_id, name, given):
                portable(given, f"{path}[{index}].input")
                calls.append(ToolCall(call_id, name, json.dumps(given, ensure_ascii=False)))
    return Message("assistant", "\n".join(texts), tuple(calls), reasoning="\n".join(thoughts) or None)


def _blocks(content: str | list[B]) -> list[TextBlock | B]:
    return [TextBlock(content)] if isinstance(content, str) else list(content)


def _part(block: TextBlock | ImageBlock, path: str) -> Part:
    if isinstance(block, TextBlock):
        return Text(block.text)
    if isinstance(block.source, UrlSource):
        return pictures.from_data_url(block.source.url, f"{path}.source.url")
    return pictures.from_base64(block.source.data, f"{path}.source.data")


def _content(parts: Sequence[Part]) -> str | tuple[Part, ...]:
    """A text, unless there are pictures among the parts."""
    if any(isinstance(part, Image) for part in parts):
        return tuple(parts)
    return "\n".join(part.text for part in parts if isinstance(part, Text))


def _joined(messages: Iterable[Message]) -> list[Message]:
    joined: list[Message] = []
    for message in messages:
        if joined and message.role == joined[-1].role and message.role in ("user", "system"):
            content = _content([*_parts(joined[-1]), *_parts(message)])
            joined[-1] = msgspec.structs.replace(joined[-1], content=content)
        else:
            joined.append(message)
    return joined


def _parts(message: Message) -> tuple[Part, ...]:
    return (Text(message.content),) if isinstance(message.content, str) else message.content
