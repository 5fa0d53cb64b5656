"""A server on loopback that gives every request the same bytes, as soon as it has it all."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}
EVENTS = (
    {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
    {"choices": [{"delta": {"content": "one"}}]},
    {"choices": [{"delta": {"content": " two"}, "finish_reason": None}]},
    {"choices": [], "usage": USAGE},
)
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/event-stream\r\n\r\n"


def chunk(content: bytes) -> bytes:
    """One frame of chunked coding."""
    return f"{len(content):x}\r\n".encode() + content + b"\r\n"


def event(content: object) -> bytes:
    return b"data: " + json.dumps(content).encode() + b"\n\n"


STREAM = (HEAD, *(chunk(event(one)) for one in EVENTS), chunk(b"data: [DONE]\n\n"), chunk(b""))


@dataclass
class Canned:
    """`requests` are those that came in whole; `left` is set when a client hung up on an answer."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)


@contextmanager
def canned_server(*pieces: bytes, endless: bool = False) -> Iterator[Canned]:
    """Answers each connection in a thread of its own. An endless one repeats its last piece."""

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                self._answer()
            except ConnectionError:
                canned.left.set()

        def _answer(self) -> None:
            lines = list(iter(self.rfile.readline, b"\r\n"))
            length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length"))
            canned.requests.append(b"".join(lines) + b"\r\n" + self.rfile.read(length))
            self.wfile.write(b"".join(pieces))
            while endless:
                self.wfile.write(pieces[-1])

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        canned = Canned(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield canned
        finally:
            server.shutdown()
            thread.join()
