"""Several requests side by side, over real sockets and scripted engines."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lms.errors import EngineFailed, PromptTooLong, to_wire
from lms.generation.events import Event, Failed, TextDelta
from lms.generation.request import GenerateRequest, TextPrompt
from lms.pool.stream import ClientGone, connect
from lms.pool.streams import Asked, side_by_side
from tests.server.scripted_engine import FINISHED, HELLO, PATIENCE_S, ScriptedEngine, Step

Tagged = tuple[int, tuple[Event, ...]]


class Engines:
    """Engines that play a script each, and requests to them."""

    def __init__(self, folder: Path, *scripts: tuple[Step, ...]) -> None:
        folders = [folder / str(number) for number in range(len(scripts))]
        for each in folders:
            each.mkdir()
        self.all = [ScriptedEngine(each, script) for each, script in zip(folders, scripts, strict=True)]
        self.asked = 0

    def requests(self) -> Iterator[Asked]:
        for engine in self.all:
            self.asked += 1
            yield engine.lease(), connect(engine.lease()), GenerateRequest(TextPrompt(str(self.asked)))


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, clients = socket.socketpair()
    with ours, clients:
        yield ours, clients


def texts(events: Iterator[Tagged]) -> dict[int, str]:
    found: dict[int, str] = {}
    for number, batch in events:
        found[number] = found.get(number, "") + "".join(e.text for e in batch if isinstance(e, TextDelta))
    return found


def test_every_answer_arrives_whole_under_its_number(tmp_path: Path) -> None:
    engines = Engines(tmp_path, HELLO, ((TextDelta("Bye"),), (FINISHED,)), HELLO)
    assert texts(side_by_side(engines.requests(), None, 8)) == {0: "Hello", 1: "Bye", 2: "Hello"}


def test_a_slow_answer_holds_up_no_other(tmp_path: Path) -> None:
    go_on = threading.Event()
    engines = Engines(tmp_path, (go_on, *HELLO), HELLO)
    with closing(side_by_side(engines.requests(), None, 8)) as events:
        number, batch = next(events)
        assert (number, batch[:1]) == (1, (TextDelta("Hel"),))
        go_on.set()
        assert texts(events)[0] == "Hello"


def test_no_more_are_asked_than_at_once(tmp_path: Path) -> None:
    go_on = threading.Event()
    engines = Engines(tmp_path, HELLO, (go_on, *HELLO), HELLO, HELLO)
    with closing(side_by_side(engines.requests(), None, 2)) as events:
        next(events)
        assert engines.asked == 2
        go_on.set()
        assert texts(events).keys() >= {1, 2, 3}
        assert engines.asked == 4


def test_silence_gives_heartbeats(tmp_path: Path) -> None:
    go_on = threading.Event()
    engines = Engines(tmp_path, (go_on, *HELLO), (go_on, *HELLO))
    with closing(side_by_side(engines.requests(), None, 8, heartbeat_s=0.01)) as events:
        assert next(events)[1] == ()
        go_on.set()
        assert texts(events) == {0: "Hello", 1: "Hello"}


def test_what_one_fails_with_ends_all(tmp_path: Path) -> None:
    failed = Failed(to_wire(PromptTooLong("3000 tokens, and the context holds 2048.")))
    engines = Engines(tmp_path, (threading.Event(), *HELLO), ((failed,),))
    with pytest.raises(PromptTooLong, match="3000 tokens"):
        texts(side_by_side(engines.requests(), None, 8))
    assert engines.all[1].hung_up.wait(PATIENCE_S)


def test_an_engine_that_leaves_is_an_error(tmp_path: Path) -> None:
    engines = Engines(tmp_path, HELLO)
    engines.all.append(ScriptedEngine(tmp_path, ((TextDelta("Hel"),),), hang_up=True))
    with pytest.raises(EngineFailed, match="ended before"):
        texts(side_by_side(engines.requests(), None, 8))


def test_a_client_that_leaves_ends_all(tmp_path: Path, sockets: tuple[socket.socket, socket.socket]) -> None:
    ours, clients = sockets
    waiting = ((TextDelta("Hel"),),)
    engines = Engines(tmp_path, waiting, waiting)
    events = side_by_side(engines.requests(), ours, 8)
    next(events)
    clients.close()
    with pytest.raises(ClientGone):
        texts(events)


def test_a_client_that_sends_its_next_request_has_not_left(
    tmp_path: Path, sockets: tuple[socket.socket, socket.socket]
) -> None:
    ours, clients = sockets
    clients.send(b"GET /v1/models HTTP/1.1")
    engines = Engines(tmp_path, HELLO, HELLO)
    assert texts(side_by_side(engines.requests(), ours, 8)) == {0: "Hello", 1: "Hello"}


def test_closing_hangs_up_on_every_engine(tmp_path: Path) -> None:
    engines = Engines(tmp_path, HELLO[:1], HELLO[:1])
    events = side_by_side(engines.requests(), None, 8)
    next(events)
    events.close()
    assert all(engine.hung_up.wait(PATIENCE_S) for engine in engines.all)
