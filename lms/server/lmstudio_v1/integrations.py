"""`integrations` of a chat: the MCP servers whose tools the model may call, while this server runs the calls."""

from typing import Any

import msgspec

from lms.errors import InvalidRequest
from lms.mcp.protocol import Configured, Ephemeral
from lms.server.requests.fields import NonEmpty
from lms.server.tools.access import WantedServer

_PREFIX = "mcp/"


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


def wanted(integrations: list[Integration] | None) -> tuple[WantedServer, ...]:
    """The servers that they name. Raises InvalidRequest for a plugin that is none."""
    return tuple(_wanted(each, f"integrations[{index}]") for index, each in enumerate(integrations or ()))


def provider_info(server: WantedServer) -> dict[str, Any]:
    """Where a tool is from, as replies say it."""
    if isinstance(server.server, Configured):
        return {"type": "plugin", "plugin_id": f"{_PREFIX}{server.label}"}
    return {"type": "ephemeral_mcp", "server_label": server.label}


def _wanted(integration: Integration, param: str) -> WantedServer:
    if isinstance(integration, EphemeralMcp):
        server = Ephemeral(integration.server_url, integration.headers or {})
        label, title = integration.server_label, f"ephemeral MCP server '{integration.server_label}'"
        return WantedServer(label, server, _names(integration.allowed_tools), param, "ephemeral MCP server", title)
    plugin = Plugin(integration) if isinstance(integration, str) else integration
    if not plugin.id.startswith(_PREFIX):
        raise InvalidRequest(
            f"There is no plugin “{plugin.id}”.",
            hint=f"Servers of mcp.json are {_PREFIX} and their label.",
            param=param,
        )
    label = plugin.id.removeprefix(_PREFIX)
    return WantedServer(label, Configured(), _names(plugin.allowed_tools), param, "plugin", f"plugin '{plugin.id}'")


def _names(tools: list[str] | None) -> frozenset[str] | None:
    return None if tools is None else frozenset(tools)
