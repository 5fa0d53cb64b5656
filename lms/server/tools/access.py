"""Which MCP servers a request may use. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from lms.config.tokens import Token
from lms.errors import DaemonFailed, PermissionDenied
from lms.mcp.protocol import Configured, Ephemeral, Server

_HINT = (
    "Ensure that the server configuration allows {kind} usage and, if using an API token, it has the necessary "
    "permissions. {reason}"
)


@dataclass(frozen=True)
class WantedServer:
    """A server that a request names.

    label: what the request calls it
    allowed: the names of the tools that the model may call; None: all
    param: the field that names it
    kind, title: what its API calls it, for a refusal: a plugin, 'mcp/files'
    """

    label: str
    server: Server
    allowed: frozenset[str] | None
    param: str
    kind: str
    title: str


def _nowhere(lost: bool) -> str:
    raise DaemonFailed("MCP servers are for clients of the HTTP server.", hint="lms server start starts it.")


@dataclass(frozen=True)
class McpAccess:
    """What the settings allow, and where the process listens that talks to MCP servers (which starts it)."""

    host: Callable[[bool], str] = _nowhere
    allow_ephemeral: bool = False
    allow_mcp_json: bool = False

    def permit(self, wanted: WantedServer, token: Token | None) -> None:
        """Raises PermissionDenied when a request that came with `token` may not use that server. None: the HTTP server
        asks for no tokens.
        """
        reason = self._obstacle(wanted.server, token)
        if reason is not None:
            raise PermissionDenied(
                f"Permission denied to use {wanted.title}.",
                hint=_HINT.format(kind=wanted.kind, reason=reason),
                param=wanted.param.partition("[")[0],
            )

    def _obstacle(self, server: Server, token: Token | None) -> str | None:
        match server:
            case Ephemeral() if not self.allow_ephemeral:
                return "The setting allow_ephemeral_mcp is off."
            case Configured() if not self.allow_mcp_json:
                return "The setting allow_mcp_json is off."
            case Configured() if token is None:
                return "Servers of mcp.json need a server that asks for tokens: lms server start --require-auth."
        if token is not None and "mcp" not in token.permissions:
            return f"The API token “{token.name}” lacks the permission “mcp”: lms token create --allow makes one."
        return None
