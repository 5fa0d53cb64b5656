"""What is said to the process that talks to MCP servers: frames of `lms.wire` holding these messages.

front ─▶ host   its unix socket, one connection for each HTTP request: `Open` for each server, then `CallTool`s.
host ─▶ front   one answer to each, in order. Hanging up cancels what is under way, and ends ephemeral sessions.
"""

from typing import Any

import msgspec


class Ephemeral(msgspec.Struct, frozen=True, tag="ephemeral"):
    """A server that a request brings along: a session with it lasts as long as the request."""

    url: str
    headers: dict[str, str] = {}


class Configured(msgspec.Struct, frozen=True, tag="configured"):
    """A server of `mcp.json`, by its label there. Requests share one session with it."""


Server = Ephemeral | Configured


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Begin to use a server, which this connection then calls `label`. `param` is the field that asked for it."""

    label: str
    server: Server
    param: str


class CallTool(msgspec.Struct, frozen=True, tag="call"):
    """Call a tool of a server that was opened."""

    label: str
    tool: str
    arguments: dict[str, Any]


Asked = Open | CallTool


class ToolSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool as its server describes it; `input_schema` is a JSON schema."""

    name: str
    input_schema: dict[str, Any]
    description: str | None = None


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    tools: tuple[ToolSpec, ...]


class Called(msgspec.Struct, frozen=True, omit_defaults=True, tag="called"):
    """What a call returned: content parts as MCP has them in JSON. A `failed` one says there what went wrong.

    https://modelcontextprotocol.io/specification/2025-11-25/server/tools#tool-result
    """

    content: tuple[dict[str, Any], ...]
    failed: bool = False


class WrongArguments(msgspec.Struct, frozen=True, tag="wrong_arguments"):
    """The call was not made, because the arguments are not valid against the tool's schema."""

    reason: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The server cannot be used; `error` is as `errors.to_wire` writes it."""

    error: dict[str, Any]


Answer = Opened | Called | WrongArguments | Refused
