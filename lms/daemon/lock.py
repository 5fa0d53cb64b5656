"""Who may be the daemon: the one that holds the lock. The kernel lets go of it when the holder's last process ends, so
a lock file left by a crash or a power cut means nothing.
"""

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

_POLL_S = 0.05


def take(path: Path) -> int | None:
    """The descriptor that holds the lock for as long as it is open, or None when somebody else has it.

    Forked children share it; programs that are started do not inherit it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def take_unless(path: Path, given_up: Callable[[], bool], timeout_s: float) -> int | None:
    """The lock as soon as it is free; None once `given_up` says so or `timeout_s` has passed."""
    deadline_s = time.monotonic() + timeout_s
    while (descriptor := take(path)) is None:
        if given_up() or time.monotonic() > deadline_s:
            return None
        time.sleep(_POLL_S)
    return descriptor
