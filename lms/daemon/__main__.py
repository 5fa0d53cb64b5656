"""`python -m lms.daemon`: one daemon for one home, in the foreground. A second one for the same home ends at once."""

import os
import sys
import time
from contextlib import suppress

import msgspec

import lms
from lms.daemon import lock
from lms.errors import LmsError
from lms.limits import allow_descriptors
from lms.paths import Home, ensure_private, write_atomically

LOCK_TIMEOUT_S = 30.0


def main() -> None:
    """Run until told to end. SIGTERM and SIGINT keep what is loaded for next time, `lms daemon down` does not."""
    os.umask(0o077)
    allow_descriptors()
    home = Home.from_environment()
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_private(home.run)
    held = lock.take(home.lock) or lock.take_unless(home.lock, lambda: _answers(home), LOCK_TIMEOUT_S)
    if held is None:
        sys.exit(0 if _answers(home) else f"{home.lock} is held by a daemon that does not answer.")
    master_pid = os.getpid()
    _leave_hint(home)
    try:
        _serve(home)
    finally:
        if os.getpid() == master_pid:  # the worker, forked in the middle of this, leaves the same way
            home.daemon_state.unlink(missing_ok=True)


def _serve(home: Home) -> None:
    from lms.daemon.worker import Master

    Master(home).run()


def _answers(home: Home) -> bool:
    """Whether a daemon is there. Only asked when the lock is taken: the client takes a while to import."""
    from lms.client import DaemonClient

    try:
        DaemonClient(home).status()
    except LmsError:
        return False
    return True


def _leave_hint(home: Home) -> None:
    hint = {
        "pid": os.getpid(),
        "version": lms.__version__,
        "socket": str(home.daemon_socket),
        "started_s": round(time.time()),
    }
    with suppress(OSError):  # nobody depends on it, and a disk may be full
        write_atomically(home.daemon_state, msgspec.json.encode(hint))


if __name__ == "__main__":
    main()
