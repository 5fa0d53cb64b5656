"""What clients do to a server that faces them: the real front, the real daemon, the fake engine behind."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass

import pytest

from lms.client.control import ServerStart
from tests.real.conftest import Lms, clean_up, new_lms

MODEL = "tiny-chat"


@dataclass(frozen=True)
class Served:
    """A running server over the fake engine."""

    lms: Lms
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def exchange(self, sent: bytes) -> tuple[int, bytes]:
        """The status and the rest of the answer to raw bytes."""
        with self.connect() as client:
            client.sendall(sent)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def post(self, body: bytes, path: str = "/v1/chat/completions", extra: str = "") -> tuple[int, bytes]:
        return self.exchange(request(path, body, extra))


def request(path: str, body: bytes, extra: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


def question(text: str, **fields: object) -> bytes:
    return json.dumps({"model": MODEL, "messages": [{"role": "user", "content": text}], **fields}).encode()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    lms = new_lms(fake_engine=True)
    lms("daemon", "up")
    status = lms.client.start_server(ServerStart(0))
    assert status.port
    lms("load", MODEL)
    yield Served(lms, status.port)
    clean_up(lms)


def test_two_hundred_half_sent_requests_cost_the_others_nothing(served: Served) -> None:
    with ExitStack() as half_sent:
        for _ in range(200):
            client = half_sent.enter_context(served.connect())
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        started_s = time.monotonic()
        for _ in range(20):
            assert served.post(question("hi"))[0] == 200
        assert time.monotonic() - started_s < 20  # a starved server lets every one of them time out


def test_two_hundred_half_sent_headers_cost_the_others_nothing(served: Served) -> None:
    with ExitStack() as half_sent:
        for _ in range(200):
            half_sent.enter_context(served.connect()).sendall(b"POST /v1/chat/comp")
        assert served.post(question("hi"))[0] == 200


@pytest.mark.parametrize(
    "body",
    [b"zz\r\n{}\r\n0\r\n\r\n", b"5\r\nab", b"-1\r\n\r\n", b"ffffffffffffffff\r\n{}", b"2\r\n{}XX0\r\n\r\n"],
    ids=["no number", "cut off", "negative", "enormous", "no line end"],
)
def test_a_malformed_chunked_body_is_a_400(served: Served, body: bytes) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with served.connect() as client:
        client.sendall(head + body)
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert served.post(question("hi"))[0] == 200


def test_a_well_formed_chunked_body_is_read(served: Served) -> None:
    body = question("hi")
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    assert served.exchange(head + pieces + b"0\r\n\r\n")[0] == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["no HTTP", "no such version", "negative length", "length in words", "endless path"],
)
def test_what_is_no_http_is_refused_and_the_server_lives(served: Served, sent: bytes) -> None:
    with served.connect() as client:
        client.sendall(sent)
        answer = b""
        with suppress(ConnectionResetError):  # hung up on while it still talked: what it was told may be lost
            while received := client.recv(65536):
                answer += received
    if answer:
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505"))
        assert json.loads(body)["error"]["type"] == "invalid_request_error"
    assert served.post(question("hi"))[0] == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"a":' * 50_000])
def test_a_body_that_is_no_json_object_is_a_400_with_an_error_object(served: Served, body: bytes) -> None:
    status, answer = served.post(body)
    assert status == 400
    assert json.loads(answer)["error"]["message"]


def test_a_client_that_leaves_a_stream_frees_its_slot(served: Served) -> None:
    with served.connect() as client:
        client.sendall(request("/v1/chat/completions", question("write for ever", stream=True)))
        assert client.recv(65536)
    wait_until_idle(served)


def test_a_client_that_leaves_while_it_waits_for_a_whole_answer_frees_its_slot(served: Served) -> None:
    with served.connect() as client:
        client.sendall(request("/v1/chat/completions", question("write for ever")))
        wait_until_busy(served)
    wait_until_idle(served)


def test_three_hundred_streams_at_once_all_come_to_their_end(served: Served) -> None:
    with ExitStack() as open_streams:
        clients = [open_streams.enter_context(closing(served.connect())) for _ in range(300)]
        for client in clients:
            client.sendall(request("/v1/chat/completions", question("count to 3", stream=True)))
        for client in clients:
            answer = b"".join(iter(lambda client=client: client.recv(65536), b""))  # type: ignore[misc]
            assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"), answer[-300:]


STREAMS = {
    "/v1/chat/completions": question("write for ever", stream=True),
    "/api/v0/chat/completions": question("write for ever", stream=True),
    "/v1/responses": json.dumps({"model": MODEL, "input": "write for ever", "stream": True}).encode(),
    "/v1/messages": question("write for ever", stream=True, max_tokens=10_000),
    "/api/v1/chat": json.dumps({"model": MODEL, "input": "write for ever", "stream": True}).encode(),
}


def test_whoever_waits_for_an_answer_is_told_when_the_server_stops(fake_lms: Lms) -> None:
    fake_lms("load", MODEL, "--parallel", "8")
    daemon = fake_lms.client
    served = Served(fake_lms, daemon.start_server(ServerStart(0)).port or 0)
    with ExitStack() as stack:
        streams = {path: stack.enter_context(served.connect()) for path in STREAMS}
        idle, whole = stack.enter_context(served.connect()), stack.enter_context(served.connect())
        for path, client in streams.items():
            client.sendall(request(path, STREAMS[path]))
        whole.sendall(request("/v1/chat/completions", question("write for ever")))
        begun = {path: until(client, b"data: ") for path, client in streams.items()}
        while daemon.instances()[0].running < len(STREAMS) + 1:
            continue
        fake_lms("server", "stop")
        for path, client in streams.items():
            told = begun[path] + rest(client)
            assert told.endswith(b"\r\n0\r\n\r\n"), path
            assert b"The server was stopped before this was answered." in told, path
        assert rest(whole).startswith(b"HTTP/1.1 503")
        assert rest(idle) == b""


def until(client: socket.socket, wanted: bytes) -> bytes:
    received = b""
    while wanted not in received:
        received += (more := client.recv(65536))
        assert more, received
    return received


def rest(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def wait_until_idle(served: Served) -> None:
    _wait(served, lambda state: state == "idle")


def wait_until_busy(served: Served) -> None:
    _wait(served, lambda state: state != "idle")


def _wait(served: Served, wanted: Callable[[str], bool]) -> None:
    """Poll what `lms ps` shows, within the test's time."""
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        (instance,) = served.lms.client.instances()
        if wanted(instance.state):
            return
    raise AssertionError(f"still {instance.state}")
