"""Runs command lines in this process: the real program over a fake daemon, with streams that may be terminals."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lms.cli.app import run
from lms.cli.output import Output
from lms.cli.session import Session
from lms.paths import Home
from tests.cli.fake_daemon import FakeDaemon


class Stream(io.StringIO):
    """Text in memory that says whether it is a terminal."""

    def __init__(self, text: str = "", terminal: bool = False) -> None:
        super().__init__(text)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@dataclass(frozen=True)
class Ended:
    """What a command line left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """All of stdout as one JSON value: fails if anything else is there."""
        return json.loads(self.out)


@dataclass
class Terminal:
    """Somebody who types command lines. `keys` is what they answer to questions."""

    home: Home
    daemon: FakeDaemon
    is_tty: bool = False
    keys: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    started: int = 0

    def type(self, *arguments: str) -> Ended:
        """Run `lms <arguments>`."""
        out, err = Stream(terminal=self.is_tty), Stream(terminal=self.is_tty)
        session = Session(
            self.home,
            Output(out, err, self.environ),
            Stream(self.keys, self.is_tty),
            self.environ,
            client=lambda home: self.daemon,
            ensure=self._ensure,
        )
        code = run(arguments, session)
        return Ended(code, out.getvalue(), err.getvalue())

    def _ensure(self, home: Home, on_start: Callable[[], None]) -> FakeDaemon:
        if not self.daemon.on:
            on_start()
            self.started += 1
            self.daemon.on = True
        return self.daemon


@pytest.fixture
def daemon() -> FakeDaemon:
    return FakeDaemon()


@pytest.fixture
def lms(tmp_path: Path, daemon: FakeDaemon) -> Terminal:
    """`lms.type("ps", "--json")`, in a pipe, with the daemon on."""
    return Terminal(Home(tmp_path), daemon)
