"""The messages of a chat body, one struct a role, and their translation into our own."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from lms.errors import Unsupported
from lms.generation.messages import Message, Part, Role, Text, ToolCall
from lms.server.requests.fields import NonEmpty, only
from lms.server.requests.pictures import Detail, from_data_url


class _Part(msgspec.Struct, frozen=True, tag_field="type"):
    """Common to all kinds of content parts."""


class TextPart(_Part, frozen=True, tag="text"):
    text: str


class RefusalPart(_Part, frozen=True, tag="refusal"):
    refusal: str


class ImageUrl(msgspec.Struct, frozen=True):
    url: str
    detail: Detail | None = None


class ImagePart(_Part, frozen=True, tag="image_url"):
    image_url: ImageUrl


class AudioPart(_Part, frozen=True, tag="input_audio"):
    input_audio: Any = None


class FilePart(_Part, frozen=True, tag="file"):
    file: Any = None


Content = str | list[TextPart | RefusalPart | ImagePart | AudioPart | FilePart]


class FunctionCall(msgspec.Struct, frozen=True):
    name: NonEmpty
    arguments: str


class CallOfTool(msgspec.Struct, frozen=True):
    id: str
    function: FunctionCall
    type: Literal["function"] = "function"


class _Message(msgspec.Struct, frozen=True, tag_field="role"):
    """Common to all roles."""


class SystemMessage(_Message, frozen=True, tag="system"):
    content: Content
    name: str | None = None


class DeveloperMessage(_Message, frozen=True, tag="developer"):
    content: Content
    name: str | None = None


class UserMessage(_Message, frozen=True, tag="user"):
    content: Content
    name: str | None = None


class AssistantMessage(_Message, frozen=True, tag="assistant"):
    content: Content | None = None
    tool_calls: list[CallOfTool] | None = None
    reasoning_content: str | None = None
    name: str | None = None
    refusal: str | None = None
    audio: Any = None
    function_call: Any = None


class ToolMessage(_Message, frozen=True, tag="tool"):
    content: Content
    tool_call_id: str
    name: str | None = None


AnyMessage = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage
Messages = Annotated[list[AnyMessage], Meta(min_length=1)]


def translated(messages: Messages) -> tuple[Message, ...]:
    """The conversation. Raises Unsupported naming the first thing in it that is no text, picture or tool call, and
    InvalidRequest naming a picture that is none."""
    return tuple(_message(message, f"messages[{index}]") for index, message in enumerate(messages))


def _message(message: AnyMessage, path: str) -> Message:
    content = _content(message.content, path)
    match message:
        case AssistantMessage():
            return _assistant_message(message, content, path)
        case ToolMessage():
            return Message("tool", content, tool_call_id=message.tool_call_id, name=message.name)
    return Message(_role(message), content, name=message.name)


def _assistant_message(message: AssistantMessage, content: str | tuple[Part, ...], path: str) -> Message:
    """What the model said; a refusal is what it said instead of an answer."""
    only(message.audio, (None,), f"{path}.audio")
    only(message.function_call, (None,), f"{path}.function_call")
    calls = (ToolCall(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ())
    return Message(
        "assistant",
        content or message.refusal or "",
        tool_calls=tuple(calls),
        name=message.name,
        reasoning=message.reasoning_content or None,
    )


def _role(message: SystemMessage | DeveloperMessage | UserMessage) -> Role:
    """A developer speaks as the system does."""
    return "user" if isinstance(message, UserMessage) else "system"


def _content(content: Content | None, path: str) -> str | tuple[Part, ...]:
    if content is None or isinstance(content, str):
        return content or ""
    return joined(tuple(_part(part, f"{path}.content[{index}]") for index, part in enumerate(content)))


def joined(parts: tuple[Part, ...]) -> str | tuple[Part, ...]:
    """One text where there is nothing else, for every model reads that."""
    texts = [part.text for part in parts if isinstance(part, Text)]
    return "\n".join(texts) if len(texts) == len(parts) else parts


def _part(part: _Part, path: str) -> Part:
    match part:
        case TextPart(text) | RefusalPart(text):
            return Text(text)
        case ImagePart(ImageUrl(url, detail)):
            return from_data_url(url, f"{path}.image_url.url", detail or "auto")
    kind = "audio" if isinstance(part, AudioPart) else "a file"
    raise Unsupported(f"“{path}” is {kind}, and this version reads text and pictures only.", param=path)
