"""From a parsed call to an engine's events: takes leases, opens streams, closes them when the client leaves."""

import secrets
import socket
import string
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from lms.client.control import Lease
from lms.generation.request import Request
from lms.pool.stream import stream
from lms.server.answers import Answer, Batch, Head, collect
from lms.server.requests.call import Call, GenerateCall
from lms.server.services import Backend

_BASE_36 = string.digits + string.ascii_lowercase
_ID_LENGTH = 21


@dataclass(frozen=True)
class Exchange:
    """One HTTP request's way to the engines. `client` is its socket, or None where there is none to watch."""

    backend: Backend
    client: socket.socket | None = None

    def lease(self, call: Call) -> Lease:
        """A lease on the model that `call` names, which may take as long as loading it."""
        return self.backend.lease(call.model, call.kind, call.ttl_s)

    def ask(self, lease: Lease, request: Request, streamed: bool = False) -> Iterator[Batch]:
        """The events of one request; an empty batch about every second without any."""
        return stream(lease, request, self.client, streamed=streamed)

    def ask_each(self, first: Lease, call: GenerateCall) -> Iterator[tuple[int, Batch]]:
        """The events of every request of `call`, one after the other, each batch tagged with its request's number."""
        for index, request in enumerate(call.requests):
            with closing(stream(self._nth_lease(index, first, call), request, self.client)) as batches:
                for batch in batches:
                    yield index, batch

    def answers(self, first: Lease, call: GenerateCall) -> list[Answer]:
        """The whole answer to every request of `call`."""
        return [
            collect(self.ask(self._nth_lease(index, first, call), request))
            for index, request in enumerate(call.requests)
        ]

    def _nth_lease(self, index: int, first: Lease, call: GenerateCall) -> Lease:
        """A lease serves one request, so all but the first need one of their own."""
        return first if index == 0 else self.lease(call)


def new_head(prefix: str, lease: Lease) -> Head:
    """A reply that begins now. Its id looks as LM Studio's do: the prefix and 21 base-36 characters."""
    tail = "".join(secrets.choice(_BASE_36) for _ in range(_ID_LENGTH))
    return Head(f"{prefix}-{tail}", int(time.time()), lease)
