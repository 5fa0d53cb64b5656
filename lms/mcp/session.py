"""One session with an MCP server, by the official package: https://github.com/modelcontextprotocol/python-sdk"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import CONNECTION_CLOSED, CallToolResult

from lms.errors import McpConnectionError
from lms.mcp.protocol import Called, ToolSpec
from lms.mcp.servers import Local, Reachable, Remote

CONNECT_TIMEOUT_S = 30.0
CALL_TIMEOUT_S = 300.0
# A server that starts from a package registry takes its time only once.
START_TIMEOUT_S = 120.0
# Of one result, as JSON. A picture of a screen takes 2 MB.
RESULT_LIMIT_BYTES = 8 * 1024 * 1024
MOST_TOOLS = 1000

_log = logging.getLogger(__name__)


class Session:
    """A server that is connected. The package wants a session left by the task that entered it, so one holds it."""

    def __init__(self, label: str, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._label = label
        self._call_timeout_s = call_timeout_s
        self._client: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._leaving = asyncio.Event()
        self._holding: asyncio.Task[None] | None = None

    async def connect(self, server: Reachable) -> None:
        """Returns when it can be used. Raises McpConnectionError."""
        self._holding = asyncio.create_task(self._hold(server))
        try:
            timeout_s = START_TIMEOUT_S if isinstance(server, Local) else CONNECT_TIMEOUT_S
            await asyncio.wait_for(asyncio.shield(self._client), timeout_s)
        except TimeoutError:
            await self.close()
            raise self._unreachable(f"it did not answer within {timeout_s:.0f} s") from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Leave it; a server that was started for it has ended when this returns."""
        self._leaving.set()
        if self._holding is None:
            return
        if not self._client.done():
            self._holding.cancel()
        await asyncio.wait({self._holding})

    async def tools(self) -> tuple[ToolSpec, ...]:
        """What it offers now. Raises McpConnectionError."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return tuple([spec async for spec in _listed(await self._client)])
        except TimeoutError:
            raise self._unreachable(f"it did not list its tools within {CONNECT_TIMEOUT_S:.0f} s") from None
        except Exception as error:
            raise self._unreachable(_reason(error)) from error

    async def call(self, tool: str, arguments: dict[str, Any]) -> Called:
        """What the tool returns. A call that fails, whatever the reason, is a result for the model."""
        try:
            async with asyncio.timeout(self._call_timeout_s):
                return _bounded(await (await self._client).call_tool(tool, arguments))
        except TimeoutError:
            return failure(f"The tool did not answer within {self._call_timeout_s:g} s.")
        except MCPError as error:
            return failure("The MCP server has ended." if error.code == CONNECTION_CLOSED else error.message)
        except Exception as error:
            return failure(_reason(error))

    async def _hold(self, server: Reachable) -> None:
        failures = []
        for transport in _transports(server):
            try:
                async with _client(server, transport) as client:
                    self._client.set_result(client)
                    await self._leaving.wait()
            except Exception as error:
                failures.append(error)
            if self._client.done():
                break
        if not self._client.done():
            self._client.set_exception(self._unreachable(_reason(failures[0])))
        elif failures:
            _log.warning("The session with the MCP server “%s” ended badly: %s", self._label, _reason(failures[0]))

    def _unreachable(self, reason: str) -> McpConnectionError:
        return McpConnectionError(f"The MCP server “{self._label}” cannot be used: {reason.rstrip('.')}.")


def failure(reason: str) -> Called:
    """A result that says what went wrong."""
    return Called(({"type": "text", "text": reason},), failed=True)


def _transports(server: Reachable) -> Iterator[str]:
    """What to try, in order: few say which transport they speak."""
    match server:
        case Local():
            yield "stdio"
        case Remote(type="sse"):
            yield "sse"
        case Remote(type=str()):
            yield "http"
        case Remote(url):
            yield from ("sse", "http") if url.rstrip("/").endswith("/sse") else ("http", "sse")


@asynccontextmanager
async def _client(server: Reachable, transport: str) -> AsyncIterator[Client]:
    match server:
        case Local():
            parameters = StdioServerParameters(
                command=server.command, args=list(server.args), env=server.env, cwd=server.cwd
            )
            async with Client(parameters) as client:
                yield client
        case Remote() if transport == "sse":
            async with Client(sse_client(server.url, headers=server.headers), mode="legacy") as client:
                yield client
        case Remote():
            async with (
                create_mcp_http_client(headers=server.headers) as http,
                Client(
                    streamable_http_client(server.url, http_client=http, max_sse_event_size=RESULT_LIMIT_BYTES)
                ) as client,
            ):
                yield client


async def _listed(client: Client) -> AsyncIterator[ToolSpec]:
    cursor, count = None, 0
    while True:
        page = await client.list_tools(cursor=cursor, cache_mode="refresh")
        for tool in page.tools:
            yield ToolSpec(tool.name, tool.input_schema, tool.description)
        count += len(page.tools)
        cursor = page.next_cursor
        if not cursor:
            return
        if not page.tools or count > MOST_TOOLS:
            raise ValueError(f"it lists more than {MOST_TOOLS} tools")


def _bounded(result: CallToolResult) -> Called:
    content = tuple(part.model_dump(mode="json", by_alias=True, exclude_none=True) for part in result.content)
    if not content and result.structured_content is not None:
        content = ({"type": "text", "text": msgspec.json.encode(result.structured_content).decode()},)
    size_bytes = len(msgspec.json.encode(content))
    if size_bytes > RESULT_LIMIT_BYTES:
        return failure(f"The tool returned {size_bytes} bytes, and this server takes {RESULT_LIMIT_BYTES} at most.")
    return Called(content, failed=bool(result.is_error))


def _reason(error: BaseException) -> str:
    """What went wrong, out of the groups that task groups wrap it in."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
