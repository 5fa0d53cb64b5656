"""The client and the daemon's API against each other, over a unix socket."""

import fcntl
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psutil
import pytest

from lms.client import DaemonClient
from lms.client.client import is_locked
from lms.client.control import (
    Lease,
    LeaseProgress,
    LeaseRequest,
    LoadDone,
    LoadProgress,
    LoadRequest,
    ServerStart,
    ServerStatus,
)
from lms.engine.protocol import Loading
from lms.errors import (
    DaemonFailed,
    DaemonUnreachable,
    EngineFailed,
    LmsError,
    ModelNotFound,
    PathNotFound,
    PortTaken,
    QueueFull,
    ServerNotRunning,
)
from lms.logbus.records import Missed, ServerLog, record
from lms.paths import Home
from tests.client.daemon import InProcessDaemon


def eventually(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def test_models_and_instances_arrive_whole(daemon: InProcessDaemon, client: DaemonClient) -> None:
    assert client.models() == daemon.pool.models()
    *_, done = client.load(LoadRequest("tiny", "mine", 60))
    assert isinstance(done, LoadDone)
    assert [row.identifier for row in client.instances()] == ["mine"]
    assert client.jit()
    assert client.resolve("TINY").key == "tiny"
    assert client.estimate(LoadRequest("tiny")).fits
    assert client.unload("mine").identifier == "mine"
    assert client.instances() == []


def test_errors_arrive_as_what_they_are(daemon: InProcessDaemon, client: DaemonClient) -> None:
    with pytest.raises(ModelNotFound, match="nothing"):
        client.resolve("nothing")
    with pytest.raises(ModelNotFound):
        client.unload("nothing")
    with pytest.raises(ModelNotFound):
        client.lease("nothing", "llm")
    with pytest.raises(ModelNotFound):
        list(client.load(LoadRequest("nothing")))
    with pytest.raises(PortTaken, match="nginx") as refusal:
        client.start_server(ServerStart(80))
    assert refusal.value.hint == "Choose another one."
    with pytest.raises(ServerNotRunning):
        client.stop_server()


def test_the_daemon_says_where_mcp_servers_are_talked_to(daemon: InProcessDaemon, client: DaemonClient) -> None:
    assert client.mcp_socket() == "/run/mcp.sock"
    assert client.mcp_socket(lost=True) == "/run/mcp.sock again"


def test_a_load_reports_as_it_goes(slow_daemon: InProcessDaemon, client: DaemonClient) -> None:
    with ThreadPoolExecutor(1) as reader:
        reports = client.load(LoadRequest("tiny"))
        first = reader.submit(next, reports)
        actor = slow_daemon.stage.next()
        actor.says(Loading(0.5))
        assert first.result(5) == LoadProgress(0.5)
        actor.comes_up()
        assert isinstance(reader.submit(next, reports).result(5), LoadDone)
        assert list(reports) == []


def test_a_load_that_fails_half_way_raises_its_reason(slow_daemon: InProcessDaemon, client: DaemonClient) -> None:
    with ThreadPoolExecutor(1) as reader:
        end = reader.submit(list, client.load(LoadRequest("tiny")))
        slow_daemon.stage.next().dies()
        with pytest.raises(EngineFailed, match="SIGKILL"):
            end.result(5)


def test_closing_a_load_cancels_it(slow_daemon: InProcessDaemon, client: DaemonClient) -> None:
    with ThreadPoolExecutor(1) as reader:
        reports = client.load(LoadRequest("tiny"))
        first = reader.submit(next, reports)
        actor = slow_daemon.stage.next()
        actor.says(Loading(0.5))
        first.result(5)
        reports.close()
    eventually(lambda: actor.stopped)


def test_a_lease_waits_for_a_slow_load(slow_daemon: InProcessDaemon, client: DaemonClient) -> None:
    with ThreadPoolExecutor(1) as caller:
        lease = caller.submit(client.lease, "tiny", "llm")
        actor = slow_daemon.stage.next()
        with pytest.raises(TimeoutError):
            lease.result(1.2)  # longer than two heartbeats
        actor.comes_up()
        assert lease.result(5).identifier == "tiny"


def test_a_lease_that_watches_hears_of_the_load_as_it_goes(slow_daemon: InProcessDaemon, client: DaemonClient) -> None:
    with ThreadPoolExecutor(1) as caller:
        answers = client.wait_for_lease(LeaseRequest("tiny", watching=True))
        assert next(answers) == LeaseProgress("tiny", 0.0)
        heard = caller.submit(list, answers)
        actor = slow_daemon.stage.next()
        actor.says(Loading(0.5))
        actor.comes_up()
        *news, lease = [answer for answer in heard.result(5) if answer]
    assert news == [LeaseProgress("tiny", 0.5)]
    assert isinstance(lease, Lease)


def test_leases_that_would_keep_all_threads_waiting_are_refused(
    slow_daemon: InProcessDaemon, client: DaemonClient
) -> None:
    waiting = [client.wait_for_lease(LeaseRequest("tiny")) for _ in range(3)]
    assert [next(leases) for leases in waiting] == [None] * 3
    with pytest.raises(QueueFull):
        client.lease("tiny", "llm")
    slow_daemon.stage.next().comes_up()
    assert {lease.identifier for leases in waiting for lease in leases if isinstance(lease, Lease)} == {"tiny"}
    assert client.lease("tiny", "llm").identifier == "tiny"


def test_leases_come_over_one_connection_which_may_end_between_them(home: Home, client: DaemonClient) -> None:
    for _ in range(2):
        with closing(InProcessDaemon(home)):
            for _ in range(3):
                assert client.lease("tiny", "llm").identifier == "tiny"
            sockets = [each.laddr for each in psutil.Process().net_connections("unix")]
            assert sockets.count(str(home.lease_socket)) == 2, "the listener and one connection"
    with pytest.raises(DaemonUnreachable):
        client.lease("tiny", "llm")


def test_what_is_no_lease_request_ends_the_conversation(daemon: InProcessDaemon, home: Home) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(home.lease_socket))
        stranger.sendall(b"GET /internal/lease HTTP/1.1\r\n\r\n")
        assert stranger.recv(1) == b""


