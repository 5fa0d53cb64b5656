"""The fake engine that ships, started as the daemon starts it: two processes, one that chats and one that embeds."""

import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lms.client.control import Lease, LeaseProgress, LeaseRequest, ModelRow
from lms.config.load import LoadConfig
from lms.engine.protocol import EngineSpec, Ready, Report
from lms.wire import Unpacker, pack
from tests.server.backend import EMBEDDER, ListedBackend
from tests.server.scripted_engine import MODEL

CONTEXT_LENGTH = 512


class FakeEnginesBackend(ListedBackend):
    """Leads leases on the one embedding model and on any other model to the engine for it."""

    def __init__(self, leases: dict[str, Lease]) -> None:
        super().__init__(on_disk=[MODEL, EMBEDDER])
        self._leases = leases

    def wait_for_lease(self, request: LeaseRequest) -> Generator[Lease | LeaseProgress | None, None, None]:
        yield self._leases[self.row(request).key]


@contextmanager
def fake_engines(folder: Path) -> Iterator[FakeEnginesBackend]:
    """Both engines, ready, until the block is left."""
    with _engine(folder, MODEL) as chat, _engine(folder, EMBEDDER) as embedder:
        yield FakeEnginesBackend({MODEL.key: chat, EMBEDDER.key: embedder})


@contextmanager
def _engine(folder: Path, model: ModelRow) -> Iterator[Lease]:
    spec = EngineSpec(
        engine="fake",
        model_path="",
        model_key=model.key,
        identifier=model.key,
        socket_path=str(folder / f"{model.kind}.sock"),
        config=LoadConfig(context_length=CONTEXT_LENGTH),
        embedding=model.kind == "embedding",
    )
    with subprocess.Popen(
        [sys.executable, "-m", "lms.engine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(pack(spec))
            ready = _ready(process.stdout)
            yield Lease(model.key, spec.socket_path, model, ready.context_length, ready.runtime)
        finally:
            process.stdin.close()
            _drain(process.stdout)


def _ready(stdout: IO[bytes]) -> Ready:
    unpacker: Unpacker[Report] = Unpacker(Report)
    while received := stdout.read(65536):
        for report in unpacker.feed(received):
            if isinstance(report, Ready):
                return report
    raise EOFError("The engine ended before it was ready.")


def _drain(stdout: IO[bytes]) -> None:
    """Read to the end, which is when the process has ended."""
    while stdout.read(65536):
        pass
