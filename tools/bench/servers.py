"""The two that are compared, each started for one set-up: ours in an installation of its own, and llama-server.

Both are up at once and take turns. An idle one of either costs nothing that counts (ours 0.2 % of a core, llama-server
none: `idle_share` is written down in every run), and a start for every measurement would cost more than it measures.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from lms.client import DaemonClient
from lms.client.control import LoadDone, LoadRequest
from lms.config.load import LoadConfig
from lms.paths import Home
from tools.bench import load, models
from tools.bench.answers import content
from tools.bench.load import Call
from tools.installation import Installation, fresh_installation

READY_TIMEOUT_S = 120.0
IDLE_S = 2.0
Kind = Literal["chat", "embedding"]


@dataclass(frozen=True)
class Setup:
    """How a model is loaded, by both alike. `context_length` is for each of the `slots`; no `threads`: one for each
    physical core at the peer, and what it thinks best at ours."""

    model: Path
    context_length: int
    slots: int = 8
    kind: Kind = "chat"
    threads: int | None = None

    def config(self, *, speculation: bool) -> LoadConfig:
        """For ours."""
        return LoadConfig(
            context_length=self.context_length,
            parallel=None if self.kind == "embedding" else self.slots,
            threads=self.threads,
            speculation="ngram" if speculation else "off",
        )

    def command(self, server: Path, port: int) -> list[str]:
        """For the peer: everything that is not said here is as it comes."""
        threads = self.threads or psutil.cpu_count(logical=False) or 1
        shape = ["-t", str(threads), "-np", str(self.slots), "-c", str(self.slots * self.context_length)]
        mode = ["--embeddings"] if self.kind == "embedding" else []
        return [str(server), "-m", str(self.model), "--host", "127.0.0.1", "--port", str(port), *shape, *mode]


@dataclass(frozen=True)
class Server:
    """Answers for `model` at `port`; `pid` and its children do the work."""

    port: int
    model: str
    pid: int
    notes: tuple[str, ...] = field(default=())

    def cpu_s(self) -> float:
        """Processor time spent so far, by all of its processes that live."""
        total_s = 0.0
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total_s += times.user + times.system
        return total_s

    def processes(self) -> list[psutil.Process]:
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]

    def idle_share(self) -> float:
        """Of one core, while nobody asks anything."""
        before_s = self.cpu_s()
        time.sleep(IDLE_S)
        return (self.cpu_s() - before_s) / IDLE_S


class Ours:
    """A running installation, into which models are loaded and out of which they are taken."""

    def __init__(self, installation: Installation) -> None:
        self._home = Home(installation.home)
        self.port = int(installation.lms_json("server", "start", "--port", "0", "--quiet")["port"])

    @contextmanager
    def serving(self, setup: Setup, *, speculation: bool = False) -> Iterator[Server]:
        """The model is loaded for the length of the block. Raises LmsError when it cannot be."""
        with closing(DaemonClient(self._home)) as daemon:
            identifier = f"bench-{'ngram' if speculation else 'off'}"
            config = setup.config(speculation=speculation)
            done = _load(daemon, LoadRequest(_key(daemon, setup.model), identifier, config=config))
            try:
                yield _warm(Server(self.port, identifier, daemon.status().pid, done.warnings), setup.kind)
            finally:
                daemon.unload(identifier)


@contextmanager
def ours() -> Iterator[Ours]:
    """An installation of our own server over the bench models, removed with the block."""
    with fresh_installation(models.FOLDER.absolute()) as installation:
        yield Ours(installation)


@contextmanager
def peer_serving(server: Path, setup: Setup, log: Path) -> Iterator[Server]:
    """A llama-server for the length of the block. What it says goes to `log`. Raises RuntimeError when it ends."""
    port = _free_port()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        process = subprocess.Popen(setup.command(server, port), stdout=file, stderr=subprocess.STDOUT)
    try:
        _wait_until_healthy(process, port, log)
        yield _warm(Server(port, setup.model.stem, process.pid), setup.kind)
    finally:
        process.kill()  # it has nothing to save, and at SIGTERM it waits for answers to end
        process.wait()


def _load(daemon: DaemonClient, request: LoadRequest) -> LoadDone:
    return next(report for report in daemon.load(request) if isinstance(report, LoadDone))


def _key(daemon: DaemonClient, model: Path) -> str:
    return next(row.key for row in daemon.models() if row.path.endswith(model.name))


def _warm(server: Server, kind: Kind) -> Server:
    """The first request pays for imports and for memory that nobody has touched yet."""
    calls = {
        "chat": Call("/completions", {"model": server.model, "prompt": "A", "max_tokens": 8}),
        "embedding": Call("/embeddings", {"model": server.model, "input": "A"}),
    }
    content(load.run(lambda: load.ask(server.port, calls[kind])))
    return server


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while not _is_healthy(port):
        if process.poll() is not None or time.monotonic() > deadline_s:
            raise RuntimeError(f"llama-server does not come up; {log} says why.")
        time.sleep(0.1)


def _is_healthy(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
