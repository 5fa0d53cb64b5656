"""The HTTP server as the daemon keeps it, with a front of twenty lines."""

import queue
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from lms.client.control import Admission, ServerStart, ServerStatus
from lms.config.settings import Settings
from lms.daemon.child import Front
from lms.daemon.serving import Serving
from lms.errors import DaemonFailed, PortTaken, ServerNotRunning, UsageError
from lms.logbus.records import LogData, ServerLog
from lms.paths import Home
from tests.daemon.fronts import ENDS_AT_ONCE, GREETS

Make = Callable[..., Serving]


@pytest.fixture
def said() -> "queue.SimpleQueue[LogData]":
    return queue.SimpleQueue()


@pytest.fixture
def make(tmp_path: Path, said: "queue.SimpleQueue[LogData]") -> Iterator[Make]:
    made: list[Serving] = []

    def serving(command: tuple[str, ...] = GREETS, settings: Settings | None = None) -> Serving:
        launch = partial(Front, command=command)
        made.append(Serving(Home(tmp_path), settings or Settings(port=0), said.put, launch))
        return made[-1]

    yield serving
    for each in made:
        each.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(status: ServerStatus, path: str = "/") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{status.port}{path}", timeout=5) as reply:
        return str(reply.read().decode())


def test_it_answers_as_soon_as_start_returns(make: Make) -> None:
    status = make().start(ServerStart(0))
    assert status.running
    assert "--fd" in get(status)


def test_cors_is_passed_on(make: Make) -> None:
    assert "--origin https://a --origin http://b" in get(
        make().start(ServerStart(0, origins=("https://a", "http://b")))
    )


def test_that_tokens_are_asked_for_is_passed_on(make: Make) -> None:
    assert "--require-auth" in get(make().start(ServerStart(0, require_auth=True)))


def test_once_asked_for_tokens_are_asked_for_until_somebody_says_otherwise(make: Make) -> None:
    serving = make()
    serving.start(ServerStart(0, require_auth=True))
    serving.stop()
    serving.close()
    after = make()
    assert after.start(ServerStart()).admission.require_auth
    assert not after.start(ServerStart(require_auth=False)).admission.require_auth
    assert not make().start(ServerStart(0)).admission.require_auth


def test_pages_once_let_in_stay_so_until_somebody_says_otherwise(make: Make) -> None:
    serving = make()
    serving.start(ServerStart(0, origins=("https://a",)))
    assert serving.start(ServerStart()).admission.origins == ("https://a",)
    serving.stop()
    serving.close()
    after = make()
    assert after.start(ServerStart()).admission.origins == ("https://a",)
    assert after.start(ServerStart(origins=())).admission.origins == ()
    assert make().start(ServerStart(0)).admission.origins == ()


def test_pages_that_only_the_settings_let_in_are_not_remembered(make: Make) -> None:
    before = make(settings=Settings(port=0, cors="https://a"))
    before.start(ServerStart())
    before.close()
    after = make()
    after.restore()
    assert after.status().admission.origins == ("https://a",)
    after.stop()
    assert after.start(ServerStart()).admission.origins == ()


def test_the_settings_say_who_is_let_in_when_nobody_else_does(make: Make) -> None:
    settings = Settings(port=0, require_auth=True, cors="https://a, https://b")
    assert make(settings=settings).start(ServerStart()).admission == Admission(("https://a", "https://b"), True)
    assert make(settings=settings).start(ServerStart(0, origins=("*",))).admission.origins == ("*",)


def test_the_same_port_again_is_the_same_server(make: Make) -> None:
    serving = make()
    first = serving.start(ServerStart(free_port()))
    assert serving.start(ServerStart(first.port)) == first
    assert serving.start(ServerStart()) == first
    assert serving.start(ServerStart(0)) == first


@pytest.mark.parametrize("change", [{"origins": ("*",)}, {"require_auth": True}, {"host": "0.0.0.0"}])
def test_another_address_or_cors_replaces_the_server_on_its_port(make: Make, change: dict[str, object]) -> None:
    serving = make()
    first = serving.start(ServerStart(free_port()))
    second = serving.start(ServerStart(first.port, **change))  # type: ignore[arg-type]
    assert second.port == first.port
    assert second.pid != first.pid
    assert get(second)


