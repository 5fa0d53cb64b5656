"""`python -m lms.engine`: one process, one model. Started by the daemon, which holds its stdin."""

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import BinaryIO

import psutil

from lms.engine.model import Model
from lms.engine.processors import wait_briefly
from lms.engine.protocol import EngineSpec, LoadFailed, Ready
from lms.engine.reports import Reporter
from lms.engine.serve import EngineServer
from lms.engine.worker import Worker
from lms.errors import EngineFailed, LmsError, to_wire
from lms.limits import allow_descriptors
from lms.wire import Unpacker


def main() -> None:
    """Load, say ready, serve until stdin ends."""
    allow_descriptors()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal that started the daemon is not for us
    stdin = open(sys.stdin.fileno(), "rb", buffering=0, closefd=False)  # noqa: SIM115 - open for life
    spec = read_spec(stdin)
    reporter = Reporter(spec.identifier)
    started_s = time.perf_counter()
    try:
        model = load(spec, reporter)
        worker = Worker(spec, model, reporter.publish)
        worker.warm_up()
        server = EngineServer(worker, reporter, spec.socket_path, stdin)
    except LmsError as error:
        reporter.send(LoadFailed(to_wire(error)))
        reporter.drain()
        sys.exit(1)
    reporter.send(ready(model, time.perf_counter() - started_s))
    server.run()
    os.unlink(spec.socket_path)
    worker.close()
    model.close()


def read_spec(stdin: BinaryIO) -> EngineSpec:
    """The one frame the daemon sends. Raises EOFError when it ends before."""
    unpacker: Unpacker[EngineSpec] = Unpacker(EngineSpec)
    while received := stdin.read(4096):
        for spec in unpacker.feed(received):
            return spec
    raise EOFError("The daemon closed stdin before it said what to load.")


def load(spec: EngineSpec, reporter: Reporter) -> Model:
    """The model, by the library that `spec.engine` names. Raises EngineFailed when it cannot be loaded."""
    match spec.engine:
        case "fake":
            from lms.engine.fake import FakeModel

            return FakeModel(spec)
        case "llama":
            return _load_llama(spec, reporter, reporter.loading)


def _load_llama(spec: EngineSpec, reporter: Reporter, on_progress: Callable[[float], None]) -> Model:
    wait_briefly()
    try:
        from lms.engine import llama
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineFailed(
            f"llama-cpp-python cannot be used: {error}.",
            hint="Reinstall it: pip install --force-reinstall llama-cpp-python",
        ) from error
    reporter.engine_version = llama.version()
    llama.forward_logs(reporter.runtime_log)
    return llama.LlamaModel(spec, on_progress)


def ready(model: Model, load_time_s: float) -> Ready:
    """What is in force, and what it costs."""
    return Ready(
        context_length=model.context_length,
        parallel=model.parallel,
        runtime=model.runtime,
        memory_bytes=psutil.Process().memory_info().rss,
        load_time_s=load_time_s,
        warnings=model.warnings,
        sampling=model.defaults,
    )


if __name__ == "__main__":
    main()
