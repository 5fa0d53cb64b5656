"""An MCP server made with the official package: `python server.py stdio|streamable-http|sse [PORT]`.

`echo` and `add` answer; `fail` does not succeed; `slow` ends when it is cancelled, and writes that down; `picture`
returns one; `large` returns a lot; `die` ends the server. With `STUBBORN` set it ignores the end of its stdin.
"""

import asyncio
import base64
import os
import sys
import threading
from pathlib import Path
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ImageContent

DOT = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
server = MCPServer("tools of a test")


@server.tool()
def echo(text: str) -> str:
    """Say it again."""
    return text


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def fail() -> str:
    """Fail."""
    raise ToolError("It is broken.")


@server.tool()
async def slow(note: str) -> str:
    """Write “begun” to the file `note`, then wait; write “cancelled” when that is broken off."""
    Path(note).write_text("begun", encoding="utf-8")
    try:
        await asyncio.Event().wait()
    except BaseException:
        Path(note).write_text("cancelled", encoding="utf-8")
        raise
    return "never"


@server.tool()
def picture() -> list[Any]:
    """Show a dot."""
    return ["Look:", ImageContent(data=DOT, mime_type="image/png")]


@server.tool()
def large(size: int) -> str:
    """So many letters."""
    return "x" * size


@server.tool()
def pid() -> int:
    """The process that answers."""
    return os.getpid()


@server.tool()
def die() -> str:
    """End this server."""
    os._exit(1)


@server.tool()
def who(context: Context) -> str:
    """The header `x-name` of the request."""
    headers = context.headers or {}
    return headers.get("x-name", "nobody")


def main() -> None:
    transport, *port = sys.argv[1:]
    if transport == "stdio":
        server.run("stdio")
        if os.environ.get("STUBBORN"):
            threading.Event().wait()
    elif transport == "sse":
        server.run("sse", port=int(port[0]))
    else:
        server.run("streamable-http", port=int(port[0]))


if __name__ == "__main__":
    main()
