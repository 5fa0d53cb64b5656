"""An MCP server made with the official package: `python server.py stdio|http|sse`, the last two saying their port.

`echo` and `add` answer; `fail` does not succeed; `slow` ends when it is cancelled, and writes that down; `picture`
returns one; `large` returns a lot; `again` tells the fake model to call it again; `die` ends the server. With
`STUBBORN` set the server ignores the end of its stdin.
"""

import asyncio
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ImageContent

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
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
def again() -> str:
    """What makes the fake model call it again."""
    return "call again {}"


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
    if sys.argv[1] == "stdio":
        server.run("stdio")
        if os.environ.get("STUBBORN"):
            threading.Event().wait()
        return
    app = server.streamable_http_app() if sys.argv[1] == "http" else server.sse_app()
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)  # whoever connects now waits in the socket
    uvicorn.run(app, fd=listener.fileno(), log_level="error")


if __name__ == "__main__":
    main()
