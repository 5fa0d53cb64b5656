"""Several requests to engines at once, of one client who waits for all of them."""

import select
import socket
from collections.abc import Callable, Generator, Iterator
from itertools import islice

from lms.client.control import Lease
from lms.engine.protocol import Call
from lms.generation.events import LAST, Event
from lms.generation.request import Request
from lms.pool.stream import ClientGone, Line, Poll, ending, has_left
from lms.wire import pack

# A lease, a connection to its engine, and what is asked there.
Asked = tuple[Lease, socket.socket, Request]


def side_by_side(
    asked: Iterator[Asked],
    client: socket.socket | None,
    at_once: int,
    heartbeat_s: float = 1.0,
    streamed: bool = True,
    new_poll: Callable[[], Poll] = select.poll,
) -> Generator[tuple[int, tuple[Event, ...]], None, None]:
    """The events of all requests as they come, each batch with the number of its request.

    The next one is asked when less than `at_once` are under way. Otherwise as `stream`, for each of them; what one
    raises ends all.
    """
    lines = _Lines(client, new_poll())
    numbered = enumerate(asked)
    try:
        while True:
            for number, (lease, engine, request) in islice(numbered, at_once - len(lines)):
                lines.open(number, lease, engine, pack(Call(request, streamed)))
            if not len(lines):
                return
            yield from lines.wait(heartbeat_s)
    finally:
        lines.close()


class _Lines:
    """The connections that are open, by their descriptors: with the number and the lease of their request."""

    def __init__(self, client: socket.socket | None, poll: Poll) -> None:
        self._poll = poll
        self._client = client
        self._open: dict[int, tuple[int, Lease, socket.socket, Line]] = {}
        if client is not None:
            poll.register(client.fileno(), select.POLLIN)

    def __len__(self) -> int:
        return len(self._open)

    def open(self, number: int, lease: Lease, engine: socket.socket, outgoing: bytes) -> None:
        line = Line(lease, engine, outgoing, None, self._poll)
        self._open[engine.fileno()] = (number, lease, engine, line)

    def wait(self, timeout_s: float) -> Iterator[tuple[int, tuple[Event, ...]]]:
        """What arrived, or an empty batch of any of them if `timeout_s` passed."""
        ready = self._poll.poll(timeout_s * 1000)
        if not ready:
            yield next(iter(self._open.values()))[0], ()
        for descriptor, flags in ready:
            if descriptor in self._open:
                yield from self._attend(descriptor, flags)
            else:
                self._look_at_client()

    def close(self) -> None:
        for descriptor in list(self._open):
            self._hang_up(descriptor)

    def _attend(self, descriptor: int, flags: int) -> Iterator[tuple[int, tuple[Event, ...]]]:
        number, lease, _, line = self._open[descriptor]
        batch = line.attend(flags)
        if batch and isinstance(batch[-1], LAST):
            self._hang_up(descriptor)
            for part in ending(batch, lease):
                yield number, part
        elif batch:
            yield number, batch

    def _hang_up(self, descriptor: int) -> None:
        _, _, engine, _ = self._open.pop(descriptor)
        self._poll.unregister(descriptor)
        engine.close()

    def _look_at_client(self) -> None:
        """Raises ClientGone. One that pipelines its next request is looked at no more: bytes hide a later end."""
        if self._client is None:
            return
        if has_left(self._client):
            raise ClientGone
        self._poll.unregister(self._client.fileno())
        self._client = None
