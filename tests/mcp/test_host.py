"""The process that talks to MCP servers, with real ones."""

import os
import signal
import socket
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest

from lms.errors import InvalidRequest, McpConnectionError
from lms.mcp.connection import McpConnection
from lms.mcp.protocol import Called, CallTool, Configured, Ephemeral, Open, Server, WrongArguments
from lms.mcp.session import RESULT_LIMIT_BYTES
from tests.mcp.processes import HERE, Host, Visit, eventually, result, serving

FILES = Configured()


def server_pid(host: Host) -> int:
    """The process of the server “files”."""
    with host.visit() as visit:
        visit.open("files", FILES)
        return int(visit.text("files", "pid"))


def slow_call(visit: Visit, note: Path) -> Generator[None, None, Called | WrongArguments]:
    """A call that has begun, and does not end by itself."""
    visit.open("files", FILES)
    waiting = visit.connection.call(CallTool("files", "slow", {"note": str(note)}))
    while not note.exists():
        next(waiting)
    return waiting


@pytest.mark.parametrize("transport", ["stdio", "http", "sse"])
def test_tools_are_listed_and_called_over_every_transport(host: Host, transport: str) -> None:
    with ExitStack() as stack:
        server: Server = FILES
        host.configure(files=HERE)
        if transport != "stdio":
            server = Ephemeral(stack.enter_context(serving(transport)))
        visit = stack.enter_context(host.visit())
        tools = {tool.name: tool for tool in visit.open("files", server).tools}
        assert tools["add"].description == "Add two numbers."
        assert tools["add"].input_schema["required"] == ["a", "b"]
        assert visit.text("files", "add", a=1, b=2) == "3"


@pytest.mark.parametrize("kind", ["http", "streamable-http", None])
def test_a_server_in_the_file_may_be_elsewhere(host: Host, http_url: str, kind: str | None) -> None:
    host.configure(files={"url": http_url, "headers": {"x-name": "Ada"}, "type": kind})
    with host.visit() as visit:
        visit.open("files", FILES)
        assert visit.text("files", "who") == "Ada"


def test_a_host_that_ends_as_it_is_asked_is_asked_for_again_once(host: Host, tmp_path: Path) -> None:
    host.configure(files=HERE)
    ended = str(tmp_path / "ended.sock")
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(ended)  # and never listens, as one that has closed its socket
        with closing(McpConnection({False: ended, True: host.socket_path}.__getitem__)) as connection:
            assert result(connection.open(Open("files", FILES, "integrations[0]"))).tools
        with (
            closing(McpConnection(lambda lost: ended)) as connection,
            pytest.raises(McpConnectionError, match="does not answer"),
        ):
            result(connection.open(Open("files", FILES, "integrations[0]")))


def test_a_transport_that_the_file_names_is_the_only_one_tried(host: Host, http_url: str) -> None:
    host.configure(files={"url": http_url, "type": "sse"})
    with host.visit() as visit, pytest.raises(McpConnectionError, match="files"):
        visit.open("files", FILES)


def test_parts_of_a_result_come_as_they_are(host: Host, http_url: str) -> None:
    with host.visit() as visit:
        visit.open("a", Ephemeral(http_url))
        called = visit.call("a", "picture")
        assert isinstance(called, Called)
        said, shown = called.content
        assert said == {"type": "text", "text": "Look:"}
        assert (shown["type"], shown["mimeType"]) == ("image", "image/png")


def test_a_tool_that_fails_is_a_result(host: Host, http_url: str) -> None:
    with host.visit() as visit:
        visit.open("a", Ephemeral(http_url))
        called = visit.call("a", "fail")
        assert isinstance(called, Called)
        assert called.failed
        assert "It is broken." in called.content[0]["text"]


def test_wrong_arguments_are_not_sent(host: Host, http_url: str) -> None:
    with host.visit() as visit:
        visit.open("a", Ephemeral(http_url))
        assert visit.call("a", "add", a="one", b=2) == WrongArguments("$.a: 'one' is not of type 'integer'")
        assert visit.call("a", "add", a=1) == WrongArguments("'b' is a required property")


