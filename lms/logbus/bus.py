"""One publisher side that never blocks, any number of readers that may be slow.

Each reader has a queue of its own, bounded in events and in bytes of text, since a prompt may be long. A reader that
falls behind loses its oldest events, and is told how many. Who has to know of every event listens instead, and is
called by whoever publishes.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lms.logbus.records import LogRecord, Missed, record, text_bytes

CAPACITY = 1000
CAPACITY_BYTES = 8 << 20


class Subscription:
    """One reader's queue. `next_record` is called from the reader's thread, `offer` from any publisher's."""

    def __init__(self, capacity: int, capacity_bytes: int) -> None:
        self._records: deque[LogRecord] = deque()
        self._held_bytes = 0
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._missed = 0
        self._changed = threading.Condition()

    def offer(self, published: LogRecord) -> None:
        """Queue it at the cost of the oldest. The newest event is kept however long it is."""
        with self._changed:
            self._records.append(published)
            self._held_bytes += text_bytes(published.data)
            while self._overfull:
                self._take()
                self._missed += 1
            self._changed.notify()

    def next_record(self, timeout_s: float) -> LogRecord | None:
        """The next event, a `Missed` first if any were lost, or None when nothing came within `timeout_s`."""
        with self._changed:
            if not self._records and not self._changed.wait(timeout_s):
                return None
            if self._missed:
                missed, self._missed = self._missed, 0
                return record(Missed(missed))
            return self._take() if self._records else None

    @property
    def _overfull(self) -> bool:
        count = len(self._records)
        return count > self._capacity or (count > 1 and self._held_bytes > self._capacity_bytes)

    def _take(self) -> LogRecord:
        oldest = self._records.popleft()
        self._held_bytes -= text_bytes(oldest.data)
        return oldest


class LogBus:
    """Hands every published record to every open subscription."""

    def __init__(self, capacity: int = CAPACITY, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._subscriptions: tuple[Subscription, ...] = ()
        self._listeners: tuple[Callable[[LogRecord], None], ...] = ()
        self._lock = threading.Lock()

    def listen(self, listener: Callable[[LogRecord], None]) -> None:
        """Call `listener` with every event from now on, on the publisher's thread: it must be quick, and never fail."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def publish(self, published: LogRecord) -> None:
        """Never blocks on a reader."""
        for listener in self._listeners:
            listener(published)
        for subscription in self._subscriptions:
            subscription.offer(published)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """A subscription that sees what is published from now on, until the block is left."""
        subscription = Subscription(self._capacity, self._capacity_bytes)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        try:
            yield subscription
        finally:
            with self._lock:
                self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
