"""`mcp.json`: the MCP servers that its owner has written down, by their labels, in Cursor's notation.

    {"mcpServers": {"files": {"command": "npx", "args": ["…"], "env": {}}, "wiki": {"url": "https://…", "headers": {}}}}

https://cursor.com/docs/context/mcp. Keys that are not known here (other programs have their own) are passed over.
"""

from pathlib import Path
from typing import Any

import msgspec

from lms.errors import InvalidRequest, McpConnectionError, Unsupported


class Remote(msgspec.Struct, frozen=True):
    """A server that is reached by HTTP. `type` “sse” is the transport before the streamable one; other words mean that
    one.
    """

    url: str
    headers: dict[str, str] = {}
    type: str | None = None
    auth: Any = None


class Local(msgspec.Struct, frozen=True):
    """A server that is started here. `env` comes on top of the few variables that every such server gets."""

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    cwd: str | None = None


Reachable = Remote | Local


class _Entry(msgspec.Struct, frozen=True):
    """Either of both, before it is known which."""

    command: Any = None


class _File(msgspec.Struct, frozen=True):
    servers: dict[str, msgspec.Raw] = msgspec.field(name="mcpServers", default_factory=dict)


class ServersFile:
    """The file of one home, read anew for each question, so that a change counts at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def server(self, label: str, param: str) -> Reachable:
        """The server of that label. Raises InvalidRequest naming `param` where there is none, McpConnectionError where
        the file is wrong, and Unsupported for one that wants a login.
        """
        servers = self._read(label).servers
        if label not in servers:
            known = f"There are: {', '.join(sorted(servers))}." if servers else "It lists no servers."
            raise InvalidRequest(f"mcp.json has no server “{label}”.", hint=known, param=param)
        server = self._entry(label, servers[label])
        if isinstance(server, Remote) and server.auth is not None:
            raise Unsupported(
                f"The MCP server “{label}” asks for OAuth (“auth” in mcp.json), which this version does not do.",
                hint="Give it a token in “headers”.",
                param=param,
            )
        return server

    def _read(self, label: str) -> _File:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File)
        except FileNotFoundError:
            return _File()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._wrong(label, error) from error

    def _entry(self, label: str, raw: msgspec.Raw) -> Reachable:
        try:
            kind: type[Reachable] = Remote if msgspec.json.decode(raw, type=_Entry).command is None else Local
            return msgspec.json.decode(raw, type=kind)
        except msgspec.DecodeError as error:
            raise self._wrong(label, error) from error

    def _wrong(self, label: str, error: Exception) -> McpConnectionError:
        return McpConnectionError(
            f"The MCP server “{label}” cannot be used: {self._path.name} is wrong: {error}.", hint="Mend the file."
        )
