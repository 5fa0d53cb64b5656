"""An app over a scripted engine, and its client."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient

from lms.history.history import History
from lms.logbus.records import LogData, ServerLog
from lms.server.app import create_app
from tests.server.backend import ListedBackend
from tests.server.cases import Case
from tests.server.scripted_engine import HELLO, ScriptedEngine, Step


@dataclass
class Site:
    """One app with its parts. `log` is what it wrote, `history_file` where `history` is kept."""

    backend: ListedBackend
    engine: ScriptedEngine
    client: FlaskClient
    log: list[LogData]
    history: History
    history_file: Path

    def post(self, path: str, **fields: Any) -> Any:
        return self.client.post(path, json=fields)

    def lines(self) -> list[str]:
        return [entry.content for entry in self.log if isinstance(entry, ServerLog)]


class MakeSite:
    """Makes sites, and closes their engines when the test is over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._engines: list[ScriptedEngine] = []

    def __call__(self, script: Iterable[Step] = HELLO, *, hang_up: bool = False, **options: Any) -> Site:
        """A site whose app is created with those `options`."""
        folder = self._folder / str(len(self._engines))
        folder.mkdir()
        engine = ScriptedEngine(folder, script, hang_up)
        self._engines.append(engine)
        backend, log, history_file = ListedBackend(engine), list[LogData](), folder / "history.db"
        history = History(history_file)
        app = create_app(backend, history, log=log.append, **options)
        return Site(backend, engine, app.test_client(), log, history, history_file)

    def close(self) -> None:
        for engine in self._engines:
            engine.close()


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    make = MakeSite(tmp_path)
    yield make
    make.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """An app whose engine says hello."""
    return make_site()


@pytest.fixture
def answering(case: Case, make_site: MakeSite) -> Site:
    """A site whose engine answers as the `case` of the test's file says."""
    return make_site(case.events)


def chunks_of(stream: bytes) -> list[Any]:
    """The JSON of every `data:` line before `[DONE]`."""
    lines = [line.removeprefix(b"data: ") for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return [msgspec.json.decode(line) for line in lines if line != b"[DONE]"]
