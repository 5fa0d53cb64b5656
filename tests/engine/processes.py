"""An engine as a real process, driven as the daemon and the clients drive it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lms.engine.protocol import Activity, Call, EngineSpec, Events, LoadFailed, Ready, Report
from lms.generation.events import Event
from lms.generation.request import Request
from lms.wire import Unpacker, pack


@dataclass
class EngineProcess:
    """A started engine, its reports read one by one."""

    spec: EngineSpec
    process: "subprocess.Popen[bytes]"
    reports: Iterator[Report]

    def wait_ready(self) -> Ready:
        for report in self.reports:
            match report:
                case Ready():
                    return report
                case LoadFailed(error):
                    raise AssertionError(error)
        raise AssertionError("the engine ended before it was ready")

    def wait_activity(self, **wanted: object) -> Activity:
        """The next activity with these values. The test's own time limit bounds the wait."""
        for report in self.reports:
            if isinstance(report, Activity) and all(getattr(report, k) == v for k, v in wanted.items()):
                return report
        raise AssertionError(f"the engine ended before it reported {wanted}")

    def call(self, request: Request, *, stream: bool = True) -> socket.socket:
        """Send a request and return the open connection."""
        client = socket.socket(socket.AF_UNIX)
        client.connect(self.spec.socket_path)
        client.sendall(pack(Call(request, stream)))
        return client

    def ask(self, request: Request, *, stream: bool = True) -> list[Event]:
        """All events of one request."""
        with self.call(request, stream=stream) as client:
            return [event for frame in frames(client) for event in frame.events]


def frames(client: socket.socket) -> Iterator[Events]:
    """The frames of one answer until the engine hangs up."""
    unpacker: Unpacker[Events] = Unpacker(Events)
    while received := client.recv(1 << 16):
        yield from unpacker.feed(received)


def reports(pipe: int) -> Iterator[Report]:
    unpacker: Unpacker[Report] = Unpacker(Report)
    while received := os.read(pipe, 1 << 16):
        yield from unpacker.feed(received)


@contextmanager
def started(spec: EngineSpec, *, prefix: Sequence[str] = (), **environ: str) -> Iterator[EngineProcess]:
    """The engine for `spec`; it is ended with the block, as the daemon ends one: by closing its stdin.

    `prefix` is a command line that runs what follows it.
    """
    process = subprocess.Popen(
        [*prefix, sys.executable, "-m", "lms.engine"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | environ,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(pack(spec))
        process.stdin.flush()
        yield EngineProcess(spec, process, reports(process.stdout.fileno()))
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def bundled(name: str) -> str:
    """The path of a bundled model's file."""
    import lms

    (found,) = (Path(lms.__file__).parent / "bundled" / "lms" / name).glob("*.gguf")
    return str(found)
