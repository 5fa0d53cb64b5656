"""The engine's only loop: look at the sockets, run one pass, send what came of it. One thread, no lock.

While there is work, looking costs one system call; without work the loop sleeps in it. A client that hangs up is
noticed before the next pass, so its slot is free within one.
"""

import os
import selectors
import socket
import traceback
from collections.abc import Iterator
from typing import BinaryIO

from lms.engine.connection import Connection
from lms.engine.protocol import Call
from lms.engine.reports import Reporter
from lms.engine.worker import Worker, unexpected
from lms.errors import LmsError, to_wire
from lms.generation.events import Event, Failed

BACKLOG = 1024


class EngineServer:
    """Serves one worker on one unix socket, until `stdin` ends."""

    def __init__(self, worker: Worker, reporter: Reporter, socket_path: str, stdin: BinaryIO) -> None:
        self._worker = worker
        self._reporter = reporter
        self._stdin = stdin
        self._connections: dict[int, Connection] = {}
        self._numbers = 0
        self._stopping = False
        self._listener = listen(socket_path)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(stdin, selectors.EVENT_READ, self._read_stdin)
        self._selector.register(reporter.descriptor, selectors.EVENT_WRITE, self._write_reports)
        self._reports_watched = True

    def run(self) -> None:
        """Serve until stdin ends, then tell whoever still waits that the model goes."""
        while not self._stopping:
            self._look(0 if self._worker.is_busy else None)
            if self._worker.is_busy:
                self._pass()
            self._reporter.activity(self._worker.activity)
            self._watch_reports()
        for number, events in self._worker.stop():
            self._send(number, events)

    def _pass(self) -> None:
        """The daemon is told first: who has the end of an answer may ask it at once for what needs an idle model."""
        happened = self._worker.step()
        self._reporter.activity(self._worker.activity)
        for number, events in happened:
            self._send(number, events)

    def _look(self, timeout_s: float | None) -> None:
        """Attend to all that is ready. New clients come last: those who left may have made room for them."""
        ready = self._selector.select(timeout_s)
        if len(ready) > 1:
            ready.sort(key=lambda found: found[0].fileobj is self._listener)
        for key, mask in ready:
            key.data(mask)

    def _accept(self, _mask: int) -> None:
        """Take in everybody who waits, not one a pass: passes may be long."""
        for client in list(self._waiting_clients()):
            self._welcome(client)

    def _waiting_clients(self) -> Iterator[socket.socket]:
        while True:
            try:
                yield self._listener.accept()[0]
            except BlockingIOError:
                return
            except OSError as error:  # out of descriptors, or it left again: the others are served on
                self._reporter.runtime_log("error", f"A connection could not be taken: {error}")
                return

    def _welcome(self, client: socket.socket) -> None:
        self._numbers += 1
        connection = Connection(self._numbers, client)
        self._connections[connection.number] = connection
        self._selector.register(client, selectors.EVENT_READ, lambda mask: self._attend(connection, mask))
        self._attend(connection, selectors.EVENT_READ)

    def _attend(self, connection: Connection, mask: int) -> None:
        if mask & selectors.EVENT_READ:
            had_call = connection.call is not None
            if not connection.receive():
                self._hang_up(connection)
                return
            if connection.call is not None and not had_call:
                self._submit(connection, connection.call)
        if mask & selectors.EVENT_WRITE and connection.number in self._connections:
            self._send(connection.number, [])

    def _submit(self, connection: Connection, call: Call) -> None:
        try:
            said = self._worker.submit(connection.number, call.request)
        except LmsError as error:
            said = [Failed(to_wire(error))]
        except Exception as error:
            # A request must not take the model down with it: its sender learns what happened, and the log too.
            traceback.print_exc()
            said = [Failed(to_wire(unexpected(error)))]
        if said:
            self._reporter.activity(self._worker.activity)
            self._send(connection.number, said)

    def _send(self, number: int, events: list[Event]) -> None:
        connection = self._connections.get(number)
        if connection is None:
            return
        try:
            connection.send(events)
        except OSError:
            self._hang_up(connection)
            return
        if connection.is_finished:
            self._close(connection)
        elif connection.wants_to_write != connection.is_watched:
            self._watch(connection)

    def _watch(self, connection: Connection) -> None:
        """Wait until it can be written to, or no longer."""
        connection.is_watched = not connection.is_watched
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.is_watched else 0)
        self._selector.modify(connection.socket, events, self._selector.get_key(connection.socket).data)

    def _hang_up(self, connection: Connection) -> None:
        self._worker.cancel(connection.number)
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.close()
        self._connections.pop(connection.number, None)

    def _read_stdin(self, _mask: int) -> None:
        if not os.read(self._stdin.fileno(), 1024):
            self._stopping = True

    def _write_reports(self, _mask: int) -> None:
        self._reporter.flush()

    def _watch_reports(self) -> None:
        wanted = self._reporter.wants_to_write
        if wanted and not self._reports_watched:
            self._selector.register(self._reporter.descriptor, selectors.EVENT_WRITE, self._write_reports)
        elif not wanted and self._reports_watched:
            self._selector.unregister(self._reporter.descriptor)
        self._reports_watched = wanted


def listen(path: str) -> socket.socket:
    """A non-blocking listening unix socket at `path`; what a dead process left there is removed."""
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.setblocking(False)
    listener.bind(path)
    os.chmod(path, 0o600)
    listener.listen(BACKLOG)
    return listener
