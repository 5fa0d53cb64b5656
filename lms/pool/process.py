"""One engine as a child process: starts it, passes on what it reports, ends it.

An engine ends when its stdin closes, so it does not outlive this process however that ends. Signals are sent only
through the `Popen` object, which never reaches a foreign process.
"""

import os
import select
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from lms.engine.protocol import EngineSpec, Report
from lms.pool.state import Exit
from lms.wire import BrokenFrame, Unpacker, pack

ENGINE_COMMAND = (sys.executable, "-P", "-m", "lms.engine")
STOP_TIMEOUT_S = 5.0
KILL_TIMEOUT_S = 2.0
EXIT_TIMEOUT_S = 1.0
LAST_LINES = 10
LAST_WORDS_LIMIT = 1000
_READ_BYTES = 1 << 16  # what a pipe holds


@dataclass(frozen=True)
class Listener:
    """Who hears of an engine. All are called from the engine's own threads, `exited` last and exactly once."""

    reported: Callable[[Report], None]
    said: Callable[[str], None]
    exited: Callable[[Exit], None]


class EngineProcess:
    """A running engine. Raises OSError when it cannot be started."""

    def __init__(
        self,
        spec: EngineSpec,
        listener: Listener,
        command: Sequence[str] = ENGINE_COMMAND,
        stop_timeout_s: float = STOP_TIMEOUT_S,
        kill_timeout_s: float = KILL_TIMEOUT_S,
    ) -> None:
        """One that does not end gets SIGTERM after the first timeout, SIGKILL after the second."""
        self._listener = listener
        self._patience = ((self._terminate, stop_timeout_s), (self._kill, kill_timeout_s))
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._unpacker: Unpacker[Report] = Unpacker(Report)
        self._hearing = threading.Lock()
        self._stopping = threading.Event()
        self._exit_told = threading.Event()
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        self._send(pack(spec))
        self._errors = threading.Thread(target=self._read_errors, name=f"engine {spec.identifier} stderr", daemon=True)
        self._errors.start()
        threading.Thread(target=self._watch, name=f"engine {spec.identifier}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def has_ended(self, timeout_s: float = EXIT_TIMEOUT_S) -> bool:
        """Whether the process is dead or dying. If so, returns once `exited` has been told, or after `timeout_s`.

        A process that dies closes its descriptors in order, stdin before any client's connection, and can be waited for
        only some milliseconds later: who looks at stdin's other end is never behind a client.
        """
        if self._stopping.is_set():
            return False
        looking = select.poll()
        try:
            looking.register(_pipe(self._child.stdin), 0)
            return bool(looking.poll(0)) and self._exit_told.wait(timeout_s)
        except ValueError:  # the pipe is closed: the exit is being told
            return self._exit_told.wait(timeout_s)

    def hear(self) -> bool:
        """Pass on all that it has reported by now. False once nothing more can come.

        An engine reports before it answers: who looks here is never behind a client.
        """
        with self._hearing:
            if not self._says_something(0):  # nothing is there, or another thread has heard it
                return True
            received = os.read(_pipe(self._child.stdout).fileno(), _READ_BYTES)
            try:
                for report in self._unpacker.feed(received):
                    self._listener.reported(report)
            except BrokenFrame as error:
                self._last_lines.append(f"It reported something unreadable: {error}.")
                self._child.kill()
                return False
        return bool(received)

    def stop(self) -> None:
        """Ask it to end; make it end when it does not. Returns at once, `exited` tells when it is gone."""
        if not self._stopping.is_set():
            self._stopping.set()
            threading.Thread(target=self._end, name="engine stop", daemon=True).start()

    def _send(self, frame: bytes) -> None:
        with suppress(OSError):  # When it is dead already the watcher says why.
            _pipe(self._child.stdin).write(frame)
            _pipe(self._child.stdin).flush()

    def _end(self) -> None:
        with suppress(OSError):
            _pipe(self._child.stdin).close()
        for force, timeout_s in self._patience:
            try:
                self._child.wait(timeout_s)
                return
            except subprocess.TimeoutExpired:
                force()

    def _terminate(self) -> None:
        self._child.terminate()

    def _kill(self) -> None:
        self._child.kill()

    def _watch(self) -> None:
        while self._says_something(None) and self.hear():
            pass
        self._errors.join()
        code = self._child.wait()
        with self._hearing:
            for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
                with suppress(OSError):
                    _pipe(pipe).close()
        self._listener.exited(Exit(_how(code), "\n".join(self._last_lines)[-LAST_WORDS_LIMIT:]))
        self._exit_told.set()

    def _says_something(self, timeout_ms: int | None) -> bool:
        """Whether there are reports to read, or there will be no more; waits until then without a timeout."""
        listening = select.poll()
        try:
            listening.register(_pipe(self._child.stdout), select.POLLIN)
        except ValueError:  # the pipe is closed: all has been heard
            return False
        return bool(listening.poll(timeout_ms))

    def _read_errors(self) -> None:
        for raw in _pipe(self._child.stderr):
            line = raw.decode(errors="replace").rstrip()
            if line:
                self._last_lines.append(line)
                self._listener.said(line)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # all three were asked for
    return pipe


def _how(code: int) -> str:
    """What became of a child with that `Popen.returncode`, as the end of a sentence about it."""
    if code >= 0:
        return "ended" if code == 0 else f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
