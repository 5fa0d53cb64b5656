"""The process that talks to MCP servers, as a child of the daemon: started when it is first asked for, and again when
it has died. It ends when its stdin closes, with every server that it has started, so nothing outlives the daemon.
"""

import select
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from lms.errors import DaemonFailed
from lms.logbus.records import LogData, ServerLog
from lms.paths import Home

MCP_COMMAND = (sys.executable, "-P", "-m", "lms.mcp")
START_TIMEOUT_S = 30.0
# MCP servers get 2 s to end by themselves, and then 2 s to heed a signal, before they are killed.
STOP_TIMEOUT_S = 8.0
KILL_TIMEOUT_S = 2.0
# A process that was killed lets go of its sockets a little before its parent learns of its death.
LOSS_TIMEOUT_S = 2.0


class McpHost:
    """Every method may be called from any thread."""

    def __init__(self, home: Home, publish: Callable[[LogData], None], command: Sequence[str] = MCP_COMMAND) -> None:
        self._home = home
        self._publish = publish
        self._command = command
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False

    def socket(self, lost: bool = False) -> str:
        """Where it listens, once it does. `lost`: somebody got no answer there, so it gets a moment to end in, if that
        is why, and is started again. Raises DaemonFailed when it cannot be started.
        """
        with self._lock:
            if self._closed:
                raise DaemonFailed("The daemon is ending.")
            if self._child is not None and _has_ended(self._child, LOSS_TIMEOUT_S if lost else 0):
                _end(self._child)  # lets go of its pipes
                self._child = None
            self._child = self._child or self._started()
            return str(self._home.mcp_socket)

    def close(self) -> None:
        """Returns when it has ended."""
        with self._lock:
            self._closed = True
            if self._child is not None:
                _end(self._child)

    def _started(self) -> subprocess.Popen[bytes]:
        try:
            child = subprocess.Popen(
                [*self._command, str(self._home.mcp_socket), str(self._home.mcp_servers)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise DaemonFailed(f"The process that talks to MCP servers could not be started: {error}.") from error
        threading.Thread(target=self._read_errors, args=(child,), name="mcp stderr", daemon=True).start()
        if not _is_ready(child):
            _end(child)
            raise DaemonFailed(
                "The process that talks to MCP servers did not start.", hint="lms log stream --source server says why."
            )
        return child

    def _read_errors(self, child: subprocess.Popen[bytes]) -> None:
        """What it complains about, and what its servers print."""
        assert child.stderr is not None
        with child.stderr as lines:
            for line in lines:
                if said := line.decode(errors="replace").rstrip():
                    self._publish(ServerLog(f"MCP: {said}", "info"))


def _is_ready(child: subprocess.Popen[bytes]) -> bool:
    assert child.stdout is not None
    waiting = select.poll()
    waiting.register(child.stdout, select.POLLIN)
    return bool(waiting.poll(START_TIMEOUT_S * 1000)) and child.stdout.readline() == b"ready\n"


def _has_ended(child: subprocess.Popen[bytes], timeout_s: float) -> bool:
    try:
        child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with suppress(OSError):
        child.stdin.close()
    for force, timeout_s in ((child.terminate, STOP_TIMEOUT_S), (child.kill, KILL_TIMEOUT_S)):
        try:
            child.wait(timeout_s)
            break
        except subprocess.TimeoutExpired:
            force()
    child.wait()
    child.stdout.close()
