"""One HTTP request's way to the MCP servers it uses. Blocks like any socket, so it suits threads and greenlets."""

import socket
from collections.abc import Generator
from contextlib import suppress

from lms.errors import McpConnectionError, from_wire
from lms.mcp.protocol import Answer, Asked, Called, CallTool, Open, Opened, Refused, WrongArguments
from lms.wire import BrokenFrame, Unpacker, pack

LOOK_EVERY_S = 0.5
_READ_BYTES = 1 << 16


class McpConnection:
    """A connection to the process that talks to them. Raises McpConnectionError when nobody is there."""

    def __init__(self, socket_path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._unpacker: Unpacker[Answer] = Unpacker(Answer)
        try:
            self._socket.connect(socket_path)
        except OSError as error:
            self._socket.close()
            raise _gone() from error
        self._socket.settimeout(LOOK_EVERY_S)

    def open(self, asked: Open) -> Generator[None, None, Opened]:
        """None twice a second, then the server's tools. Raises the error why it cannot be used."""
        answer = yield from self._ask(asked)
        assert isinstance(answer, Opened)
        return answer

    def call(self, asked: CallTool) -> Generator[None, None, Called | WrongArguments]:
        """None twice a second, then what came of it. Closing the connection cancels the call."""
        answer = yield from self._ask(asked)
        assert isinstance(answer, Called | WrongArguments)
        return answer

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def _ask(self, asked: Asked) -> Generator[None, None, Answer]:
        try:
            self._socket.sendall(pack(asked))
            while True:
                try:
                    received = self._socket.recv(_READ_BYTES)
                except TimeoutError:
                    yield
                    continue
                if not received:
                    raise _gone()
                for answer in self._unpacker.feed(received):
                    if isinstance(answer, Refused):
                        raise from_wire(answer.error)
                    return answer
        except (OSError, BrokenFrame) as error:
            raise _gone() from error


def _gone() -> McpConnectionError:
    return McpConnectionError(
        "The process that talks to MCP servers does not answer.", hint="lms log stream --source server may say why."
    )
