"""Writes what the daemon says about itself to its own log: a line each, on stderr. What models read and write never
gets there, nor does the chatter of their libraries.
"""

import sys
import threading
import time

import lms
from lms.logbus.bus import LogBus
from lms.logbus.records import LogRecord, RuntimeLog, ServerLog, record

_POLL_S = 0.5


class Journal:
    """One reader of the bus, on a thread of its own."""

    def __init__(self, bus: LogBus) -> None:
        self._bus = bus
        self._ready = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """Write what has been said, and end."""
        self._ending.set()
        self.say("The daemon has ended.")
        self._thread.join()

    def say(self, message: str) -> None:
        """Something about the daemon itself, for all who watch."""
        self._bus.publish(record(RuntimeLog("info", message, "lms", lms.__version__, "daemon")))

    def _run(self) -> None:
        with self._bus.subscribe() as subscription:
            self._ready.set()
            while True:
                ending = self._ending.is_set()
                published = subscription.next_record(0 if ending else _POLL_S)
                if published is None and ending:
                    return
                text = line(published) if published else None
                if text:
                    print(text, file=sys.stderr, flush=True)


def line(published: LogRecord) -> str | None:
    """The line for an event, or None when it is not for this log."""
    match published.data:
        case RuntimeLog(level=level, message=message, model_identifier=identifier) if level != "debug":
            about = f"{identifier}: " if identifier else ""
            return f"{_stamp(published)} [{level}] {about}{message}"
        case ServerLog(content=content, level=level) if level == "error":
            return f"{_stamp(published)} [{level}] {content}"
    return None


def _stamp(published: LogRecord) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(published.timestamp / 1000))