def test_another_port_moves_the_server(make: Make) -> None:
    serving = make()
    first = serving.start(ServerStart(free_port()))
    second = serving.start(ServerStart(free_port()))
    assert get(second)
    with pytest.raises(OSError, match="refused"):
        get(first)
    assert not psutil.pid_exists(first.pid or 0)


def test_a_taken_port_leaves_the_old_server_running(make: Make) -> None:
    serving = make()
    first = serving.start(ServerStart(0))
    with socket.create_server(("127.0.0.1", 0)) as holder, pytest.raises(PortTaken):
        serving.start(ServerStart(holder.getsockname()[1]))
    assert get(first)


def test_an_address_that_cannot_be_had_brings_the_old_server_back(make: Make) -> None:
    serving = make()
    first = serving.start(ServerStart(free_port()))
    with pytest.raises(Exception, match="no address"):
        serving.start(ServerStart(first.port, "192.0.2.1"))
    assert serving.status().running
    assert get(serving.status())


def test_a_front_that_does_not_come_up_is_a_failure_and_leaves_nothing(make: Make) -> None:
    serving = make(ENDS_AT_ONCE)
    with pytest.raises(DaemonFailed):
        serving.start(ServerStart(port := free_port()))
    assert not serving.status().running
    socket.create_server(("127.0.0.1", port)).close()


def test_stop_remembers_the_port_and_whose_pages_are_let_in(make: Make) -> None:
    serving = make(settings=Settings())
    port = free_port()
    serving.start(ServerStart(port, "0.0.0.0", ("*",)))
    assert serving.stop() == ServerStatus(False, port)
    assert serving.status() == ServerStatus(False, port)
    again = serving.start(ServerStart())
    assert (again.port, again.host, again.admission) == (port, "127.0.0.1", Admission(("*",)))


def test_a_server_that_is_off_cannot_be_stopped(make: Make) -> None:
    with pytest.raises(ServerNotRunning):
        make().stop()


def test_the_settings_say_where_when_nobody_else_does(make: Make) -> None:
    port = free_port()
    status = make(settings=Settings(port=port, host="0.0.0.0")).start(ServerStart())
    assert (status.port, status.host) == (port, "0.0.0.0")


def test_a_port_that_is_set_goes_over_the_last_one_but_moves_no_running_server(make: Make) -> None:
    before, wanted = free_port(), free_port()
    serving = make(settings=Settings(port=wanted))
    assert serving.start(ServerStart(before)).port == before
    assert serving.start(ServerStart()).port == before
    serving.stop()
    assert serving.start(ServerStart()).port == wanted


def test_a_crashed_front_comes_back_on_the_same_socket(make: Make) -> None:
    serving = make()
    first = serving.start(ServerStart(0))
    with pytest.raises(OSError, match=r"Remote end closed|reset"):
        get(first, "/die")
    assert get(first)  # it waits in the socket until the new front takes it
    assert serving.status().pid != first.pid


def test_a_front_that_cannot_be_started_is_a_failure_and_leaves_nothing(make: Make) -> None:
    serving = make(("/no-such-program",))
    with pytest.raises(DaemonFailed, match="no-such-program"):
        serving.start(ServerStart(port := free_port()))
    assert not serving.status().running
    socket.create_server(("127.0.0.1", port)).close()


def test_a_crashed_front_that_cannot_be_started_again_is_tried_once_more(
    tmp_path: Path, said: "queue.SimpleQueue[LogData]"
) -> None:
    commands = iter([GREETS, ("/no-such-program",), GREETS])
    serving = Serving(
        Home(tmp_path), Settings(), said.put, lambda site, publish: Front(site, publish, command=next(commands))
    )
    first = serving.start(ServerStart(0))
    with pytest.raises(OSError, match=r"Remote end closed|reset"):
        get(first, "/die")
    assert get(first)
    serving.close()


def test_what_an_earlier_daemon_served_comes_back(make: Make) -> None:
    before = make()
    status = before.start(ServerStart(free_port(), "0.0.0.0", ("*",), require_auth=True))
    before.close()
    after = make()
    assert after.status() == ServerStatus(False, status.port)
    after.restore()
    again = after.status()
    assert (again.running, again.port, again.host, again.admission) == (
        True,
        status.port,
        "0.0.0.0",
        Admission(("*",), True),
    )


def test_what_was_stopped_or_forgotten_does_not_come_back(make: Make) -> None:
    for end in (Serving.stop, Serving.forget):
        before = make()
        before.start(ServerStart(0))
        end(before)
        before.close()
        after = make()
        after.restore()
        assert not after.status().running


