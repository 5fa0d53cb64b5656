"""One request to an engine: its events as they arrive, while watching whether the client is still there.

A client that shuts down its sending side while it waits for the answer counts as gone.
"""

import os
import select
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Protocol

from lms.client.control import Lease
from lms.engine.protocol import Call, Events
from lms.errors import EngineFailed, ModelUnloaded, from_wire
from lms.generation.events import LAST, Event, Failed, Finished
from lms.generation.request import Request
from lms.wire import BrokenFrame, Unpacker, pack

_READ_BYTES = 1 << 16


class Poll(Protocol):
    """What is used of `select.poll`, which may tell less at once than it could."""

    def register(self, descriptor: int, events: int, /) -> object: ...
    def modify(self, descriptor: int, events: int, /) -> object: ...
    def unregister(self, descriptor: int, /) -> object: ...
    def poll(self, timeout_ms: float, /) -> Sequence[tuple[int, int]]: ...


class ClientGone(Exception):
    """The client hung up, so nobody is left to answer. Not an LmsError: no user will meet it."""


class NotTaken(Exception):
    """Nobody listens where the lease leads, so no engine saw the request. Not an LmsError: it may be asked again."""


def stream(
    lease: Lease,
    request: Request,
    client: socket.socket | None,
    heartbeat_s: float = 1.0,
    streamed: bool = True,
    new_poll: Callable[[], Poll] = select.poll,
    engine: socket.socket | None = None,
) -> Generator[tuple[Event, ...], None, None]:
    """The events of `request`, in tuples of what arrived together; an empty one when `heartbeat_s` passed in silence.

    With `streamed` False all events come at the end, which spares the engine the work of sending each.
    Ends after the first of `LAST`. Closing the generator hangs up, which cancels the request. Raises the error
    that the engine reports, EngineFailed or ModelUnloaded when it ends early, ClientGone when `client` hung up, and
    NotTaken before any event when the engine is not there. `new_poll` is how it waits: `select.poll`, or its like for
    greenlets; not `select.select`, which is blind to descriptors over 1023. `engine` is a connection that is there.
    """
    with closing(engine or connect(lease)) as connection:
        line = Line(lease, connection, pack(Call(request, streamed)), client, new_poll())
        while True:
            batch = line.wait(heartbeat_s)
            if batch and isinstance(batch[-1], LAST):
                yield from ending(batch, lease)
                return
            if batch is not None:
                yield batch


def has_left(client: socket.socket) -> bool:
    """Whether `client` hung up. Looks without waiting, and takes nothing that it sent.

    The socket itself must not block: gevent's waits for bytes whatever the flags of `recv` say.
    """
    patience_s = client.gettimeout()
    client.setblocking(False)
    try:
        return not client.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        client.settimeout(patience_s)


def connect(lease: Lease) -> socket.socket:
    """A connection to the engine. Raises NotTaken when it is not there."""
    engine = socket.socket(socket.AF_UNIX)
    try:
        engine.connect(lease.socket_path)
    except OSError as error:
        engine.close()
        raise NotTaken(f"The engine of “{lease.identifier}” is not there.") from error
    engine.setblocking(False)
    return engine


def ending(batch: tuple[Event, ...], lease: Lease) -> Iterator[tuple[Event, ...]]:
    """What the last batch has to pass on. Raises the error that it ends with, if it does."""
    error = _error(batch[-1], lease)
    if error is None:
        yield batch
        return
    if batch[:-1]:
        yield batch[:-1]
    raise error


def _error(last: Event, lease: Lease) -> Exception | None:
    match last:
        case Failed(error):
            return from_wire(error)
        case Finished(reason="modelUnloaded"):
            return ModelUnloaded(f"“{lease.identifier}” was unloaded while it answered.")
        case Finished(reason="failed"):
            return EngineFailed(f"The engine of “{lease.identifier}” failed while it answered.")
    return None


class Line:
    """Both sides of one exchange, for which `poll` waits. The request goes out while the engine takes it; then only
    arrivals are awaited."""

    def __init__(
        self, lease: Lease, engine: socket.socket, outgoing: bytes, client: socket.socket | None, poll: Poll
    ) -> None:
        self._lease = lease
        self._engine = engine
        self._descriptor = engine.fileno()
        self._outgoing = memoryview(outgoing)
        self._client = client
        self._unpacker: Unpacker[Events] = Unpacker(Events)
        self._poll = poll
        poll.register(self._descriptor, select.POLLIN | select.POLLOUT)
        if client is not None:
            poll.register(client.fileno(), select.POLLIN)
        self._send()

    def wait(self, timeout_s: float) -> tuple[Event, ...] | None:
        """Events that arrived, nothing if `timeout_s` passed, or None when something else happened."""
        ready = dict(self._poll.poll(timeout_s * 1000))
        if not ready:
            return ()
        flags = ready.pop(self._descriptor, 0)
        if ready:
            self._look_at_client()
        return self.attend(flags)

    def attend(self, flags: int) -> tuple[Event, ...] | None:
        """Do what the engine is ready for. Returns events that arrived, or None when something else happened."""
        if flags & select.POLLOUT and self._outgoing:
            self._send()
        return self._receive() or None if flags & ~select.POLLOUT else None

    def _look_at_client(self) -> None:
        assert self._client is not None
        if has_left(self._client):
            raise ClientGone
        # It pipelines its next request: bytes hide a later end of file, so there is nothing more to see here.
        self._poll.unregister(self._client.fileno())
        self._client = None

    def _send(self) -> None:
        try:
            sent = self._engine.send(self._outgoing)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._outgoing)  # the engine refused to read on: what it says about that is still to be read
        self._outgoing = self._outgoing[sent:]
        if not self._outgoing:
            self._poll.modify(self._descriptor, select.POLLIN)

    def _receive(self) -> tuple[Event, ...]:
        """What can be read at once. What is left, an end of file too, is there at the next look.

        `os.read` costs half of what a socket's `recv` does where gevent has replaced that.
        """
        try:
            received = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return ()
        except OSError:
            received = b""
        if not received:
            raise EngineFailed(f"The engine of “{self._lease.identifier}” ended before its answer was complete.")
        try:
            return tuple([event for frame in self._unpacker.feed(received) for event in frame.events])
        except BrokenFrame as error:
            raise EngineFailed(f"The engine of “{self._lease.identifier}” sent something unreadable.") from error
