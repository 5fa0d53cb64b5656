"""What came of a model's call. Pure."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from lms.errors import InvalidRequest
from lms.generation.messages import Part, Text, ToolCall
from lms.mcp.protocol import Called, WrongArguments
from lms.server.requests.messages import joined
from lms.server.requests.pictures import from_base64
from lms.server.tools.toolbox import RemoteTool

Misuse = Literal["invalid_name", "invalid_arguments"]


@dataclass(frozen=True)
class Calling:
    """A call of the model that this server is to make. `remote` is None for a tool that there is not, `arguments` where
    they are no JSON object.
    """

    call: ToolCall
    remote: RemoteTool | None
    arguments: dict[str, Any] | None

    @property
    def tool(self) -> str:
        """What its server calls it, or what the model did."""
        return self.remote.name if self.remote else self.call.name

    def obstacle(self) -> "Outcome | None":
        """Why it cannot be made, if that is clear before anybody is asked."""
        if self.remote is None:
            return _misused("invalid_name", f"There is no tool “{self.call.name}”.")
        if self.arguments is None:
            return _misused("invalid_arguments", f"The arguments of “{self.tool}” are no JSON object.")
        return None


@dataclass(frozen=True)
class Outcome:
    """`content` are parts as MCP has them in JSON. A call that was a `misuse` was not made."""

    content: tuple[dict[str, Any], ...]
    failed: bool = False
    misuse: Misuse | None = None

    @property
    def text(self) -> str:
        """What is written in it, and a mark for each part that is something else."""
        return "\n".join(_written(part) for part in self.content)

    def for_model(self) -> str:
        """What the model gets to read."""
        return f"Error: {self.text}" if self.failed else self.text

    def for_eyes(self, param: str) -> str | tuple[Part, ...]:
        """The same for a model that sees, with pictures where they are; complaints about them name `param`."""
        if not any(part.get("type") == "image" for part in self.content):
            return self.for_model()
        error = (Text("Error:"),) if self.failed else ()
        return joined((*error, *(_shown(part, param) for part in self.content)))


@dataclass(frozen=True)
class CallEnded:
    """What came of it."""

    calling: Calling
    outcome: Outcome


def calling(call: ToolCall, remote: RemoteTool | None) -> Calling:
    """A call as the model wrote it; no arguments at all are an empty object."""
    try:
        arguments = msgspec.json.decode(call.arguments or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        arguments = None
    return Calling(call, remote, arguments)


def of_answer(answer: Called | WrongArguments) -> Outcome:
    """What the server said."""
    match answer:
        case Called(content, failed):
            return Outcome(content, failed)
        case WrongArguments(reason):
            return _misused("invalid_arguments", reason)


def failed(reason: str) -> Outcome:
    """A call that went wrong here."""
    return Outcome(_text(reason), failed=True)


def _misused(misuse: Misuse, reason: str) -> Outcome:
    return Outcome(_text(reason), failed=True, misuse=misuse)


def _text(text: str) -> tuple[dict[str, Any], ...]:
    return ({"type": "text", "text": text},)


def _shown(part: dict[str, Any], param: str) -> Part:
    """A picture, or the text for what is none."""
    match part:
        case {"type": "image", "data": str(data)}:
            with suppress(InvalidRequest):
                return from_base64(data, param)
    return Text(_written(part))


def _written(part: dict[str, Any]) -> str:
    match part:
        case {"type": "text", "text": str(text)} | {"type": "resource", "resource": {"text": str(text)}}:
            return text
        case {"type": "resource_link", "uri": str(uri)} | {"type": "resource", "resource": {"uri": str(uri)}}:
            return f"[{uri}]"
        case {"type": str(kind), "mimeType": str(mime_type)}:
            return f"[{kind}: {mime_type}, not shown]"
    return "[something that is no text]"
