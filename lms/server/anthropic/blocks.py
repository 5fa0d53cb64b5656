"""The turns of a Messages request and the blocks that they are made of."""

from typing import Any

import msgspec

from lms.server.requests.fields import NonEmpty


class _Block(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all kinds of blocks. `cache_control` may stand in any: prompts are cached without being told to."""


class TextBlock(_Block, frozen=True, tag="text"):
    text: str


class Base64Source(_Block, frozen=True, tag="base64"):
    """What the picture is, its own bytes say better than `media_type`."""

    data: str


class UrlSource(_Block, frozen=True, tag="url"):
    url: str


class ImageBlock(_Block, frozen=True, tag="image"):
    source: Base64Source | UrlSource


class ThinkingBlock(_Block, frozen=True, tag="thinking"):
    """The signature may be anybody's: nothing depends on who wrote the thoughts."""

    thinking: str


class ToolUseBlock(_Block, frozen=True, tag="tool_use"):
    id: str
    name: NonEmpty
    input: dict[str, Any]


class ToolResultBlock(_Block, frozen=True, tag="tool_result"):
    tool_use_id: str
    content: str | list[TextBlock | ImageBlock] | None = None
    is_error: bool = False


class _Turn(msgspec.Struct, frozen=True, tag_field="role"):
    """Common to all roles."""


class UserTurn(_Turn, frozen=True, tag="user"):
    content: str | list[TextBlock | ImageBlock | ToolResultBlock]


class AssistantTurn(_Turn, frozen=True, tag="assistant"):
    content: str | list[TextBlock | ThinkingBlock | ToolUseBlock]


class SystemTurn(_Turn, frozen=True, tag="system"):
    content: str | list[TextBlock]


Block = TextBlock | ImageBlock | ThinkingBlock | ToolUseBlock | ToolResultBlock
Turn = UserTurn | AssistantTurn | SystemTurn
System = str | list[TextBlock]
