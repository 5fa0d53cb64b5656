"""The process that talks to MCP servers, as the daemon keeps it: here one of a few lines."""

import queue
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lms.daemon.mcp_host import McpHost
from lms.errors import DaemonFailed
from lms.logbus.records import LogData, ServerLog
from lms.paths import Home

SAYS_READY = (
    "import sys; print('ready', flush=True); print(sys.argv[1:], file=sys.stderr, flush=True); sys.stdin.read()"
)
ENDS_AT_ONCE = "import sys; sys.exit('no such module')"

Make = Callable[..., McpHost]


@pytest.fixture
def said() -> "queue.SimpleQueue[LogData]":
    return queue.SimpleQueue()


@pytest.fixture
def make(tmp_path: Path, said: "queue.SimpleQueue[LogData]") -> Iterator[Make]:
    made: list[McpHost] = []

    def host(program: str = SAYS_READY) -> McpHost:
        made.append(McpHost(Home(tmp_path), said.put, (sys.executable, "-c", program)))
        return made[-1]

    yield host
    for each in made:
        each.close()


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_it_is_started_once_when_it_is_needed(make: Make, tmp_path: Path) -> None:
    host = make()
    assert children() == []
    assert {host.socket(), host.socket()} == {str(Home(tmp_path).mcp_socket)}
    assert len(children()) == 1


def test_it_gets_the_paths_and_what_it_prints_is_logged(
    make: Make, said: "queue.SimpleQueue[LogData]", tmp_path: Path
) -> None:
    make().socket()
    paths = [str(Home(tmp_path).mcp_socket), str(Home(tmp_path).mcp_servers)]
    assert said.get(timeout=10) == ServerLog(f"MCP: {paths}", "info")


def test_one_that_dies_is_started_again_when_it_does_not_answer(make: Make) -> None:
    host = make()
    host.socket()
    (child,) = children()
    child.suspend()  # lives, and does not answer
    host.socket(lost=True)
    assert children() == [child]
    child.kill()
    host.socket(lost=True)
    assert [process.pid for process in children()] != [child.pid]


def test_one_that_died_is_started_again(make: Make) -> None:
    host = make()
    host.socket()
    (child,) = children()
    child.kill()
    child.wait()
    host.socket()
    assert [process.pid for process in children()] != [child.pid]


def test_one_that_does_not_start_is_an_error_each_time(make: Make, said: "queue.SimpleQueue[LogData]") -> None:
    host = make(ENDS_AT_ONCE)
    for _ in range(2):
        with pytest.raises(DaemonFailed, match="log stream"):
            host.socket()
        assert said.get(timeout=10) == ServerLog("MCP: no such module", "info")
    assert children() == []


def test_after_the_end_there_is_none(make: Make) -> None:
    host = make()
    host.socket()
    host.close()
    assert children() == []
    with pytest.raises(DaemonFailed):
        host.socket()
