"""The line that each request leaves in the server's log, written when its answer is complete or broken off."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from lms.logbus.records import Level, LogData, ServerLog


@dataclass
class Access:
    """One request from its arrival on. Whoever meets a problem notes it; `close` writes the line, once."""

    method: str
    path: str
    log: Callable[[LogData], None]
    started_s: float = field(default_factory=time.monotonic)
    status: int = 0
    problem: str | None = None

    def close(self) -> None:
        took_ms = round((time.monotonic() - self.started_s) * 1000)
        self.log(ServerLog(line(self.method, self.path, self.status, took_ms, self.problem), level(self.status)))


def line(method: str, path: str, status: int, took_ms: int, problem: str | None) -> str:
    """One line, whatever the client put into its path or its model's name."""
    happened = f"{method} {quote(path, safe='/:@')} {status} {took_ms} ms"
    return f"{happened}: {_printable(problem)}" if problem else happened


def level(status: int) -> Level:
    if status >= 500:
        return "error"
    return "warn" if status >= 400 else "info"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
