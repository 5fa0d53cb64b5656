"""From a parsed call to an engine's events: takes leases, opens streams, closes them when the client leaves."""

import select
import socket
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from lms.client.control import Lease, LeaseProgress, LeaseRequest, LoadDone, LoadRequest
from lms.errors import EngineFailed, ModelUnloaded
from lms.generation.request import GenerateRequest, Request
from lms.pool.stream import ClientGone, NotTaken, Poll, connect, has_left, stream
from lms.pool.streams import Asked, side_by_side
from lms.server.answers import Answer, Batch, Head, Tagged, collect, single
from lms.server.ids import new_id
from lms.server.requests.call import Call, EmbedCall, GenerateCall, PlainCall, in_terms_of
from lms.server.services import Backend

C = TypeVar("C")
E = TypeVar("E")
Chunks = Callable[[Iterable[Tagged], Head], Iterator[tuple[C, ...]]]

# What goes wrong sooner is a status. Later a client gets to know that its model is still being loaded.
STATUS_UNTIL_S = 1.0
# Of one call: more would only wait in the engine's queue, and take places in it that others could have.
AT_ONCE = 8
SECOND_TRIES_S = (0.01, 0.05, 0.2)


@dataclass(frozen=True)
class Exchange:
    """One HTTP request's way to the engines.

    client: its socket, or None where there is none to watch
    new_poll: how to wait for the engine and the client
    """

    backend: Backend
    client: socket.socket | None = None
    new_poll: Callable[[], Poll] = select.poll

    def lease(self, call: Call) -> Lease:
        """A lease on the model that `call` names, which may take as long as loading it."""
        with closing(self.leases(call)) as leases:
            return next(filter(None, leases))

    def leases(self, call: Call) -> Generator[Lease | None, None, None]:
        """None about twice a second, then a lease. Raises ClientGone when nobody waits for it any more."""
        request = LeaseRequest(
            call.model, call.kind, call.ttl_s, call.draft_model, call.context_length, picture=call.picture
        )
        with closing(self.waited(request)) as answers:
            for answer in answers:
                yield answer if isinstance(answer, Lease) else None

    def waited(self, request: LeaseRequest) -> Generator[Lease | LeaseProgress | None, None, None]:
        """What the backend says to `request`. Raises ClientGone when nobody waits for the lease any more."""
        with closing(self.backend.wait_for_lease(request)) as answers:
            for answer in answers:
                if self.client is not None and not isinstance(answer, Lease) and has_left(self.client):
                    raise ClientGone
                yield answer

    def attended(self, waiting: Generator[None, None, E]) -> Generator[Batch, None, E]:
        """An empty batch each time that `waiting` has waited a while, then what it returns. Raises ClientGone when
        nobody waits for that any more.
        """
        with closing(waiting):
            while True:
                try:
                    next(waiting)
                except StopIteration as end:
                    found: E = end.value
                    return found
                if self.client is not None and has_left(self.client):
                    raise ClientGone
                yield ()

    def load(self, request: LoadRequest) -> LoadDone:
        """Returns when it is loaded. Raises ClientGone, which cancels the load, when nobody waits for it any more."""
        with closing(self.backend.load(request)) as reports:
            for report in reports:
                if isinstance(report, LoadDone):
                    return report
                if self.client is not None and has_left(self.client):
                    raise ClientGone
        raise EngineFailed(f"The daemon broke off loading “{request.model}”.", hint="Its log may say why.")

    def streamed(self, call: GenerateCall, prefix: str, chunks: "Chunks[C]") -> Generator[tuple[C, ...], None, None]:
        """What `chunks` makes of the events of `call`, under a head with an id of that `prefix`.

        After `STATUS_UNTIL_S` without a lease there are empty batches, about two a second, until there is one.
        """
        yield from self.streamed_as(call, prefix, lambda lease: self.ask_each(lease, call), chunks)

    def streamed_as(
        self,
        call: GenerateCall,
        prefix: str,
        ask: Callable[[Lease], Generator[E, None, None]],
        chunks: Callable[[Iterable[E], Head], Iterator[tuple[C, ...]]],
    ) -> Generator[tuple[C, ...], None, None]:
        """The same of what `ask` gets to hear with a lease."""
        status_until_s = time.monotonic() + STATUS_UNTIL_S
        with closing(self.leases(call)) as leases:
            for lease in leases:
                if lease is not None:
                    with closing(ask(lease)) as events:
                        yield from chunks(events, new_head(prefix, lease))
                elif time.monotonic() > status_until_s:
                    yield ()

    def ask(self, lease: Lease, call: Call, request: Request, streamed: bool = False) -> Generator[Batch, None, None]:
        """The events of one request of `call`; an empty batch about every second without any.

        An engine that died a moment ago may still be leased. A request that it never took is asked again; one that it
        took is not, because whoever unloads a model would see it loaded again. Raises ModelUnloaded after the last try.
        """
        lease, engine = self._connected(lease, call)
        asked = _drafted(request, lease)
        with in_terms_of(call.fields):
            yield from stream(lease, asked, self.client, streamed=streamed, new_poll=self.new_poll, engine=engine)

    def ask_each(self, first: Lease, call: GenerateCall, streamed: bool = True) -> Generator[Tagged, None, None]:
        """The events of every request of `call`, side by side, each batch tagged with its request's number."""
        if len(call.requests) > 1:
            asked = self._asked(first, call)
            with in_terms_of(call.fields):
                yield from side_by_side(asked, self.client, AT_ONCE, streamed=streamed, new_poll=self.new_poll)
            return
        with closing(self.ask(first, call, call.requests[0], streamed=streamed)) as batches:
            for batch in batches:
                yield 0, batch

    def answers(self, first: Lease, call: GenerateCall) -> list[Answer]:
        """The whole answer to every request of `call`."""
        batches: list[list[Batch]] = [[] for _ in call.requests]
        with closing(self.ask_each(first, call, streamed=False)) as tagged:
            for index, batch in tagged:
                if batch:
                    batches[index].append(batch)
        return [collect(each) for each in batches]

    def _asked(self, first: Lease, call: GenerateCall) -> Iterator[Asked]:
        """Every request of `call` with a lease and a connection of its own."""
        for index, request in enumerate(call.requests):
            lease, engine = self._connected(self._nth_lease(index, first, call), call)
            yield lease, engine, _drafted(request, lease)

    def _connected(
        self, lease: Lease, call: Call, pauses_s: tuple[float, ...] = SECOND_TRIES_S
    ) -> tuple[Lease, socket.socket]:
        """A connection, and the lease that it is for: another one if the engine has died. As `ask`, otherwise."""
        try:
            return lease, connect(lease)
        except NotTaken as error:
            if not pauses_s:
                raise ModelUnloaded(
                    f"“{lease.identifier}” was unloaded before the request reached it.", hint="Try again."
                ) from error
        time.sleep(pauses_s[0])
        return self._connected(self.lease(call), call, pauses_s[1:])

    def single(self, lease: Lease, call: EmbedCall | PlainCall, kind: type[E]) -> E:
        """The one event that answers `call`, which is of that kind."""
        with closing(self.ask(lease, call, call.request)) as batches:
            return single(batches, kind)

    def _nth_lease(self, index: int, first: Lease, call: GenerateCall) -> Lease:
        """A lease serves one request, so all but the first need one of their own."""
        return first if index == 0 else self.lease(call)


def _drafted(request: Request, lease: Lease) -> Request:
    """The request with the draft model that its lease is for."""
    if lease.draft_model is None or not isinstance(request, GenerateRequest):
        return request
    return msgspec.structs.replace(request, draft_model=lease.draft_model)


def new_head(prefix: str, lease: Lease) -> Head:
    """A reply that begins now."""
    return Head(new_id(prefix), int(time.time()), lease)