def test_a_lease_whose_model_dies_late_raises_its_reason(slow_daemon: InProcessDaemon, client: DaemonClient) -> None:
    with ThreadPoolExecutor(1) as caller:
        lease = caller.submit(client.lease, "tiny", "llm")
        actor = slow_daemon.stage.next()
        with pytest.raises(TimeoutError):
            lease.result(0.7)
        actor.dies()
        with pytest.raises(EngineFailed):
            lease.result(5)


def test_logs_begin_with_the_call(daemon: InProcessDaemon, client: DaemonClient) -> None:
    daemon.bus.publish(record(ServerLog("before", "info")))
    logs = client.logs()
    daemon.bus.publish(record(ServerLog("after", "info")))
    assert next(logs).data == ServerLog("after", "info")
    logs.close()


def test_logs_of_a_slow_reader_say_what_it_missed(daemon: InProcessDaemon, client: DaemonClient) -> None:
    """The socket between takes some megabytes, so it needs long events to be slow."""
    logs = client.logs()
    for number in range(300):
        daemon.bus.publish(record(ServerLog(f"{number} {'x' * 200_000}", "info")))
    missed = 0
    for published in logs:
        if isinstance(published.data, Missed):
            missed += published.data.count
        elif published.data.content.startswith("299 "):  # type: ignore[union-attr]
            break
    assert missed > 0
    logs.close()


def test_a_log_reader_who_leaves_is_forgotten(daemon: InProcessDaemon, client: DaemonClient) -> None:
    logs = client.logs()
    assert daemon.bus.readers == 1
    logs.close()
    eventually(lambda: daemon.bus.readers == 0)


def test_logs_end_when_the_daemon_does(daemon: InProcessDaemon, client: DaemonClient) -> None:
    logs = client.logs()
    daemon.bus.publish(record(ServerLog("the last", "info")))
    daemon.controls.closed = True
    assert [published.data for published in logs] == [ServerLog("the last", "info")]


def test_another_version_of_the_daemon_is_told(daemon: InProcessDaemon, client: DaemonClient, home: Home) -> None:
    assert client.skew() is None
    daemon.controls.version = "0.0.1"
    newcomer = DaemonClient(home)
    assert "0.0.1" in (newcomer.skew() or "")
    newcomer.close()


def test_what_a_daemon_of_another_build_does_not_have_is_no_bug_of_ours(
    daemon: InProcessDaemon, client: DaemonClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(wanted: ServerStart) -> ServerStatus:
        raise PathNotFound("There is no endpoint POST /internal/server/start.")

    for answers in (unknown, lambda wanted: {"run": "yes"}):
        monkeypatch.setattr(daemon.controls, "start_server", answers)
        with pytest.raises(DaemonFailed, match="another build of lms") as told:
            client.start_server(ServerStart())
        assert "lms daemon down" in str(told.value.hint)


def test_shutdown_waits_for_the_lock_to_be_free(daemon: InProcessDaemon, client: DaemonClient, home: Home) -> None:
    assert not is_locked(home.lock)
    client.shutdown()
    assert daemon.controls.shut_down


def test_shutdown_does_not_wait_for_the_next_daemon(daemon: InProcessDaemon, client: DaemonClient, home: Home) -> None:
    home.daemon_state.write_text('{"pid": 1}')
    with home.lock.open("w") as held, ThreadPoolExecutor(1) as caller:
        fcntl.flock(held, fcntl.LOCK_EX)
        end = caller.submit(client.shutdown)
        eventually(lambda: daemon.controls.shut_down)
        home.daemon_state.unlink()
        assert not end.done()
        home.daemon_state.write_text('{"pid": 2}')
        end.result(5)


def test_nobody_there_is_an_error_of_its_own(client: DaemonClient) -> None:
    for ask in (client.status, client.models, lambda: client.lease("tiny", "llm"), client.logs):
        with pytest.raises(DaemonUnreachable):
            ask()
    with pytest.raises(DaemonUnreachable):
        next(client.load(LoadRequest("tiny")))


def test_a_stale_socket_is_nobody_there(home: Home, client: DaemonClient) -> None:
    home.run.mkdir()
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(home.daemon_socket))
    with pytest.raises(DaemonUnreachable):
        client.status()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"nonsense\r\n\r\n", DaemonUnreachable),
        (b"", DaemonUnreachable),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", LmsError),
    ],
)
def test_a_stranger_on_the_socket_is_an_error(
    home: Home, client: DaemonClient, answer: bytes, error: type[LmsError]
) -> None:
    home.run.mkdir()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.bind(str(home.daemon_socket))
        stranger.listen()
        thread = threading.Thread(target=_answer_all, args=(stranger, answer))
        thread.start()
        with pytest.raises(error):
            client.status()
        stranger.shutdown(socket.SHUT_RDWR)
        thread.join()


def _answer_all(listener: socket.socket, answer: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            if connection.recv(65536):
                connection.sendall(answer)
