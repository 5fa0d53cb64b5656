"""One request to an engine over real sockets: what arrives, what is noticed, what is cancelled."""

import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from lms.errors import EngineFailed, ModelUnloaded, PromptTooLong, to_wire
from lms.generation.events import Failed, Finished, Stats, TextDelta, Usage
from lms.generation.request import GenerateRequest, TextPrompt
from lms.pool.stream import ClientGone, NotTaken, has_left, stream
from tests.server.scripted_engine import FINISHED, HELLO, MODEL, PATIENCE_S, ScriptedEngine, Step

REQUEST = GenerateRequest(TextPrompt("Hello"))
Start = Callable[..., ScriptedEngine]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Start]:
    started: list[ScriptedEngine] = []

    def start(script: Iterable[Step] = HELLO, hang_up: bool = False) -> ScriptedEngine:
        started.append(ScriptedEngine(tmp_path, script, hang_up))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, clients = socket.socketpair()
    with ours, clients:
        yield ours, clients


def test_every_event_arrives_in_order(engine: Start) -> None:
    batches = list(stream(engine().lease(), REQUEST, None))
    assert [event for batch in batches for event in batch] == [TextDelta("Hel"), TextDelta("lo"), FINISHED]


def test_the_engine_gets_the_request_as_it_was(engine: Start) -> None:
    scripted = engine()
    list(stream(scripted.lease(), REQUEST, None))
    assert (scripted.calls[0].request, scripted.calls[0].stream) == (REQUEST, True)


def test_an_answer_wanted_whole_is_asked_for_whole(engine: Start) -> None:
    scripted = engine()
    list(stream(scripted.lease(), REQUEST, None, streamed=False))
    assert not scripted.calls[0].stream


def test_a_request_larger_than_any_socket_buffer_arrives_whole(engine: Start) -> None:
    scripted = engine()
    long = GenerateRequest(TextPrompt("x" * 5_000_000))
    list(stream(scripted.lease(), long, None))
    assert scripted.calls[0].request == long


def test_silence_gives_heartbeats(engine: Start) -> None:
    go_on = threading.Event()
    events = stream(engine((go_on, *HELLO)).lease(), REQUEST, None, heartbeat_s=0.01)
    assert next(events) == ()
    assert next(events) == ()
    go_on.set()
    assert any(batch for batch in events)


def test_a_failure_is_raised_as_the_engine_put_it(engine: Start) -> None:
    failed = Failed(to_wire(PromptTooLong("3000 tokens, and the context holds 2048.")))
    with pytest.raises(PromptTooLong, match="3000 tokens"):
        list(stream(engine([(failed,)]).lease(), REQUEST, None))


def test_what_came_before_a_failure_is_delivered_first(engine: Start) -> None:
    events = stream(engine([(TextDelta("a"), Failed(to_wire(EngineFailed("died"))))]).lease(), REQUEST, None)
    assert next(events) == (TextDelta("a"),)
    with pytest.raises(EngineFailed, match="died"):
        next(events)


@pytest.mark.parametrize(("reason", "error"), [("modelUnloaded", ModelUnloaded), ("failed", EngineFailed)])
def test_an_answer_cut_short_is_an_error(engine: Start, reason: str, error: type[Exception]) -> None:
    end = Finished(reason, Usage(1, 1), Stats(1.0, 1.0, 1.0))  # type: ignore[arg-type]
    with pytest.raises(error):
        list(stream(engine([(TextDelta("a"),), (end,)]).lease(), REQUEST, None))


def test_an_engine_that_dies_half_way_is_an_error_after_what_it_said(engine: Start) -> None:
    events = stream(engine([(TextDelta("a"),)], hang_up=True).lease(), REQUEST, None)
    assert next(events) == (TextDelta("a"),)
    with pytest.raises(EngineFailed, match="tiny-chat"):
        next(events)


def test_bytes_that_are_no_frame_are_an_error(engine: Start) -> None:
    with pytest.raises(EngineFailed, match="unreadable"):
        list(stream(engine([b"\x00\x00\x00\x01\xc1"]).lease(), REQUEST, None))


def test_an_engine_that_is_not_there_has_not_taken_the_request(engine: Start) -> None:
    scripted = engine()
    Path(scripted.socket_path).unlink()
    with pytest.raises(NotTaken, match=MODEL.key):
        next(stream(scripted.lease(), REQUEST, None))


def test_closing_the_stream_hangs_up(engine: Start) -> None:
    scripted = engine([(TextDelta("a"),)])
    events = stream(scripted.lease(), REQUEST, None)
    next(events)
    events.close()
    assert scripted.hung_up.wait(PATIENCE_S)


def test_a_client_that_leaves_ends_the_stream_and_hangs_up(
    engine: Start, sockets: tuple[socket.socket, socket.socket]
) -> None:
    scripted = engine([(TextDelta("a"),)])
    ours, clients = sockets
    events = stream(scripted.lease(), REQUEST, ours, heartbeat_s=PATIENCE_S)
    next(events)
    clients.close()
    with pytest.raises(ClientGone):
        next(events)
    assert scripted.hung_up.wait(PATIENCE_S)


def test_a_client_that_sends_its_next_request_is_still_there(
    engine: Start, sockets: tuple[socket.socket, socket.socket]
) -> None:
    ours, clients = sockets
    clients.sendall(b"GET /v1/models HTTP/1.1\r\n\r\n")
    batches = list(stream(engine().lease(), REQUEST, ours))
    assert batches[-1][-1] == FINISHED
    assert ours.recv(3) == b"GET"


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2048, reason="too few descriptors allowed here")
def test_the_engines_descriptor_may_be_over_1023(engine: Start) -> None:
    scripted = engine()
    held = [socket.socket(socket.AF_UNIX) for _ in range(1024)]
    try:
        assert list(stream(scripted.lease(), REQUEST, None))[-1][-1] == FINISHED
    finally:
        for one in held:
            one.close()


def test_looking_for_a_client_waits_for_nothing_under_gevent_either() -> None:
    program = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import gevent, socket\nfrom lms.pool.stream import has_left\n"
        "ours, clients = socket.socketpair(); ours.settimeout(60)\n"
        "with gevent.Timeout(1): print(has_left(ours), ours.gettimeout()); clients.close(); print(has_left(ours))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "60.0", "True"], done.stderr


def test_a_client_has_left_when_its_socket_has_ended_and_not_when_it_sends_more() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert not has_left(ours)
        theirs.sendall(b"GET")
        assert not has_left(ours)
        assert ours.recv(3) == b"GET"
        theirs.shutdown(socket.SHUT_WR)
        assert has_left(ours)
