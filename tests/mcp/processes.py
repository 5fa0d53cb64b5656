"""The process that talks to MCP servers, and such servers, as real processes."""

import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from lms.mcp.connection import McpConnection
from lms.mcp.protocol import Called, CallTool, Open, Opened, Server, WrongArguments

T = TypeVar("T")

SERVER = Path(__file__).with_name("server.py")
HERE = {"command": sys.executable, "args": [str(SERVER), "stdio"]}
PATIENCE_S = 20.0


class Host:
    """`python -m lms.mcp`, ready, with an `mcp.json` of its own."""

    def __init__(self, folder: Path) -> None:
        self.socket_path = str(folder / "mcp.sock")
        self._file = folder / "mcp.json"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lms.mcp", self.socket_path, str(self._file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def configure(self, **servers: Any) -> None:
        self.write(msgspec.json.encode({"mcpServers": servers}))

    def write(self, content: bytes) -> None:
        """`content` as the file of servers."""
        self._file.write_bytes(content)

    @contextmanager
    def visit(self) -> "Iterator[Visit]":
        """A connection, as each HTTP request has one."""
        connection = McpConnection(lambda lost: self.socket_path)
        try:
            yield Visit(connection)
        finally:
            connection.close()

    def end(self) -> int:
        """Close its stdin, as the daemon's death would, and return its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        return self._process.wait(PATIENCE_S)


class Visit:
    def __init__(self, connection: McpConnection) -> None:
        self.connection = connection

    def open(self, label: str, server: Server) -> Opened:
        return result(self.connection.open(Open(label, server, "integrations[0]")))

    def call(self, label: str, tool: str, **arguments: Any) -> Called | WrongArguments:
        return result(self.connection.call(CallTool(label, tool, arguments)))

    def text(self, label: str, tool: str, **arguments: Any) -> str:
        """What a call returns that returns one text."""
        called = self.call(label, tool, **arguments)
        assert isinstance(called, Called)
        (part,) = called.content
        return str(part["text"])


def result(waiting: Generator[None, None, T]) -> T:
    """What it returns in the end."""
    while True:
        try:
            next(waiting)
        except StopIteration as end:
            found: T = end.value
            return found


@contextmanager
def serving(transport: str) -> Iterator[str]:
    """The URL of a server that is reached by HTTP: `http` is the streamable transport, `sse` the one before."""
    command: Sequence[str] = [sys.executable, str(SERVER), transport]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            yield f"http://127.0.0.1:{port}/{'mcp' if transport == 'http' else 'sse'}"
        finally:
            process.kill()


def eventually(holds: Callable[[], bool]) -> None:
    """Look again and again until it holds."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, f"still not so after {PATIENCE_S} s"
        time.sleep(0.02)
