"""The way to the daemon's leases: plain frames on a socket of their own, which is kept for the next request."""

import socket
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

from lms.client.control import Lease, LeaseAnswer, LeaseProgress, LeaseRequest
from lms.errors import from_wire
from lms.wire import Unpacker, pack

KEPT_CONNECTIONS = 64
_READ_BYTES = 1 << 16


class Leases:
    """`connect_s` and `read_s`: how long to wait for the daemon. Safe to share between threads."""

    def __init__(self, path: Path, connect_s: float, read_s: float) -> None:
        self._path = path
        self._connect_s = connect_s
        self._read_s = read_s
        self._idle: list[socket.socket] = []

    def wait(self, request: LeaseRequest) -> Generator[Lease | LeaseProgress | None, None, None]:
        """As `DaemonClient.wait_for_lease`. Raises OSError when nobody answers, BrokenFrame when it is not understood,
        and the error that the lease ends with.
        """
        connection, received = self._asked(pack(request))
        answered = False
        try:
            for answer in _answers(connection, received):
                answered = answer.lease is not None or answer.error is not None
                if answer.error is not None:
                    raise from_wire(answer.error)
                if answer.lease is not None:
                    break
                yield answer.progress
        finally:
            if answered and len(self._idle) < KEPT_CONNECTIONS:
                self._idle.append(connection)
            else:
                connection.close()
        yield answer.lease

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _asked(self, question: bytes) -> tuple[socket.socket, bytes]:
        """A connection, and what came first over it. One that was kept may have ended meanwhile."""
        while self._idle:
            with suppress(IndexError, OSError):
                return _exchanged(self._idle.pop(), question)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(self._connect_s)
        try:
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        connection.settimeout(self._read_s)
        return _exchanged(connection, question)


def _exchanged(connection: socket.socket, question: bytes) -> tuple[socket.socket, bytes]:
    try:
        connection.sendall(question)
        return connection, _received(connection)
    except BaseException:
        connection.close()
        raise


def _answers(connection: socket.socket, received: bytes) -> Iterator[LeaseAnswer]:
    unpacker: Unpacker[LeaseAnswer] = Unpacker(LeaseAnswer)
    while True:
        yield from unpacker.feed(received)
        received = _received(connection)


def _received(connection: socket.socket) -> bytes:
    """What has come. Raises ConnectionError at its end."""
    if received := connection.recv(_READ_BYTES):
        return received
    raise ConnectionAbortedError("The daemon has hung up.")
