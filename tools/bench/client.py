"""A load generator over bare asyncio sockets, so that no client library's cost is measured with the server's."""

import asyncio
import json
import socket
import statistics
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What a client saw of one streamed answer. Seconds since the request was sent."""

    first_token_s: float
    longest_gap_s: float
    tokens: int


@dataclass(frozen=True)
class Load:
    """Several streams at once."""

    wall_s: float
    tokens: int
    first_token_p50_s: float

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.wall_s


def run(port: int, path: str, bodies: list[dict[str, Any]]) -> Load:
    """Send all of `bodies` at once and wait for the end of every answer."""
    return asyncio.run(_run(port, path, bodies))


async def _run(port: int, path: str, bodies: list[dict[str, Any]]) -> Load:
    started_s = time.perf_counter()
    answers = await asyncio.gather(*(_ask(port, path, body) for body in bodies))
    wall_s = time.perf_counter() - started_s
    return Load(wall_s, sum(a.tokens for a in answers), statistics.median(a.first_token_s for a in answers))


@dataclass(frozen=True)
class Interference:
    """Eight running answers that a long prompt joins. `alone_s` is how long that prompt takes with nobody beside it."""

    longest_gap_s: float
    alone_s: float


def interfere(port: int, path: str, body: dict[str, Any], long_bodies: list[dict[str, Any]]) -> Interference:
    """Start eight streams; when all run, one leaves and the first long prompt arrives; the others go on to their end.

    The second long prompt, as long as the first and unlike it from its first word on, is then asked alone.
    """
    return asyncio.run(_interfere(port, path, body, *long_bodies))


async def _interfere(
    port: int, path: str, body: dict[str, Any], joining: dict[str, Any], alone: dict[str, Any]
) -> Interference:
    all_run = asyncio.Barrier(9)
    leaving = asyncio.create_task(_ask(port, path, body, all_run))
    staying = [asyncio.create_task(_ask(port, path, body, all_run)) for _ in range(7)]
    await all_run.wait()
    leaving.cancel()
    await _ask(port, path, joining)
    answers = await asyncio.gather(*staying)
    gap_s = max(answer.longest_gap_s for answer in answers)
    return Interference(gap_s, (await _ask(port, path, alone)).first_token_s)


def send(port: int, path: str, body: dict[str, Any]) -> socket.socket:
    """Send one request and return the open connection, its answer unread."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(_request(path, body))
    return connection


def _request(path: str, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


async def _ask(port: int, path: str, body: dict[str, Any], running: asyncio.Barrier | None = None) -> Answer:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent_s = time.perf_counter()
    writer.write(_request(path, body | {"stream": True, "stream_options": {"include_usage": True}}))
    first_s, last_s, gap_s, usage = 0.0, 0.0, 0.0, 0
    async for line in reader:
        if b'"content":"' in line or b'"text":"' in line:
            now_s = time.perf_counter() - sent_s
            gap_s = max(gap_s, now_s - last_s) if first_s else 0.0
            first_s, last_s = first_s or now_s, now_s
            if running is not None:
                await running.wait()
                running, last_s = None, time.perf_counter() - sent_s
        if b'"completion_tokens":' in line:
            usage = json.loads(line[line.index(b"{") : line.rindex(b"}") + 1])["usage"]["completion_tokens"]
    writer.close()
    if not usage:
        raise RuntimeError(f"{path} gave no usage: is the server up, and the model loaded?")
    return Answer(first_s, gap_s, usage)
