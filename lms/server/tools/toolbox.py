"""The tools of the MCP servers that one request uses, by the names that its model knows."""

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lms.errors import InvalidRequest
from lms.generation.messages import Tool
from lms.mcp.connection import McpConnection
from lms.mcp.protocol import Called, CallTool, Open, ToolSpec, WrongArguments
from lms.server.requests.fields import NODES_LIMIT, portable
from lms.server.tools.access import WantedServer


@dataclass(frozen=True)
class RemoteTool:
    """A tool of an MCP server. `spec` is its server's description, `tool` the model's, under a name of its own."""

    server: WantedServer
    spec: ToolSpec
    tool: Tool

    @property
    def name(self) -> str:
        """What its server calls it."""
        return self.spec.name


class Toolbox:
    """`remote` are the tools by the names that the model knows. Without a connection there are none."""

    def __init__(
        self,
        connection: McpConnection | None = None,
        servers: Sequence[WantedServer] = (),
        remote: dict[str, RemoteTool] | None = None,
    ) -> None:
        self._connection = connection
        self.servers = servers
        self.remote = remote or {}

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What the model gets to see."""
        return tuple(each.tool for each in self.remote.values())

    def tools_of(self, server: WantedServer) -> list[RemoteTool]:
        return [tool for tool in self.remote.values() if tool.server is server]

    def call(self, remote: RemoteTool, arguments: dict[str, Any]) -> Generator[None, None, Called | WrongArguments]:
        """None twice a second, then what came of the call. Raises McpConnectionError."""
        assert self._connection is not None
        return (yield from self._connection.call(CallTool(remote.server.label, remote.name, arguments)))

    def close(self) -> None:
        """Cancels what is under way."""
        if self._connection is not None:
            self._connection.close()


def opened(
    connection: McpConnection, wanted: Sequence[WantedServer], taken: Collection[str] = (), required: bool = False
) -> Generator[None, None, Toolbox]:
    """None twice a second until all servers have said what tools they have; then those. `taken` are other functions;
    one tool at least is `required`.

    Raises McpConnectionError, and InvalidRequest for a server or a tool that there is not.
    """
    try:
        offers = []
        for server in _distinct(wanted):
            listed = yield from connection.open(Open(server.label, server.server, server.param))
            offers += [(server, spec) for spec in _allowed(server, listed.tools)]
        if required and not offers and not taken:
            raise InvalidRequest("“tool_choice” asks for a call, and there is no tool to call.", param="tool_choice")
        return Toolbox(connection, wanted, named(offers, taken))
    except BaseException:
        connection.close()
        raise


def named(offers: Sequence[tuple[WantedServer, ToolSpec]], taken: Iterable[str] = ()) -> dict[str, RemoteTool]:
    """The tools by the names that the model knows: their own, under the server's label where several have the same.

    Raises InvalidRequest where that is not enough, and for schemas that are too large.
    """
    others = set(taken)
    uses = Counter([*others, *(spec.name for _, spec in offers)])
    remote: dict[str, RemoteTool] = {}
    left = NODES_LIMIT
    for server, spec in offers:
        name = spec.name if uses[spec.name] == 1 else f"{server.label}__{spec.name}"
        if name in remote or name in others:
            raise InvalidRequest(f"Two tools go by the name “{name}”.", param=server.param)
        left -= portable(spec.input_schema, server.param, left)
        remote[name] = RemoteTool(server, spec, Tool(name, spec.description, spec.input_schema))
    return remote


def _distinct(wanted: Sequence[WantedServer]) -> Sequence[WantedServer]:
    labels = Counter(server.label for server in wanted)
    for server in wanted:
        if labels[server.label] > 1:
            raise InvalidRequest(f"Two MCP servers are called “{server.label}”.", param=server.param)
    return wanted


def _allowed(server: WantedServer, tools: tuple[ToolSpec, ...]) -> list[ToolSpec]:
    if server.allowed is None:
        return list(tools)
    missing = sorted(server.allowed - {tool.name for tool in tools})
    if missing:
        raise InvalidRequest(
            f"The MCP server “{server.label}” has no tool “{missing[0]}”.",
            hint=f"It has: {', '.join(tool.name for tool in tools)}." if tools else "It has none.",
            param=f"{server.param}.allowed_tools",
        )
    return [tool for tool in tools if tool.name in server.allowed]
