"""Writes what the daemon says about itself to its own log, a line each, on stderr.

What models read and write never gets there, nor does the chatter of their libraries.
"""

import sys
import threading
import time
from contextlib import suppress

from lms.logbus.records import LogRecord, RuntimeLog, ServerLog

_writing = threading.Lock()


def write(published: LogRecord) -> None:
    """Write it down if it is for this log. For any thread. A full disk costs the line and nothing else."""
    text = line(published)
    if text:
        with _writing, suppress(OSError):
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
