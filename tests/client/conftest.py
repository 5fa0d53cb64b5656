"""A daemon in this process and a client of it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lms.client import DaemonClient
from lms.paths import Home
from tests.client.daemon import InProcessDaemon


@pytest.fixture
def home() -> Iterator[Home]:
    """Under a short path, since the socket lies in it."""
    with tempfile.TemporaryDirectory(prefix="lms-test-") as folder:
        yield Home(Path(folder))


@pytest.fixture
def daemon(home: Home) -> Iterator[InProcessDaemon]:
    running = InProcessDaemon(home)
    yield running
    running.close()


@pytest.fixture
def slow_daemon(home: Home) -> Iterator[InProcessDaemon]:
    """Its engines come up when the test says so."""
    running = InProcessDaemon(home, at_once_ready=False)
    yield running
    running.close()


@pytest.fixture
def client(home: Home) -> Iterator[DaemonClient]:
    caller = DaemonClient(home)
    yield caller
    caller.close()
