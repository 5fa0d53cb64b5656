"""The front as a child of the daemon: how it is started on a socket, heard, found to answer, and ended."""

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from lms.client.control import Admission
from lms.daemon import listener
from lms.errors import DaemonFailed
from lms.logbus.records import LogData, ServerLog

FRONT_COMMAND = (sys.executable, "-P", "-m", "lms.daemon.front")
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 3.0
GREETING_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Site:
    """Where the server listens, and the socket it listens with."""

    host: str
    port: int | None
    admission: Admission
    listener: socket.socket

    @property
    def arguments(self) -> list[str]:
        """What its front has to know."""
        origins = [word for origin in self.admission.origins for word in ("--origin", origin)]
        require_auth = ["--require-auth"] if self.admission.require_auth else []
        return ["--fd", str(self.listener.fileno()), *origins, *require_auth]


class Front:
    """One front process. It ends when its stdin closes."""

    def __init__(self, site: Site, publish: Callable[[LogData], None], command: Sequence[str] = FRONT_COMMAND) -> None:
        self._child = subprocess.Popen(
            [*command, *site.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[site.listener.fileno()],
            start_new_session=True,
        )
        self._publish = publish
        self.started_s = time.monotonic()
        threading.Thread(target=self._read, name="front", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def wait(self) -> int:
        """Its exit code, when it has ended."""
        return self._child.wait()

    def stop(self) -> None:
        """End it, and the requests it is answering."""
        assert self._child.stdin is not None
        with suppress(OSError):
            self._child.stdin.close()
        for force in (self._child.terminate, self._child.kill):
            try:
                self._child.wait(STOP_TIMEOUT_S)
                return
            except subprocess.TimeoutExpired:
                force()
        self._child.wait()

    def _read(self) -> None:
        """One `LogData` a line. Anything else is somebody's print, and published as it stands."""
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            for line in lines:
                try:
                    self._publish(msgspec.json.decode(line, type=LogData))
                except msgspec.DecodeError:
                    self._publish(ServerLog(line.decode(errors="replace").rstrip(), "debug"))


def wait_for_greeting(site: Site, front: Front) -> None:
    """Returns when the front has answered a request. Raises DaemonFailed."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s:
        if not front.running:
            raise DaemonFailed("The HTTP server ended while it started.", hint="The daemon's log says why.")
        if _greets(site):
            return
    raise DaemonFailed(f"The HTTP server did not answer within {START_TIMEOUT_S:.0f} s.")


def _greets(site: Site) -> bool:
    """The socket is open already, so a request waits in it until the front takes it."""
    connection = http.client.HTTPConnection(listener.reachable_host(site.host), site.port, timeout=GREETING_TIMEOUT_S)
    try:
        if path := listener.path_of(site.host):
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(GREETING_TIMEOUT_S)
            connection.sock.connect(str(path))
        connection.request("GET", "/lmstudio-greeting", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
