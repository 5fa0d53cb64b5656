import asyncio
from random import Random

from tests.tools.canned_server import HEAD, STREAM, canned_server, chunk
from tools.bench.clients import DEEDS, Crowd

PLAIN = b'HTTP/1.1 200 OK\r\n\r\n{"usage": {"prompt_tokens": 1}}'


def test_what_each_client_asks_is_decided_by_the_seed() -> None:
    for deed in DEEDS:
        assert deed.call(Random(1)) == deed.call(Random(1))


def test_a_crowd_leaves_when_its_time_is_over() -> None:
    with canned_server(*STREAM) as server:
        crowd = Crowd(server.port, clients=3, seed=1, pause_s=0.1)
        asyncio.run(crowd.work(0.3))
    assert sum(crowd.done.values()) + len(crowd.failed) == len(server.requests) > 3
    assert {failure.partition(":")[0] for failure in crowd.failed} <= {"not streamed", "embedding"}


def test_an_answer_that_breaks_off_is_a_failure() -> None:
    with canned_server(HEAD, chunk(b"data: {")) as server:
        crowd = Crowd(server.port, clients=4, seed=1, pause_s=0.1)
        asyncio.run(crowd.work(0.1))
    assert crowd.failed
    assert all(name.startswith("leaves") for name in crowd.done)


def test_nobody_there_is_a_failure() -> None:
    with canned_server(PLAIN) as server:
        port = server.port
    crowd = Crowd(port, clients=1, seed=1, pause_s=0.1)
    asyncio.run(crowd.work(0.01))
    assert len(crowd.failed) == 1
    assert not crowd.done
