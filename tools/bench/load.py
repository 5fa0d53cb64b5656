"""The load generator: bare asyncio protocols that note the time of each piece and read nothing until all is over.

It runs on the machine that it measures, so a token should cost it little: one callback, no parsing.
"""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tools.bench.answers import Answer, CallFailed, Events, Reply, answer, text_of

LIMIT_S = 600.0
Result = TypeVar("Result")


@dataclass(frozen=True)
class Call:
    """One POST: the path without `/v1`, and the JSON."""

    path: str
    body: dict[str, Any]

    @classmethod
    def streamed(cls, path: str, body: dict[str, Any]) -> "Call":
        return cls(path, body | {"stream": True, "stream_options": {"include_usage": True}})

    def encoded(self) -> bytes:
        body = json.dumps(self.body).encode()
        head = (
            f"POST /v1{self.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body


class Exchange(asyncio.Protocol):
    """One request and its answer on a connection of its own."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._pieces: list[tuple[float, bytes]] = []
        self._sent_s = 0.0
        self._transport: asyncio.Transport | None = None
        self._ended_s = 0.0
        self._ended = asyncio.Event()
        self._text_seen = asyncio.Event()
        self._events: Events | None = Events()

    @classmethod
    async def start(cls, port: int, call: Call) -> "Exchange":
        """Connect and send. Raises OSError when nobody listens."""
        request = call.encoded()
        _, exchange = await asyncio.get_running_loop().create_connection(lambda: cls(request), "127.0.0.1", port)
        return exchange

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # for the type checker: that is what TCP gives
        self._transport = transport
        self._sent_s = time.perf_counter()
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._pieces.append((time.perf_counter(), data))
        if self._events is not None:
            self._look_for_text(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._ended_s = time.perf_counter()
        self._text_seen.set()
        self._ended.set()

    async def leave(self) -> Reply:
        """Hang up, and return what had come until then."""
        if self._transport is not None:
            self._transport.abort()
        return await self.reply()

    async def text(self) -> None:
        """Wait for the first text. Returns also when the answer ended without any."""
        async with asyncio.timeout(LIMIT_S):
            await self._text_seen.wait()

    async def reply(self, limit_s: float = LIMIT_S) -> Reply:
        """Wait for the end. Raises TimeoutError."""
        async with asyncio.timeout(limit_s):
            await self._ended.wait()
        return Reply(self._sent_s, self._ended_s, tuple(self._pieces))

    def _look_for_text(self, data: bytes) -> None:
        """Only until there is some: from then on nothing is parsed while the clock runs."""
        try:
            found = self._events is not None and any(text_of(event) for event in self._events.feed(data))
        except (CallFailed, ValueError):
            found = True  # whoever reads the reply meets the same error
        if found:
            self._events = None
            self._text_seen.set()


async def ask(port: int, call: Call) -> Reply:
    """Send one request and wait for the whole answer."""
    return await (await Exchange.start(port, call)).reply()


async def ask_together(port: int, calls: Sequence[Call]) -> list[Reply]:
    """Send all at once and wait for all."""
    return list(await asyncio.gather(*(ask(port, call) for call in calls)))


@dataclass(frozen=True)
class Together:
    """Several streamed answers that were asked for at once."""

    wall_s: float
    answers: tuple[Answer, ...]

    @property
    def tokens_per_second(self) -> float:
        return sum(one.usage.completion for one in self.answers) / self.wall_s


def stream_together(port: int, calls: Sequence[Call]) -> Together:
    """All answers, and the time from the first sending to the last end. Raises CallFailed."""
    replies = run(lambda: ask_together(port, calls))
    wall_s = max(reply.ended_s for reply in replies) - min(reply.sent_s for reply in replies)
    return Together(wall_s, tuple(answer(reply) for reply in replies))


def run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Run one piece of asynchronous work to its end."""
    return asyncio.run(work())
