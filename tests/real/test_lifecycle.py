"""Processes come, go, crash and come back: what a person with a terminal sees of it, with the fake engine."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, IncompleteRead
from typing import Any

import psutil
import pytest

from lms.client.control import LeaseRequest, LoadRequest, ServerStart
from lms.client.launch import ensure_daemon
from lms.config.load import LoadConfig
from lms.errors import IdentifierInUse, LmsError, ModelNotFound, PortTaken
from tests.real.conftest import Lms, processes_of

pytestmark = pytest.mark.real

WAIT_S = 15.0
LONG_CONTEXT = 500_000
HEAD_TIMEOUT_S = 10  # as the front has it


def eventually(holds: Callable[[], bool], timeout_s: float = WAIT_S) -> None:
    """Look again and again until it holds."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline_s, f"still not so after {timeout_s} s"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def chat(port: int, max_tokens: int = 5, stream: bool = False, prompt: str = "hi") -> Any:
    body = {
        "model": "tiny-chat",
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "stream": stream,
    }
    return post(port, "chat/completions", body)


def post(port: int, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        return urllib.request.urlopen(request, timeout=WAIT_S)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error.code}: {error.read().decode()}") from error


def endless_chat(port: int) -> Any:
    """A stream that outlasts any test, given the context that `load` asks for."""
    return chat(port, max_tokens=-1, stream=True, prompt="write for ever")


