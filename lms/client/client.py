"""The daemon's own API, called over its unix socket. Safe to share between threads and greenlets."""

import fcntl
import socket
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec

import lms
from lms.client.calls import CONNECT_TIMEOUT_S, LIMITS, READ_TIMEOUT_S, TIMEOUT, DaemonCalls
from lms.client.control import Lease, LeaseKind, LeaseProgress, LeaseRequest
from lms.client.leases import Leases
from lms.errors import DaemonFailed, DaemonUnreachable
from lms.paths import Home
from lms.wire import BrokenFrame

SHUTDOWN_TIMEOUT_S = 30.0
_POLL_S = 0.02


class _Hint(msgspec.Struct, frozen=True):
    """What is of interest in `Home.daemon_state`."""

    pid: int


class DaemonClient(DaemonCalls):
    """Every method raises DaemonUnreachable when nobody answers, and the LmsError that the daemon answered."""

    def __init__(self, home: Home) -> None:
        self._home = home
        # Without verify=False the transport loads every root certificate, 20 ms for a socket that has no TLS.
        transport = httpx.HTTPTransport(uds=str(home.daemon_socket), verify=False, limits=LIMITS)
        http = httpx.Client(transport=transport, base_url="http://daemon/internal", timeout=TIMEOUT)
        super().__init__(http, "http://daemon")
        self._leases = Leases(home.lease_socket, CONNECT_TIMEOUT_S, READ_TIMEOUT_S)

    def close(self) -> None:
        super().close()
        self._leases.close()

    def skew(self) -> str | None:
        """A warning when the daemon runs another version of this program, else None."""
        if self._version is None:
            self.status()
        if self._version == lms.__version__:
            return None
        return f"The daemon is version {self._version}, this is {lms.__version__}. lms daemon down ends the old one."

    def shutdown(self) -> None:
        """End the daemon and all it runs; the next one starts with nothing loaded. Returns when it is gone, also if
        somebody has started another one meanwhile.

        Raises DaemonFailed when it does not go.
        """
        pid = self._hinted_pid()
        with self._reachable():
            # A connection kept alive would keep the daemon for two seconds longer.
            self._decoded(self._http.post("/shutdown", headers={"Connection": "close"}), dict[str, Any])
        deadline_s = time.monotonic() + SHUTDOWN_TIMEOUT_S
        while is_locked(self._home.lock) and self._hinted_pid() in (pid, None):
            if time.monotonic() > deadline_s:
                raise DaemonFailed(f"The daemon did not end within {SHUTDOWN_TIMEOUT_S:.0f} s.")
            time.sleep(_POLL_S)

    def lease(self, model: str, kind: LeaseKind, ttl_s: float | None = None) -> Lease:
        """The right to send one request to `model`, which is loaded first if need be. Blocks until it is ready."""
        with closing(self.wait_for_lease(LeaseRequest(model, kind, ttl_s))) as answers:
            return next(answer for answer in answers if isinstance(answer, Lease))

    def wait_for_lease(self, request: LeaseRequest) -> Generator[Lease | LeaseProgress | None, None, None]:
        """None about twice a second while the model is loaded, and news if the request asks for them; then the lease.
        Closing it before ends the waiting.
        """
        try:
            yield from self._leases.wait(request)
        except OSError as error:
            raise self._unreachable(error) from error
        except BrokenFrame as error:
            raise self._of_another_build() from error

    # How

    def _hinted_pid(self) -> int | None:
        """The pid of the daemon that has started last, where it could write it down and has not ended."""
        try:
            return msgspec.json.decode(self._home.daemon_state.read_bytes(), type=_Hint).pid
        except (OSError, msgspec.DecodeError):
            return None

    def _knock(self) -> None:
        """httpcore 1.0 leaves a socket that could not connect to the garbage collector, so this one goes first."""
        _knock(self._home.daemon_socket)

    def _unreachable(self, error: Exception) -> DaemonUnreachable:
        return DaemonUnreachable("The daemon does not answer.", hint="lms daemon up starts it.")

    def _of_another_build(self) -> DaemonFailed:
        """Its version may be the same: a tree that somebody works on, or an installation that was renewed under it."""
        return DaemonFailed(
            "The daemon is of another build of lms, and does not understand this one.",
            hint="lms daemon down ends it, and the next command starts the new one.",
        )


def _knock(path: Path) -> None:
    """Raises OSError when nobody listens there."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(CONNECT_TIMEOUT_S)
        probe.connect(str(path))


def is_locked(path: Path) -> bool:
    """Whether a daemon holds the lock. Taken for a moment to find out, shared, so that those who ask do not collide."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
