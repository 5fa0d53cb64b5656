"""The engine processes of one pool: starts them as planned, passes on what they say under their number, ends them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

import lms
from lms.engine.protocol import EngineKind, EngineSpec, Logged, Ready, Report, Runtime
from lms.logbus.bus import LogBus
from lms.logbus.records import Level, LogRecord, RuntimeLog, record
from lms.pool.instance import Plan
from lms.pool.process import EngineProcess, Listener
from lms.pool.state import Exit


class Engine(Protocol):
    """What is needed of an engine process."""

    @property
    def pid(self) -> int: ...

    def stop(self) -> None: ...

    def has_ended(self) -> bool: ...

    def hear(self) -> bool: ...


Spawn = Callable[[EngineSpec, Listener], Engine]


@dataclass(frozen=True)
class Making:
    """How engines are made: of which kind, with which sockets, folder and queues, and by what (tests give actors)."""

    kind: EngineKind
    queue_limit: int
    prompt_cache: Path
    socket_path: Callable[[int], str]
    spawn: Spawn = EngineProcess


class Engines:
    """Used by the pool's loop thread only, but for what the engines' own threads report."""

    def __init__(
        self,
        making: Making,
        bus: LogBus,
        journal: Callable[[LogRecord], None],
        reported: Callable[[int, Report], None],
        exited: Callable[[int, Exit], None],
    ) -> None:
        self._making = making
        self._bus = bus
        self._journal = journal
        self._reported = reported
        self._exited = exited
        self._running: dict[int, Engine] = {}
        self._runtime = Runtime("lms", lms.__version__, ())  # until an engine says what it is

    def start(self, number: int, plan: Plan) -> int | None:
        """The new engine's pid; None when it could not be started, which is reported as an exit."""
        try:
            engine = self._making.spawn(self._spec(number, plan), self._listener(number, plan))
        except (OSError, RuntimeError) as error:  # no such program, no more processes; no more threads
            self._exited(number, Exit("could not be started", str(error)))
            return None
        self._running[number] = engine
        return engine.pid

    def stop(self, number: int) -> None:
        if number in self._running:
            self._running[number].stop()

    def catch_up(self) -> None:
        """Have everything reported that engines have said by now, and the exits of those that have died."""
        for engine in self._running.values():
            engine.hear()
            engine.has_ended()

    def gone(self, number: int) -> None:
        """Forget it, and remove what it may have left on disk."""
        self._running.pop(number, None)
        with suppress(OSError):
            Path(self._making.socket_path(number)).unlink()

    def say(self, level: Level, message: str, identifier: str | None = None, pid: int | None = None) -> None:
        """Something about an engine for the log, in the name of the library that runs them."""
        name, version = self._runtime.name, self._runtime.version
        said = record(RuntimeLog(level, message, name, version, self._making.kind, identifier, pid))
        self._bus.publish(said)
        self._journal(said)

    def _spec(self, number: int, plan: Plan) -> EngineSpec:
        return EngineSpec(
            engine=self._making.kind,
            model_path=str(plan.known.file),
            projector_path=str(plan.known.projector or ""),
            model_key=plan.key,
            identifier=plan.identifier,
            socket_path=self._making.socket_path(number),
            config=msgspec.structs.replace(plan.config, unified_kv=plan.unified),
            embedding=plan.embedding,
            arch=plan.known.row.arch or "",
            layers=plan.known.layers,
            cells=plan.cells,
            prompt_cache_bytes=plan.prompt_cache_bytes,
            prompt_cache_folder=str(self._making.prompt_cache),
            draft_model=plan.draft.model if plan.draft else None,
            queue_limit=self._making.queue_limit,
        )

    def _listener(self, number: int, plan: Plan) -> Listener:
        return Listener(
            reported=lambda report: self._report(number, report),
            said=lambda line: self.say("debug", line, plan.identifier),
            exited=lambda end: self._exited(number, end),
        )

    def _report(self, number: int, report: Report) -> None:
        if isinstance(report, Logged):
            self._bus.publish(report.record)
            return
        if isinstance(report, Ready):
            self._runtime = report.runtime
        self._reported(number, report)
