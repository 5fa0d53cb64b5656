"""Which log events `lms log stream` shows, and how they read. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from lms.cli import units
from lms.cli.output import Cell, Styled
from lms.errors import UsageError
from lms.logbus.records import LogData, LogRecord, Missed, PredictionInput, PredictionOutput, RuntimeLog, ServerLog

SOURCES = ("model", "server", "runtime")
DIRECTIONS = {"input": PredictionInput, "output": PredictionOutput}

Line = tuple[Cell, ...]


@dataclass(frozen=True)
class View:
    """A choice of events, and whether answers show their figures. `details`: also what llama.cpp says in passing, which
    is a hundred lines for each load.
    """

    kinds: tuple[type, ...]
    stats: bool = False
    details: bool = True

    @classmethod
    def of_flags(cls, source: str, filter_: str | None, stats: bool) -> View:
        """Raises UsageError on a word that is none, and on flags that only go with the model source."""
        if source not in SOURCES:
            raise UsageError(f"“{source}” is no log source.", hint=f"Choose one of {', '.join(SOURCES)}.")
        if source != "model" and (filter_ is not None or stats):
            raise UsageError(f"{'--stats' if filter_ is None else '--filter'} only goes with --source model.")
        if source != "model":
            return cls((ServerLog if source == "server" else RuntimeLog,))
        return cls(tuple(DIRECTIONS[word] for word in _directions(filter_)), stats)

    @classmethod
    def of_all(cls, stats: bool) -> View:
        """Whatever the source."""
        return cls((PredictionInput, PredictionOutput, ServerLog, RuntimeLog), stats, details=False)

    def shows(self, record: LogRecord) -> bool:
        """Events of the chosen kinds, and always the notice that some were lost."""
        if not self.details and _is_detail(record.data):
            return False
        return isinstance(record.data, (*self.kinds, Missed))


def _is_detail(data: LogData) -> bool:
    """The library in an engine calls itself by the format of its models; the daemon calls engines by their name."""
    return isinstance(data, RuntimeLog) and data.engine_type == "gguf" and data.level in ("debug", "info")


def _directions(filter_: str | None) -> list[str]:
    words = [word.strip() for word in ("input,output" if filter_ is None else filter_).split(",")]
    unknown = [word for word in words if word not in DIRECTIONS]
    if unknown:
        raise UsageError(f"“{unknown[0]}” cannot be filtered for.", hint="--filter takes input, output, or both.")
    return words


def as_json(record: LogRecord) -> str:
    """One line of NDJSON."""
    return msgspec.json.encode(record).decode()


def as_text(record: LogRecord, stats: bool, dated: bool = False) -> Iterator[Line]:
    """The lines that a person reads. `dated`: each event says when it was."""
    when = f"{units.stamp(record.timestamp / 1000)} " if dated else ""
    match record.data:
        case Missed(count):
            yield (Styled(f"… {count} events missed", "yellow"),)
        case ServerLog(content):
            yield (when, content)
        case RuntimeLog():
            yield (when, _runtime(record.data))
        case PredictionInput() | PredictionOutput():
            yield from _model(record, stats)


def _runtime(log: RuntimeLog) -> str:
    """`[LEVEL] engine@version (type) model pid=N message`, on one line."""
    engine = f"[{log.level.upper()}] {log.engine_name}@{log.engine_version} ({log.engine_type})"
    pid = "" if log.pid is None else f"pid={log.pid}"
    message = " ".join(log.message.splitlines())
    return " ".join(filter(None, (engine, log.model_identifier, pid, message)))


def _model(record: LogRecord, stats: bool) -> Iterator[Line]:
    fields: dict[str, Any] = msgspec.to_builtins(record.data)
    yield _field("timestamp", units.stamp(record.timestamp / 1000))
    for name in ("type", "modelIdentifier", "modelPath"):
        if name in fields:
            yield _field(name, fields[name])
    body = "input" if isinstance(record.data, PredictionInput) else "output"
    yield (f"{body}:",)
    yield (Styled(fields[body], "green"),)
    if stats and body == "output":
        yield from _stats(fields.get("stats"))
    yield ("\n",)


def _stats(figures: dict[str, Any] | None) -> Iterator[Line]:
    if not figures:
        yield ("stats: none",)
        return
    yield ("stats:",)
    for name, value in figures.items():
        yield _field(f"  {name}", value)


def _field(name: str, value: Any) -> Line:
    return f"{name}: ", Styled(str(value), "green")