def greets(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/lmstudio-greeting", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def answers(lms: Lms) -> bool:
    try:
        lms.client.status()
    except LmsError:
        return False
    return True


def engine_pid(lms: Lms, identifier: str = "tiny-chat") -> int:
    pid = next(row.pid for row in lms.client.instances() if row.identifier == identifier)
    assert pid
    return pid


def load(lms: Lms, identifier: str | None = None) -> None:
    for _ in lms.client.load(LoadRequest("tiny-chat", identifier, config=LoadConfig(context_length=LONG_CONTEXT))):
        pass


def identifiers(lms: Lms) -> set[str]:
    try:
        return {row.identifier for row in lms.client.instances() if row.state == "idle"}
    except LmsError:
        return set()


class TestStart:
    def test_two_server_starts_at_once_make_one_server_and_both_succeed(self, fake_lms: Lms) -> None:
        port = str(free_port())
        both = [fake_lms.start("server", "start", "--port", port) for _ in range(2)]
        said = [process.communicate(timeout=60) for process in both]
        assert [process.returncode for process in both] == [0, 0], said
        assert greets(int(port))
        fronts = [p for p in processes_of(fake_lms.home) if "lms.daemon.front" in p.cmdline()]
        assert len(fronts) == 2  # gunicorn's master and its worker

    def test_five_callers_at_once_share_one_daemon(self, fake_lms: Lms, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in fake_lms.environ.items():
            monkeypatch.setenv(name, value)
        with ThreadPoolExecutor(5) as callers:
            clients = list(callers.map(lambda _: ensure_daemon(fake_lms.home), range(5)))
        assert len({client.status().pid for client in clients}) == 1
        for client in clients:
            client.close()

    def test_of_a_daemon_that_cannot_start_says_why(self, fake_lms: Lms) -> None:
        fake_lms.home.settings.write_text('{"jit": "perhaps"}')
        done = fake_lms("daemon", "up", check=False)
        assert done.returncode == 2
        assert "jit" in done.stderr

    def test_keeps_everything_private(self, fake_lms: Lms) -> None:
        fake_lms("daemon", "up")
        assert fake_lms.home.daemon_socket.stat().st_mode & 0o777 == 0o600
        assert fake_lms.home.run.stat().st_mode & 0o777 == 0o700

    def test_asked_for_the_running_port_again_succeeds(self, fake_lms: Lms) -> None:
        port = free_port()
        first = start(fake_lms, port)
        assert start(fake_lms, port).pid == first.pid

    def test_on_another_port_moves_the_server(self, fake_lms: Lms) -> None:
        before, after = free_port(), free_port()
        start(fake_lms, before)
        start(fake_lms, after)
        assert greets(after)
        assert not greets(before)

    def test_remembers_the_port_and_cors_but_not_the_address(self, fake_lms: Lms) -> None:
        port = free_port()
        ensure(fake_lms).start_server(ServerStart(port, "0.0.0.0", ("*",)))
        fake_lms("server", "stop")
        fake_lms("server", "start")
        status = fake_lms.client.server_status()
        assert (status.port, status.host, status.admission.origins) == (port, "127.0.0.1", ("*",))

    def test_takes_ipv6(self, fake_lms: Lms) -> None:
        status = ensure(fake_lms).start_server(ServerStart(0, "::1"))
        connection = HTTPConnection("::1", status.port or 0, timeout=5)
        connection.request("GET", "/lmstudio-greeting")
        assert connection.getresponse().status == 200
        connection.close()

    def test_on_a_taken_port_names_the_holder_and_fails(self, fake_lms: Lms) -> None:
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            done = fake_lms("server", "start", "--port", str(port), check=False)
        assert done.returncode == 1
        assert f"{port} is taken" in done.stderr
        assert f"process {os.getpid()}" in done.stderr

    def test_on_a_taken_port_leaves_the_running_server_alone(self, fake_lms: Lms) -> None:
        port = free_port()
        start(fake_lms, port)
        with socket.create_server(("127.0.0.1", 0)) as holder, pytest.raises(PortTaken):
            start(fake_lms, holder.getsockname()[1])
        assert greets(port)


class TestStop:
    def test_of_the_server_leaves_models_loaded_and_ends_requests(self, fake_lms: Lms) -> None:
        port = free_port()
        start(fake_lms, port)
        load(fake_lms)
        with endless_chat(port) as reply:
            reply.readline()
            fake_lms("server", "stop")
            with suppress(OSError, IncompleteRead):
                reply.read()
        assert [row.identifier for row in fake_lms.client.instances()] == ["tiny-chat"]
        assert not greets(port)

    def test_of_a_server_that_is_off_fails(self, fake_lms: Lms) -> None:
        fake_lms("daemon", "up")
        assert fake_lms("server", "stop", check=False).returncode == 1

    def test_of_the_daemon_leaves_no_process_and_forgets_what_was_loaded(self, fake_lms: Lms) -> None:
        start(fake_lms, free_port())
        load(fake_lms)
        fake_lms("daemon", "down")
        assert processes_of(fake_lms.home) == []
        fake_lms("daemon", "up")
        assert fake_lms.client.instances() == []
        assert not fake_lms.client.server_status().running

    def test_of_the_daemon_while_a_model_streams_and_a_log_is_read_is_quick(self, fake_lms: Lms) -> None:
        port = free_port()
        start(fake_lms, port)
        load(fake_lms)
        logs = fake_lms.client.logs()
        with endless_chat(port) as reply:
            reply.readline()
            started_s = time.monotonic()
            fake_lms("daemon", "down")
            assert time.monotonic() - started_s < 10
        logs.close()


class TestCrash:
    @pytest.mark.parametrize("victim", ["master", "worker"])
    def test_of_the_daemon_ends_its_children_and_restores_models_and_server(self, fake_lms: Lms, victim: str) -> None:
        port = free_port()
        start(fake_lms, port)
        load(fake_lms, "mine")
        before = processes_of(fake_lms.home)
        master = psutil.Process(fake_lms.client.status().pid)
        (master if victim == "master" else master.children()[0]).kill()
        if victim == "master":
            fake_lms("daemon", "up")
        eventually(lambda: identifiers(fake_lms) == {"mine"} and greets(port))
        engine = engine_pid(fake_lms, "mine")
        assert engine not in {process.pid for process in before}
        survivors = {p.pid for p in before if p.is_running()} - ({master.pid} if victim == "worker" else set())
        eventually(lambda: not any(psutil.pid_exists(pid) for pid in survivors))
        eventually(lambda: "mine: is loaded again, as before" in fake_lms.home.daemon_log.read_text())

    @pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
    def test_by_a_polite_signal_ends_all_and_restores_as_well(self, fake_lms: Lms, sent: signal.Signals) -> None:
        load_in(fake_lms, "mine")
        os.kill(fake_lms.client.status().pid, sent)
        eventually(lambda: processes_of(fake_lms.home) == [])
        fake_lms("daemon", "up")
        eventually(lambda: identifiers(fake_lms) == {"mine"})

    def test_leaves_no_model_that_blocks_the_next_start(self, fake_lms: Lms) -> None:
        fake_lms.home.desired_models.write_text('[{"key": "gone", "identifier": "gone"}]')
        fake_lms("daemon", "up")
        eventually(lambda: not fake_lms.home.desired_models.exists())
        eventually(lambda: "gone: cannot be loaded again" in fake_lms.home.daemon_log.read_text())

    def test_of_all_processes_at_once_leaves_files_that_the_next_start_cleans(self, fake_lms: Lms) -> None:
        load_in(fake_lms, "mine")
        status = fake_lms.client.status()
        worker = psutil.Process(status.pid).children()[0]
        psutil.Process(status.pid).suspend()
        worker.kill()
        os.kill(status.pid, signal.SIGKILL)
        eventually(lambda: processes_of(fake_lms.home) == [])
        assert fake_lms.home.daemon_socket.exists()
        assert fake_lms.home.daemon_state.exists()
        fake_lms("daemon", "up")
        assert fake_lms.client.status().pid != status.pid

    def test_never_signals_the_stranger_who_has_the_old_pid(self, fake_lms: Lms) -> None:
        stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        try:
            hint = {"pid": stranger.pid, "version": "0", "socket": "", "started_s": 0}
            fake_lms.home.daemon_state.write_text(json.dumps(hint))
            assert fake_lms("daemon", "down", check=False).returncode == 1
            fake_lms("daemon", "status")
            fake_lms("daemon", "up")
            fake_lms("daemon", "down")
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    def test_of_the_front_is_mended_on_the_same_port(self, fake_lms: Lms) -> None:
        port = free_port()
        pid = start(fake_lms, port).pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: fake_lms.client.server_status().pid != pid and greets(port))

    def test_of_an_engine_fails_its_request_clearly_and_the_next_one_works(self, fake_lms: Lms) -> None:
        port = free_port()
        start(fake_lms, port)
        load(fake_lms)
        pid = engine_pid(fake_lms)
        with endless_chat(port) as reply:
            reply.readline()
            os.kill(pid, signal.SIGKILL)
            told = reply.read().decode()
        assert "engine_failed" in told
        with chat(port) as reply:
            assert reply.status == 200
        assert engine_pid(fake_lms) != pid


class TestFullDisk:
    def test_holds_up_neither_requests_nor_loads_nor_the_end(self, fake_lms: Lms) -> None:
        port = free_port()
        with daemon_limited_to(fake_lms, "RLIMIT_FSIZE", 0) as daemon:
            eventually(lambda: answers(fake_lms))
            start(fake_lms, port)
            load(fake_lms)
            with chat(port) as reply:
                assert reply.status == 200
            fake_lms("unload", "tiny-chat")
            load(fake_lms)
            fake_lms.client.shutdown()
            assert daemon.wait(WAIT_S) == 0


class TestManyCallers:
    @pytest.mark.skipif(sys.platform != "linux", reason="another process's limits can be read on Linux only")
    def test_may_open_more_files_than_a_shell_allows(self, fake_lms: Lms) -> None:
        with daemon_limited_to(fake_lms, "RLIMIT_NOFILE", 4096, soft=64):
            eventually(lambda: answers(fake_lms))
            worker = psutil.Process(fake_lms.client.status().pid).children()[0]
            assert worker.rlimit(psutil.RLIMIT_NOFILE) == (4096, 4096)

    def test_beyond_what_the_system_allows_cost_no_process_its_life(self, fake_lms: Lms) -> None:
        with daemon_limited_to(fake_lms, "RLIMIT_NOFILE", 64):
            eventually(lambda: answers(fake_lms))
            load(fake_lms)
            worker = psutil.Process(fake_lms.client.status().pid).children()[0]
            with ExitStack() as stack:
                for _ in range(100):
                    caller = stack.enter_context(socket.socket(socket.AF_UNIX))
                    caller.connect(str(fake_lms.home.daemon_socket))
                eventually(lambda: worker.num_fds() >= 64)
            eventually(lambda: identifiers(fake_lms) == {"tiny-chat"})
            assert worker.is_running()

    def test_for_a_model_that_takes_its_time_hold_up_nobody_else(self, fake_lms: Lms) -> None:
        """The next just-in-time model waits until the one before is gone, which does not go."""
        port, client = free_port(), ensure(fake_lms)
        start(fake_lms, port)
        chat(port).read()
        eventually(lambda: identifiers(fake_lms) == {"tiny-chat"})
        psutil.Process(engine_pid(fake_lms)).suspend()
        with ExitStack() as stack, ThreadPoolExecutor(300) as callers:
            waits = [client.wait_for_lease(LeaseRequest("text-embedding-tiny", "embedding")) for _ in range(300)]
            for wait in waits:
                stack.enter_context(closing(wait))
            assert list(callers.map(next, waits, timeout=4)) == [None] * 300
            assert [row.state for row in fake_lms.client.instances()] == ["loading"]
            assert fake_lms.client.status()

    def test_for_a_streamed_answer_hear_that_its_model_is_being_loaded(self, fake_lms: Lms) -> None:
        port = free_port()
        start(fake_lms, port)
        post(port, "embeddings", {"model": "text-embedding-tiny", "input": "hi"}).read()
        eventually(lambda: [row.state for row in fake_lms.client.instances()] == ["idle"])
        engine = psutil.Process(engine_pid(fake_lms, "text-embedding-tiny"))
        engine.suspend()
        with chat(port, stream=True) as reply:
            assert (reply.status, reply.readline()) == (200, b": keep-alive\n")
            engine.resume()
            assert reply.read().endswith(b"data: [DONE]\n\n")


class TestFront:
    def test_two_hundred_half_sent_requests_cost_the_others_nothing(self, fake_lms: Lms) -> None:
        port = free_port()
        start(fake_lms, port)
        load(fake_lms)
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        halves = (head, head + b'Content-Length: 100\r\n\r\n{"mod')
        with ExitStack() as stack:
            for number in range(200):
                half = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
                half.sendall(halves[number % 2])
            assert min(seconds_of(lambda: greets(port)) for _ in range(5)) < 0.2
            assert min(seconds_of(lambda: chat(port).read()) for _ in range(5)) < 0.5

    def test_a_head_that_never_ends_is_hung_up_on(self, fake_lms: Lms) -> None:
        port = free_port()
        start(fake_lms, port)
        with socket.create_connection(("127.0.0.1", port), timeout=HEAD_TIMEOUT_S + 10) as half:
            half.sendall(b"GET / HTTP/1.1\r\nHost: ")
            assert half.recv(1024) == b""


class TestModels:
    def test_two_requests_at_once_load_one_instance(self, fake_lms: Lms) -> None:
        client = ensure(fake_lms)
        with ThreadPoolExecutor(8) as callers:
            leases = list(callers.map(lambda _: client.lease("tiny-chat", "llm"), range(8)))
        assert {lease.identifier for lease in leases} == {"tiny-chat"}
        assert len(client.instances()) == 1

    def test_an_unloaded_model_ends_its_streams_with_the_reason_and_without_complaint(self, fake_lms: Lms) -> None:
        port = free_port()
        start(fake_lms, port)
        load(fake_lms)
        with endless_chat(port) as reply:
            reply.readline()
            fake_lms("unload", "tiny-chat")
            last = [line for line in reply.read().decode().splitlines() if line][-1]
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "model_unloaded"
        logged = fake_lms.home.daemon_log.read_text()
        assert "[info] tiny-chat: unloaded" in logged
        assert "[error] tiny-chat" not in logged

    def test_an_identifier_in_use_is_refused(self, fake_lms: Lms) -> None:
        load_in(fake_lms, "mine")
        with pytest.raises(IdentifierInUse):
            load(fake_lms, "mine")

    def test_an_unknown_model_is_named_with_what_is_there(self, fake_lms: Lms) -> None:
        with pytest.raises(ModelNotFound, match="tiny-chat"):
            ensure(fake_lms).lease("no-such-model", "llm")

    def test_a_load_that_is_given_up_leaves_no_engine(self, fake_lms: Lms) -> None:
        client = ensure(fake_lms)
        reports = client.load(LoadRequest("tiny-chat"))
        closer = ThreadPoolExecutor(1)
        closer.submit(next, reports).result()
        reports.close()
        closer.shutdown()
        load(fake_lms)
        assert "tiny-chat" in identifiers(fake_lms)


class TestLogs:
    def test_a_reader_sees_what_happens_from_its_call_on(self, fake_lms: Lms) -> None:
        client = ensure(fake_lms)
        logs = client.logs()
        load(fake_lms)
        seen = next(record.data for record in logs if getattr(record.data, "message", "").startswith("ready"))
        assert getattr(seen, "model_identifier", None) == "tiny-chat"
        logs.close()

    def test_a_reader_who_left_is_noticed(self, fake_lms: Lms) -> None:
        logs = ensure(fake_lms).logs()
        worker = psutil.Process(fake_lms.client.status().pid).children()[0]
        open_while_reading = worker.num_fds()
        logs.close()
        eventually(lambda: worker.num_fds() < open_while_reading)

    def test_end_when_the_daemon_does(self, fake_lms: Lms) -> None:
        logs = ensure(fake_lms).logs()
        fake_lms.client.shutdown()
        assert any("has ended" in getattr(record.data, "message", "") for record in logs)

    def test_a_reader_who_reads_nothing_holds_up_neither_requests_nor_the_end(self, fake_lms: Lms) -> None:
        port = free_port()
        start(fake_lms, port)
        logs = fake_lms.client.logs()
        for _ in range(100):
            chat(port, prompt="x" * 3_000).read()
        assert seconds_of(fake_lms.client.shutdown) < 10
        logs.close()


@contextmanager
def daemon_limited_to(lms: Lms, limit: str, hard: int, soft: int | None = None) -> "Iterator[subprocess.Popen[bytes]]":
    """A daemon in the foreground to which the system allows no more than `hard` of `limit`, at first `soft`."""
    program = (
        f"import resource, runpy; resource.setrlimit(resource.{limit}, ({hard if soft is None else soft}, {hard}));"
        "runpy.run_module('lms.daemon', run_name='__main__')"
    )
    lms.home.daemon_log.parent.mkdir(parents=True)
    with lms.home.daemon_log.open("wb") as log:
        daemon = subprocess.Popen([sys.executable, "-c", program], env=lms.environ, stderr=log)
    try:
        yield daemon
    finally:
        daemon.terminate()
        daemon.wait(WAIT_S)


def ensure(lms: Lms) -> Any:
    lms("daemon", "up")
    return lms.client


def start(lms: Lms, port: int) -> Any:
    return ensure(lms).start_server(ServerStart(port))


def seconds_of(work: Callable[[], object]) -> float:
    started_s = time.monotonic()
    work()
    return time.monotonic() - started_s


def load_in(lms: Lms, identifier: str) -> None:
    ensure(lms)
    load(lms, identifier)
