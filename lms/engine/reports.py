"""What the engine tells the daemon, over its stdout. Library code that prints lands on stderr instead."""

import os
import sys

from lms.engine.outbox import Outbox
from lms.engine.protocol import Activity, Loading, Logged, Report
from lms.logbus.records import Level, LogData, Missed, RuntimeLog, record
from lms.wire import pack

LOG_LIMIT_BYTES = 8 * 1024 * 1024


class Reporter:
    """Writes frames to the pipe that was stdout. Records beyond `LOG_LIMIT_BYTES` unread are dropped and counted."""

    def __init__(self, model_identifier: str) -> None:
        self.descriptor = _take_stdout()
        self._outbox = Outbox(self.descriptor)
        self._identifier = model_identifier
        self._activity: Activity | None = None
        self._progress = 0.0
        self._missed = 0
        self.engine_name = "llama.cpp"
        self.engine_version = ""
        self.engine_type = "gguf"

    @property
    def wants_to_write(self) -> bool:
        return not self._outbox.is_empty

    def send(self, report: Report) -> None:
        """Queue a report. Never blocks."""
        if isinstance(report, Logged):
            if len(self._outbox) > LOG_LIMIT_BYTES:
                self._missed += 1
                return
            if self._missed:
                missed, self._missed = self._missed, 0
                self._outbox.send(pack(Logged(record(Missed(missed)))))
        self._outbox.send(pack(report))

    def flush(self) -> None:
        self._outbox.flush()

    def drain(self) -> None:
        """Send everything, waiting for the reader: for the last words of a process."""
        os.set_blocking(self.descriptor, True)
        self._outbox.flush()

    def loading(self, progress: float) -> None:
        """Report the progress of the load, a per cent at a time: llama.cpp says it for every tensor."""
        if progress >= self._progress + 0.01:
            self._progress = progress
            self.send(Loading(progress))

    def publish(self, data: LogData) -> None:
        self.send(Logged(record(data)))

    def runtime_log(self, level: Level, message: str) -> None:
        """What the library says, under its name."""
        self.publish(
            RuntimeLog(
                level, message, self.engine_name, self.engine_version, self.engine_type, self._identifier, os.getpid()
            )
        )

    def activity(self, now: Activity) -> None:
        """Send the activity if it is another than the last."""
        if now != self._activity:
            self._activity = now
            self.send(now)


def _take_stdout() -> int:
    """The pipe that stdout was, non-blocking; file descriptor 1 becomes a copy of stderr."""
    sys.stdout.flush()
    pipe = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    os.set_blocking(pipe, False)
    return pipe
