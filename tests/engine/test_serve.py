"""The engine as a process, with the fake model: real sockets, real pipes."""

import os
import resource
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from lms.config.load import LoadConfig
from lms.engine.protocol import Activity, EngineSpec, Report
from lms.generation.events import Failed, Finished
from lms.generation.request import GenerateRequest, Request, TokenPrompt
from lms.wire import Unpacker
from tests.engine.processes import EngineProcess, frames, started
from tests.engine.rig import chat, written


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineProcess]:
    """One slot, and a token that takes a hundredth of a millisecond."""
    config = LoadConfig(parallel=1, context_length=10**6)
    spec = EngineSpec("fake", "none", "fake", "fake", str(tmp_path / "engine.sock"), config, queue_limit=4)
    with started(spec, LMS_FAKE_TOKEN_MS="0.01") as engine:
        engine.wait_ready()
        yield engine


def test_an_answer_streams_a_frame_a_step(engine: EngineProcess) -> None:
    with engine.call(chat("count to 9")) as client:
        received = list(frames(client))
    assert written([event for frame in received for event in frame.events]) == "1 2 3 4 5 6 7 8 9"
    assert len(received) > 5


def test_an_answer_that_does_not_stream_comes_in_one_frame(engine: EngineProcess) -> None:
    with engine.call(chat("count to 9"), stream=False) as client:
        (frame,) = frames(client)
    assert written(frame.events) == "1 2 3 4 5 6 7 8 9"


def test_a_client_that_leaves_while_decoding_frees_the_slot(engine: EngineProcess) -> None:
    with engine.call(chat("write for ever")) as client:
        next(frames(client))
    assert written(engine.ask(chat("hi"))) == "You said: hi"


def test_a_client_that_leaves_during_a_long_prompt_frees_the_slot(engine: EngineProcess) -> None:
    client = engine.call(chat("long " * 800))
    engine.wait_activity(state="processingPrompt")
    client.close()
    assert engine.wait_activity(running=0).state == "idle"


def test_activity_counts_who_is_served_and_who_waits(engine: EngineProcess) -> None:
    with engine.call(chat("write for ever")) as first, engine.call(chat("write for ever")) as second:
        next(frames(first))
        engine.wait_activity(running=1, queued=1, served=2)
        second.close()
        engine.wait_activity(running=1, queued=0)
    engine.wait_activity(state="idle")


@pytest.mark.parametrize("request_", [chat("hi"), GenerateRequest(TokenPrompt((99_999,)))], ids=["answered", "refused"])
def test_that_it_is_idle_is_reported_before_its_last_answer_ends(engine: EngineProcess, request_: Request) -> None:
    """By then the report lies in the pipe, where the daemon finds it when the same client asks for the next thing."""
    engine.ask(request_)
    assert engine.process.stdout is not None
    lies_there = os.read(engine.process.stdout.fileno(), 1 << 20)
    activities = [report for report in Unpacker[Report](Report).feed(lies_there) if isinstance(report, Activity)]
    assert (activities[-1].state, activities[-1].served) == ("idle", 1)


def test_a_full_queue_refuses_and_keeps_serving(engine: EngineProcess) -> None:
    clients = [engine.call(chat("write for ever")) for _ in range(5)]
    engine.wait_activity(running=1, queued=4)
    (failed,) = engine.ask(chat("hi"))
    assert isinstance(failed, Failed)
    assert failed.error["code"] == "queue_full"
    for client in clients:
        client.close()
    events = engine.ask(chat("hi"))
    assert written(events) == "You said: hi", events


def test_a_bad_request_is_answered_and_the_next_one_served(engine: EngineProcess) -> None:
    (failed,) = engine.ask(GenerateRequest(TokenPrompt((99_999,))))
    assert isinstance(failed, Failed)
    assert "no token of this model" in failed.error["message"]
    assert written(engine.ask(chat("hi"))) == "You said: hi"


@pytest.mark.parametrize("garbage", [b"", b"\x00", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 4000, b"\x00\x00\x00\x03abc"])
def test_who_does_not_speak_the_protocol_is_hung_up_on(engine: EngineProcess, garbage: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(engine.spec.socket_path)
        client.sendall(garbage)
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""
    assert written(engine.ask(chat("hi"))) == "You said: hi"


def test_a_client_that_reads_nothing_holds_up_nobody(engine: EngineProcess) -> None:
    slow = engine.call(chat("write for ever", max_tokens=5000))
    assert isinstance(engine.ask(chat("hi"))[-1], Finished)  # with one slot, the slow one has ended by then
    received = [event for frame in frames(slow) for event in frame.events]
    slow.close()
    assert isinstance(received[-1], Finished)
    assert written(received).startswith("1 2 3 4 ")


def test_the_socket_is_private(engine: EngineProcess) -> None:
    assert stat.S_IMODE(os.stat(engine.spec.socket_path).st_mode) == 0o600


def test_the_engine_ends_with_its_stdin_and_removes_its_socket(engine: EngineProcess) -> None:
    assert engine.process.stdin is not None
    engine.process.stdin.close()
    assert engine.process.wait(10) == 0
    assert not os.path.exists(engine.spec.socket_path)


def test_what_a_dead_engine_left_at_the_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    path.touch()
    spec = EngineSpec("fake", "none", "fake", "fake", str(path), LoadConfig())
    with started(spec) as engine:
        engine.wait_ready()
        assert written(engine.ask(chat("hi"))) == "You said: hi"


def test_stopping_tells_running_requests_that_the_model_was_unloaded(engine: EngineProcess) -> None:
    with engine.call(chat("write for ever")) as running, engine.call(chat("hi")) as waiting:
        next(frames(running))
        engine.wait_activity(queued=1)
        assert engine.process.stdin is not None
        engine.process.stdin.close()
        for client in (running, waiting):
            last = [event for frame in frames(client) for event in frame.events][-1]
            assert isinstance(last, Finished)
            assert last.reason == "modelUnloaded"


def test_many_connections_at_once_are_all_served_although_descriptors_run_out(tmp_path: Path) -> None:
    spec = EngineSpec("fake", "none", "fake", "fake", str(tmp_path / "engine.sock"), LoadConfig())
    with started(spec) as engine:
        engine.wait_ready()
        _, hard = resource.prlimit(engine.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(engine.process.pid, resource.RLIMIT_NOFILE, (32, hard))
        clients = [engine.call(chat("hi")) for _ in range(80)]
        for client in clients:
            assert written([event for frame in frames(client) for event in frame.events]) == "You said: hi"
            client.close()
