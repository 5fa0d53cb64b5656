"""One HTTP request's way to the MCP servers it uses. Blocks like any socket, so it suits threads and greenlets."""

import socket
from collections.abc import Callable, Generator
from contextlib import suppress

from lms.errors import McpConnectionError, from_wire
from lms.mcp.protocol import Answer, Asked, Called, CallTool, Open, Opened, Refused, WrongArguments
from lms.wire import BrokenFrame, Unpacker, pack

LOOK_EVERY_S = 0.5
_READ_BYTES = 1 << 16


class _Lost(Exception):
    """Nobody is at the other end any more."""


class McpConnection:
    """A connection to the process that talks to them, made for the first question. `host` says where that listens, and
    starts it where none runs; it hears whether one was lost. A question raises McpConnectionError when nobody is there.
    """

    def __init__(self, host: Callable[[bool], str]) -> None:
        self._host = host
        self._answered = False
        self._socket: socket.socket | None = None

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
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _connected(self, lost: bool) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self._host(lost))
        except OSError as error:
            connection.close()
            raise _Lost from error
        connection.settimeout(LOOK_EVERY_S)
        return connection

    def _ask(self, asked: Asked) -> Generator[None, None, Answer]:
        try:
            try:
                answer = yield from self._answer(asked)
            except _Lost:
                if self._answered:
                    raise
                # It was about to end when the first question was asked; nothing has come of it.
                self.close()
                answer = yield from self._answer(asked, lost=True)
        except _Lost as error:
            raise _no_answer() from error
        self._answered = True
        if isinstance(answer, Refused):
            raise from_wire(answer.error)
        return answer

    def _answer(self, asked: Asked, lost: bool = False) -> Generator[None, None, Answer]:
        self._socket = connection = self._socket or self._connected(lost)
        unpacker: Unpacker[Answer] = Unpacker(Answer)
        try:
            connection.sendall(pack(asked))
            while True:
                try:
                    received = connection.recv(_READ_BYTES)
                except TimeoutError:
                    yield
                    continue
                if not received:
                    raise _Lost
                for answer in unpacker.feed(received):
                    return answer
        except (OSError, BrokenFrame) as error:
            raise _Lost from error


def _no_answer() -> McpConnectionError:
    return McpConnectionError(
        "The process that talks to MCP servers does not answer.", hint="lms log stream --source server may say why."
    )
