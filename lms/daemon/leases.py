"""Grants leases on a socket of their own: plain frames (`wire`), a `LeaseRequest` and any number of `LeaseAnswer`s.

Every request that the HTTP server answers asks for one. Over the daemon's HTTP that took 1.6 ms of processor time.
"""

import socket
import socketserver
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

from lms.client.control import Lease, LeaseAnswer, LeaseProgress, LeaseRequest
from lms.errors import LmsError, QueueFull, to_wire
from lms.pool.pool import Pool
from lms.pool.waiting import Waiting
from lms.wire import BrokenFrame, Unpacker, pack

# An answer without content about twice a second says “still here”, and finds out whether the client still is.
HEARTBEAT_S = 0.5
# How long a lease may take to be called a quick one.
AT_ONCE_S = 0.1
# Each lease that waits for its model takes a thread of the daemon. An engine lets as many requests wait by default.
WAITING_LEASES = 512
OUT_OF_DESCRIPTORS_S = 0.05
_READ_BYTES = 1 << 16


class LeaseServer:
    """Serves from its making until `close`. At most `waiting_leases` may wait for a model to load at a time."""

    def __init__(self, pool: Pool, path: Path, waiting_leases: int = WAITING_LEASES) -> None:
        path.unlink(missing_ok=True)
        self._server = _Server(path, _Desk(pool, waiting_leases))
        threading.Thread(target=self._server.serve_forever, name="leases", daemon=True).start()

    def close(self) -> None:
        """End all conversations; nobody is let in any more."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Desk:
    def __init__(self, pool: Pool, waiting_leases: int) -> None:
        self._pool = pool
        self._places = threading.Semaphore(waiting_leases)

    def answers(self, request: LeaseRequest) -> Generator[LeaseAnswer, None, None]:
        """The last one has the lease or an error. Closing it before gives the lease up."""
        try:
            with self._pool.leasing(request) as waiting:
                first = None
                with suppress(TimeoutError):
                    first = waiting.take(AT_ONCE_S)
                if isinstance(first, Lease):
                    yield LeaseAnswer(lease=first)
                    return
                if not self._places.acquire(blocking=False):
                    raise QueueFull("As many requests as may do so wait for a model to load.", hint="Try again later.")
                try:
                    yield LeaseAnswer(progress=first)
                    yield from _later(waiting)
                finally:
                    self._places.release()
        except LmsError as error:
            yield LeaseAnswer(error=to_wire(error))


def _later(waiting: Waiting[Lease | LeaseProgress]) -> Iterator[LeaseAnswer]:
    while True:
        try:
            answer = waiting.take(HEARTBEAT_S)
        except TimeoutError:
            yield LeaseAnswer()
            continue
        if isinstance(answer, Lease):
            yield LeaseAnswer(lease=answer)
            return
        yield LeaseAnswer(progress=answer)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 2048

    def __init__(self, path: Path, desk: _Desk) -> None:
        self.desk = desk
        self.connections: set[socket.socket] = set()
        super().__init__(str(path), _Conversation)

    def get_request(self) -> tuple[socket.socket, str]:
        """As its parent. Without descriptors the client waits in the socket, and would be tried at once again."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(OUT_OF_DESCRIPTORS_S)
            raise


class _Conversation(socketserver.BaseRequestHandler):
    """One client, which asks for one lease after another."""

    server: _Server

    def handle(self) -> None:
        requests: Unpacker[LeaseRequest] = Unpacker(LeaseRequest)
        self.server.connections.add(self.request)
        try:
            with suppress(OSError, BrokenFrame):  # it has left, or is none of ours
                while received := self.request.recv(_READ_BYTES):
                    for request in requests.feed(received):
                        self._answer(request)
        finally:
            self.server.connections.discard(self.request)

    def _answer(self, request: LeaseRequest) -> None:
        answers = self.server.desk.answers(request)
        try:
            for answer in answers:
                self.request.sendall(pack(answer))
        finally:
            answers.close()
