"""The line that each request leaves in the server's log, written when its answer is complete or broken off.

Every request has an id, which the client finds in `x-request-id`: its own, if it sent one that is fit for a log.
"""

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from lms.logbus.records import HttpRequest, Level, LogData, ServerLog

# Asked again and again by whoever watches a server: a line of each in what is kept would drive out all else.
WATCHED = ("/health", "/metrics", "/lmstudio-greeting")
_FIT = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass
class Access:
    """One request from its arrival on. Whoever meets a problem notes it; `close` writes the line, once.

    endpoint: the path of the endpoint that answers, its variables by name, if there is one
    """

    method: str
    path: str
    log: Callable[[LogData], None]
    id: str = ""
    endpoint: str | None = None
    started_s: float = field(default_factory=time.monotonic)
    status: int = 0
    problem: str | None = None

    def close(self) -> None:
        took_s = time.monotonic() - self.started_s
        said = line(self.method, self.path, self.status, round(took_s * 1000), self.problem)
        request = HttpRequest(self.id, self.method, self.status, took_s, self.endpoint)
        self.log(ServerLog(said, level(self.status, self.endpoint), request))


def request_id(sent: str | None) -> str:
    """The id of a request whose client sent `sent` as one, or none. It needs no secrecy."""
    return sent if sent and _FIT.fullmatch(sent) else f"req_{random.getrandbits(96):024x}"


def line(method: str, path: str, status: int, took_ms: int, problem: str | None) -> str:
    """One line, whatever the client put into its path or its model's name."""
    happened = f"{method} {quote(path, safe='/:@')} {status} {took_ms} ms"
    return f"{happened}: {_printable(problem)}" if problem else happened


def level(status: int, endpoint: str | None) -> Level:
    """Lines of level debug are streamed, and not kept."""
    if status >= 500:
        return "error"
    if status >= 400:
        return "warn"
    return "debug" if endpoint in WATCHED else "info"


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
