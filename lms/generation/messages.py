"""A conversation as typed values: what every dialect parses into and every chat template is rendered from."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of a function by the model. `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class Text(msgspec.Struct, frozen=True, tag="text"):
    """What is written between pictures."""

    text: str


class Image(msgspec.Struct, frozen=True, omit_defaults=True, tag="image"):
    """A picture: the bytes of its file, as they came; the model gets it with sides of at most `longest_side_px`.

    `param` is the field of the API that it came in, for complaints about it.
    """

    data: bytes
    param: str = ""
    longest_side_px: int = 1024


Part = Text | Image


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn. `reasoning` came before `content`; `tool_call_id` names the call that a tool message answers.

    `content` is a text, or parts where there are pictures among them.
    """

    role: Role
    content: str | tuple[Part, ...] = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None
    reasoning: str | None = None


def pictures_in(messages: Iterable[Message]) -> tuple[Image, ...]:
    """The pictures of a conversation, in their order."""
    parts = (part for message in messages if not isinstance(message.content, str) for part in message.content)
    return tuple(part for part in parts if isinstance(part, Image))


class Tool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A function the model may call. `parameters` is a JSON schema; None means it takes no arguments. The arguments of
    a `strict` one are valid against it even where the model is free to call or not.
    """

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool = False


class ToolChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether the model calls a function. `required`: the answer is a call, of the function `name` if that is given;
    not `parallel`: it makes at most one.
    """

    required: bool = False
    name: str | None = None
    parallel: bool = True
