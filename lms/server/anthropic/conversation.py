"""From a Messages request's turns and blocks to our own messages.

A user's turn may hold the results of tools, which are messages of their own here; turns of one role that follow each
other are one turn, as Anthropic defines it, because many chat templates insist on roles in turn.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from lms.generation.messages import Image, Message, Part, Text, ToolCall
from lms.server.anthropic.blocks import (
    AssistantTurn,
    Block,
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

# Claude Code begins the system prompt with a line of this, which is different in every request: no prompt would ever
# have the beginning of another one, and none could be reused.
BILLING_HEADER = "x-anthropic-billing-header:"

# Blocks with their paths in the request.
Placed = list[tuple[str, Block]]


def conversation(system: System | None, turns: Sequence[Turn]) -> tuple[Message, ...]:
    """The conversation. Raises InvalidRequest naming a picture that is none, or what cannot travel to an engine."""
    placed: list[tuple[str, Turn]] = [(f"messages[{index}].content", turn) for index, turn in enumerate(turns)]
    beginning: list[tuple[str, Turn]] = [("system", SystemTurn(system))] if system else []
    by_role = groupby([*beginning, *placed], key=lambda turn: type(turn[1]))
    return tuple(message for kind, group in by_role for message in _messages(kind, _blocks(group)))


def _blocks(turns: Iterable[tuple[str, Turn]]) -> Placed:
    placed: Placed = []
    for path, turn in turns:
        content = [TextBlock(turn.content)] if isinstance(turn.content, str) else turn.content
        placed += [(f"{path}[{index}]", block) for index, block in enumerate(content)]
    return placed


def _messages(kind: type[Turn], blocks: Placed) -> Iterable[Message]:
    if kind is UserTurn:
        return _user_messages(blocks)
    return [_assistant_message(blocks)] if kind is AssistantTurn else _system_messages(blocks)


def _system_messages(blocks: Placed) -> list[Message]:
    texts = [_without_billing(block.text) for _, block in blocks if isinstance(block, TextBlock)]
    text = "\n".join(filter(None, texts))
    return [Message("system", text)] if text else []


def _without_billing(text: str) -> str:
    return text.partition("\n")[2].lstrip("\n") if text.startswith(BILLING_HEADER) else text


def _user_messages(blocks: Placed) -> Iterator[Message]:
    """A message for each tool's result, and one for all that stands between them."""
    said: list[Part] = []
    for path, block in blocks:
        match block:
            case TextBlock() | ImageBlock():
                said.append(_part(path, block))
            case ToolResultBlock():
                if said:
                    yield Message("user", _content(said))
                    said = []
                yield _tool_message(path, block)
    if said:
        yield Message("user", _content(said))


def _tool_message(path: str, result: ToolResultBlock) -> Message:
    """What the tool said. Chat templates have no place for whether that is an error, so the text says it."""
    blocks = [TextBlock(result.content)] if isinstance(result.content, str) else result.content or []
    parts = [_part(f"{path}.content[{index}]", block) for index, block in enumerate(blocks)]
    failed: list[Part] = [Text("The tool failed:")] if result.is_error else []
    return Message("tool", _content([*failed, *parts]), tool_call_id=result.tool_use_id)


def _assistant_message(blocks: Placed) -> Message:
    texts, thoughts, calls = list[str](), list[str](), list[ToolCall]()
    for path, block in blocks:
        match block:
            case TextBlock(text):
                texts.append(text)
            case ThinkingBlock(thinking):
                thoughts.append(thinking)
            case ToolUseBlock(call_id, name, given):
                portable(given, f"{path}.input")
                calls.append(ToolCall(call_id, name, json.dumps(given, ensure_ascii=False)))
    return Message("assistant", "\n".join(texts), tuple(calls), reasoning="\n".join(thoughts) or None)


def _part(path: str, block: TextBlock | ImageBlock) -> Part:
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
