"""A model's call of an MCP server's tool, as items and events: https://lmstudio.ai/docs/developer/rest/chat.

Only a call that could not be made fails in these words. One that went wrong has an output that says so.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from lms.server.lmstudio_v1.integrations import provider_info
from lms.server.sse import Chunk
from lms.server.tools.outcome import CallEnded, Calling
from lms.server.tools.toolbox import RemoteTool


def started(name: str, remote: RemoteTool | None) -> Iterator[Chunk]:
    """The first events of a call of the tool that the model calls `name`. (LM Studio's page has the tool in the first
    one, its server sends it in the second.)
    """
    provider = _provider(remote)
    tool = remote.name if remote else name
    yield {"type": "tool_call.start"} | ({"tool": tool} | provider if remote else {})
    yield {"type": "tool_call.name", "tool_name": tool} | provider


def arguments(calling: Calling) -> Iterator[Chunk]:
    """The event that tells them, if they are what they should be."""
    if calling.arguments is not None:
        said = {"tool": calling.tool, "arguments": calling.arguments}
        yield {"type": "tool_call.arguments"} | said | _provider(calling.remote)


def ended(end: CallEnded) -> Chunk:
    """The last event of a call."""
    fields = item(end)
    return fields | {"type": "tool_call.success" if fields["type"] == "tool_call" else "tool_call.failure"}


def item(end: CallEnded) -> dict[str, Any]:
    """The call in `output`."""
    calling, outcome = end.calling, end.outcome
    if outcome.misuse is not None:
        return {"type": "invalid_tool_call", "reason": outcome.text, "metadata": _metadata(end)}
    return {
        "type": "tool_call",
        "tool": calling.tool,
        "arguments": calling.arguments,
        "output": msgspec.json.encode(outcome.content).decode(),
    } | _provider(calling.remote)


def _metadata(end: CallEnded) -> dict[str, Any]:
    metadata: dict[str, Any] = {"type": end.outcome.misuse, "tool_name": end.calling.tool}
    if end.calling.arguments is not None:
        metadata |= {"arguments": end.calling.arguments}
    return metadata | _provider(end.calling.remote)


def _provider(remote: RemoteTool | None) -> dict[str, Any]:
    return {"provider_info": provider_info(remote.server)} if remote else {}
