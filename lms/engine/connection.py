"""One client's connection: its call as it arrives, its events as they leave."""

import socket
from itertools import chain, groupby
from typing import Any

from lms.engine.outbox import Outbox
from lms.engine.protocol import Call, Events
from lms.generation.events import LAST, Event, PromptProgress, ReasoningDelta, TextDelta
from lms.wire import BrokenFrame, Unpacker, pack

RECEIVE_BYTES = 1 << 16


class Connection:
    """Events that cannot be sent at once wait, and leave together in one frame when the client reads again."""

    def __init__(self, number: int, client: socket.socket) -> None:
        client.setblocking(False)
        self.number = number
        self.socket = client
        self.call: Call | None = None
        self.is_watched = False
        """Whether the loop waits until it can be written to."""
        self._unpacker: Unpacker[Call] = Unpacker(Call)
        self._outbox = Outbox(client.fileno())
        self._events: list[Event] = []
        self._complete = False

    @property
    def wants_to_write(self) -> bool:
        return not self._outbox.is_empty

    @property
    def is_finished(self) -> bool:
        """Whether the last event has left."""
        return self._complete and self._outbox.is_empty and not self._events

    def receive(self) -> bool:
        """Read all that has come; sets `call` once it is whole. Returns False when the client is gone or not ours."""
        try:
            while received := self.socket.recv(RECEIVE_BYTES):
                for call in self._unpacker.feed(received):
                    self.call = self.call or call
        except BlockingIOError:
            return True
        except (OSError, BrokenFrame):
            return False
        return False

    def send(self, events: list[Event]) -> None:
        """Queue `events` and send what can be sent. Raises OSError when the client is gone."""
        if events:
            self._events += events
            self._complete = self._complete or isinstance(events[-1], LAST)
        self.flush()

    def flush(self) -> None:
        """Send what can be sent. Raises OSError when the client is gone."""
        if not self._outbox.is_empty:
            self._outbox.flush()
        if self._events and self._outbox.is_empty and (self._complete or self._streams):
            events, self._events = self._events, []
            self._outbox.send(pack(Events(tuple(merged(events)))))

    @property
    def _streams(self) -> bool:
        return self.call is None or self.call.stream

    def close(self) -> None:
        self.socket.close()


def merged(events: list[Event]) -> list[Event]:
    """The same events with neighbouring pieces of text joined, and of a prompt's progress only the last step."""
    if len(events) == 1:
        return events
    result: list[Event] = []
    for kind, run in groupby(events, key=type):
        same: list[Any] = list(run)
        if kind is TextDelta:
            logprobs = chain.from_iterable(event.logprobs for event in same)
            result.append(TextDelta("".join(event.text for event in same), tuple(logprobs)))
        elif kind is ReasoningDelta:
            result.append(ReasoningDelta("".join(event.text for event in same)))
        elif kind is PromptProgress:
            result.append(same[-1])
        else:
            result += same
    return result