def test_a_port_that_is_let_go_of_a_moment_later_is_waited_for(make: Make) -> None:
    before = make()
    port = before.start(ServerStart(free_port())).port or 0
    before.close()
    holder = socket.create_server(("127.0.0.1", port))
    letting_go = threading.Timer(0.5, holder.close)
    letting_go.start()
    after = make()
    after.restore()
    letting_go.join()
    assert after.status().running


def test_a_port_taken_meanwhile_is_logged(make: Make, said: "queue.SimpleQueue[LogData]") -> None:
    before = make()
    port = before.start(ServerStart(free_port())).port or 0
    before.close()
    with socket.create_server(("127.0.0.1", port)):
        make().restore()
    texts = []
    while not said.empty():
        texts.append(getattr(said.get(), "content", ""))
    assert any("could not be started again" in text for text in texts)


def test_a_broken_file_is_no_obstacle(make: Make, tmp_path: Path) -> None:
    Home(tmp_path).server_state.write_text('{"port": "many"')
    serving = make()
    serving.restore()
    assert serving.start(ServerStart(0)).running


def test_what_the_front_prints_is_published(make: Make, said: "queue.SimpleQueue[LogData]") -> None:
    make().start(ServerStart(0))
    seen = [said.get(timeout=5) for _ in range(3)]
    assert ServerLog("hello", "info") in seen
    assert ServerLog("not JSON", "debug") in seen


class TestUnixSockets:
    @pytest.fixture
    def host(self, tmp_path: Path) -> str:
        return f"unix:{tmp_path / 'lms.sock'}"

    def get(self, host: str, path: str = "/") -> str:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(host.removeprefix("unix:"))
            client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    def test_the_server_answers_there_and_leaves_nothing_behind(self, make: Make, host: str, tmp_path: Path) -> None:
        serving = make()
        status = serving.start(ServerStart(host=host))
        assert (status.running, status.host, status.port) == (True, host, None)
        assert "--fd" in self.get(host)
        serving.stop()
        assert not (tmp_path / "lms.sock").exists()

    def test_it_may_move_there_and_back(self, make: Make, host: str, tmp_path: Path) -> None:
        serving = make()
        before = serving.start(ServerStart(free_port()))
        serving.start(ServerStart(host=host))
        with pytest.raises(OSError, match="refused"):
            get(before)
        assert self.get(host)
        assert get(serving.start(ServerStart(0)))
        assert not (tmp_path / "lms.sock").exists()

    def test_another_admission_replaces_the_server_in_its_place(self, make: Make, host: str) -> None:
        serving = make()
        serving.start(ServerStart(host=host))
        serving.start(ServerStart(host=host, require_auth=True))
        assert "--require-auth" in self.get(host)

    def test_a_port_beside_it_is_refused(self, make: Make, host: str) -> None:
        with pytest.raises(UsageError, match="has no port"):
            make().start(ServerStart(1234, host))

    def test_it_comes_back_with_the_daemon(self, make: Make, host: str) -> None:
        before = make()
        before.start(ServerStart(host=host))
        before.close()
        after = make()
        after.restore()
        assert after.status().host == host
        assert self.get(host)

    def test_a_front_that_took_the_socket_with_it_comes_back_with_a_new_one(
        self, make: Make, host: str, tmp_path: Path, said: "queue.SimpleQueue[LogData]"
    ) -> None:
        first = make().start(ServerStart(host=host))
        (tmp_path / "lms.sock").unlink()
        psutil.Process(first.pid).kill()
        for _ in range(2):  # each front says it before it answers anybody
            while said.get(timeout=20) != ServerLog("hello", "info"):
                continue
        assert self.get(host)

    def test_a_new_socket_is_not_lost_when_the_front_for_it_cannot_be_started_at_once(
        self, host: str, tmp_path: Path, said: "queue.SimpleQueue[LogData]"
    ) -> None:
        commands = iter([GREETS, ("/no-such-program",), GREETS])
        serving = Serving(
            Home(tmp_path), Settings(), said.put, lambda site, publish: Front(site, publish, command=next(commands))
        )
        first = serving.start(ServerStart(host=host))
        (tmp_path / "lms.sock").unlink()
        psutil.Process(first.pid).kill()
        for _ in range(2):
            while said.get(timeout=20) != ServerLog("hello", "info"):
                continue
        assert self.get(host)
        serving.close()
