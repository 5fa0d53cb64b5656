"""`integrations` of a chat: the MCP servers whose tools the model may call, while this server runs the calls."""

import msgspec

from lms.errors import PermissionDenied
from lms.server.requests.fields import NonEmpty

PARAM = "integrations"


class _Integration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Common to both kinds."""


class Plugin(_Integration, frozen=True, tag="plugin"):
    """A server of `mcp.json`: its `id` is `mcp/` and its label. A text alone is the same, with all of its tools."""

    id: NonEmpty
    allowed_tools: list[str] | None = None


class EphemeralMcp(_Integration, frozen=True, tag="ephemeral_mcp"):
    """A server that is there for this request only."""

    server_label: NonEmpty
    server_url: NonEmpty
    allowed_tools: list[str] | None = None
    headers: dict[str, str] | None = None


Integration = NonEmpty | Plugin | EphemeralMcp


def refuse(integrations: list[Integration] | None) -> None:
    """Raises PermissionDenied naming the first of them: this server calls no tools itself."""
    for integration in integrations or ():
        raise PermissionDenied(
            f"Permission denied to use {_named(integration)}.",
            hint="This version calls no MCP servers. Leave “integrations” out.",
            param=PARAM,
        )


def _named(integration: Integration) -> str:
    match integration:
        case EphemeralMcp():
            return f"ephemeral MCP server '{integration.server_label}'"
        case Plugin():
            return f"plugin '{integration.id}'"
    return f"plugin '{integration}'"
