import json

import pytest

from tests.tools.canned_server import EVENTS, HEAD, STREAM, canned_server, chunk, event
from tools.bench import load
from tools.bench.load import Call, Exchange

CALL = Call.streamed("/chat/completions", {"model": "m"})


def test_a_request_arrives_whole_and_asks_for_a_stream_with_usage() -> None:
    with canned_server(*STREAM) as server:
        load.stream_together(server.port, [CALL])
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    assert json.loads(body) == {"model": "m", "stream": True, "stream_options": {"include_usage": True}}


def test_the_rate_counts_the_tokens_of_all_streams_over_the_whole_time() -> None:
    with canned_server(*STREAM) as server:
        seen = load.stream_together(server.port, [CALL] * 3)
    assert [answer.text for answer in seen.answers] == ["one two"] * 3
    assert seen.tokens_per_second == pytest.approx(3 * 2 / seen.wall_s)


def test_a_client_can_wait_for_the_first_text_and_leave() -> None:
    async def leave(port: int) -> bytes:
        exchange = await Exchange.start(port, CALL)
        await exchange.text()
        return b"".join(piece for _, piece in (await exchange.leave()).pieces)

    with canned_server(HEAD, chunk(event(EVENTS[0])), chunk(event(EVENTS[1])), endless=True) as server:
        seen = load.run(lambda: leave(server.port))
        assert server.left.wait(10)
    assert b'"one"' in seen


def test_waiting_for_text_ends_with_an_answer_that_has_none() -> None:
    async def wait(port: int) -> None:
        exchange = await Exchange.start(port, CALL)
        await exchange.text()
        await exchange.leave()

    with canned_server(b"HTTP/1.1 500 NO\r\n\r\nout of order") as server:
        load.run(lambda: wait(server.port))


def test_an_answer_that_does_not_end_in_time_is_an_error() -> None:
    async def wait(port: int) -> None:
        exchange = await Exchange.start(port, CALL)
        try:
            await exchange.reply(limit_s=0.05)
        finally:
            await exchange.leave()

    with canned_server(*STREAM[:3], endless=True) as server, pytest.raises(TimeoutError):
        load.run(lambda: wait(server.port))
