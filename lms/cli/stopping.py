"""Turns SIGTERM, and a reader who has left our stdout, into the KeyboardInterrupt that Ctrl-C raises.

Ctrl-C's own signal too: a script's shell lets its background jobs ignore that, and Python would keep it so.
"""

import os
import select
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def stop_signals(stdout: int | None) -> Iterator[None]:
    """While the block runs. `stdout` is its file descriptor, None when it has none. For the main thread only."""
    before = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    if stdout is not None and stat.S_ISFIFO(os.fstat(stdout).st_mode):
        threading.Thread(target=_watch, args=(stdout,), daemon=True).start()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _watch(pipe: int) -> None:
    """Wait until the pipe's other end is closed: `lms log stream | head -1` should not wait for one more event."""
    poll = select.poll()
    poll.register(pipe, 0)
    poll.poll()
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