def test_a_result_over_the_limit_is_a_failure(host: Host) -> None:
    host.configure(files=HERE)
    with host.visit() as visit:
        visit.open("files", FILES)
        called = visit.call("files", "large", size=RESULT_LIMIT_BYTES)
        assert isinstance(called, Called)
        assert called.failed
        assert str(RESULT_LIMIT_BYTES) in called.content[0]["text"]
        assert visit.text("files", "echo", text="still there") == "still there"


def test_headers_of_a_request_reach_its_server(host: Host, http_url: str) -> None:
    with host.visit() as visit:
        visit.open("a", Ephemeral(http_url, {"x-name": "Ada"}))
        assert visit.text("a", "who") == "Ada"


def test_requests_share_the_server_that_was_started(host: Host) -> None:
    host.configure(files=HERE)
    assert server_pid(host) == server_pid(host)


def test_a_server_that_has_ended_is_started_again(host: Host) -> None:
    host.configure(files=HERE)
    pid = server_pid(host)
    with host.visit() as visit:
        visit.open("files", FILES)
        assert visit.text("files", "die") == "The MCP server has ended."
    assert server_pid(host) != pid


def test_a_changed_file_is_another_server(host: Host) -> None:
    host.configure(files=HERE)
    pid = server_pid(host)
    host.configure(files=HERE | {"env": {"A": "b"}})
    assert server_pid(host) != pid
    eventually(lambda: not psutil.pid_exists(pid))


def test_whoever_hangs_up_cancels_the_call(host: Host, tmp_path: Path) -> None:
    host.configure(files=HERE)
    note = tmp_path / "note"
    with host.visit() as visit:
        slow_call(visit, note)
    eventually(lambda: note.read_text(encoding="utf-8") == "cancelled")


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (Ephemeral("http://127.0.0.1:1/mcp"), "All connection attempts failed"),
        (Ephemeral("somewhere"), "http://"),
        (Configured(), "No such file or directory"),
    ],
)
def test_a_server_that_cannot_be_reached_is_named(host: Host, server: Server, said: str) -> None:
    host.configure(files={"command": "/nonexistent"})
    with host.visit() as visit, pytest.raises(McpConnectionError) as caught:
        visit.open("files", server)
    assert str(caught.value).startswith("The MCP server “files” cannot be used: ")
    assert said in str(caught.value)
    assert caught.value.param == "integrations[0]"


def test_a_command_that_speaks_no_mcp_is_named(host: Host) -> None:
    host.configure(files={"command": "true"})
    with host.visit() as visit, pytest.raises(McpConnectionError, match="files"):
        visit.open("files", FILES)


def test_a_server_that_is_not_in_the_file_is_refused(host: Host) -> None:
    host.configure(files=HERE)
    with host.visit() as visit, pytest.raises(InvalidRequest) as caught:
        visit.open("other", Configured())
    assert "There are: files." in str(caught.value)


@pytest.mark.parametrize("stubborn", [False, True])
def test_the_end_of_the_host_is_the_end_of_its_servers(tmp_path: Path, stubborn: bool) -> None:
    host = Host(tmp_path)
    host.configure(files=HERE | {"env": {"STUBBORN": "1"} if stubborn else {}})
    pid = server_pid(host)
    assert host.end() == 0
    assert not psutil.pid_exists(pid)


def test_a_call_that_runs_is_no_obstacle_to_the_end(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.configure(files=HERE)
    pid, note = server_pid(host), tmp_path / "note"
    with host.visit() as visit:
        waiting = slow_call(visit, note)
        assert host.end() == 0
        with pytest.raises(McpConnectionError):
            result(waiting)
    assert not psutil.pid_exists(pid)


def test_a_server_that_is_killed_during_a_call_is_a_failure(host: Host, tmp_path: Path) -> None:
    host.configure(files=HERE)
    pid, note = server_pid(host), tmp_path / "note"
    with host.visit() as visit:
        waiting = slow_call(visit, note)
        os.kill(pid, signal.SIGKILL)
        assert result(waiting) == Called(({"type": "text", "text": "The MCP server has ended."},), failed=True)
