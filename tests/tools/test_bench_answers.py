import json

import pytest

from tests.tools.canned_server import EVENTS, HEAD, STREAM, USAGE, chunk, event
from tools.bench.answers import Answer, CallFailed, Events, Reply, Usage, answer, content, partial_answer

WHOLE = b"".join(STREAM)


def reply(*pieces: bytes) -> Reply:
    """The first piece comes 1 s after the request, each other one a second after the last."""
    return Reply(10.0, 11.0 + len(pieces), tuple((11.0 + number, piece) for number, piece in enumerate(pieces)))


def test_a_stream_is_the_same_wherever_it_was_cut() -> None:
    for cut in range(1, len(WHOLE)):
        events = Events()
        assert (*events.feed(WHOLE[:cut]), *events.feed(WHOLE[cut:])) == EVENTS


def test_an_answer_has_its_text_the_time_of_each_piece_and_its_usage() -> None:
    assert answer(reply(*STREAM)) == Answer("one two", (3.0, 4.0), Usage(prompt=9, completion=2, cached=4))


def test_pieces_that_came_together_count_as_one_arrival() -> None:
    assert answer(reply(WHOLE)).arrivals_s == (1.0,)


def test_reasoning_and_completions_are_text_too() -> None:
    reasoning, text = {"choices": [{"delta": {"reasoning_content": "a"}}]}, {"choices": [{"text": "b"}]}
    body = b"".join(chunk(event(one)) for one in (reasoning, text, {"usage": USAGE, "choices": []}))
    assert answer(reply(HEAD + body)).text == "ab"


def test_an_answer_without_its_usage_was_cut_off() -> None:
    with pytest.raises(CallFailed, match="no usage"):
        answer(reply(*STREAM[:3]))


def test_what_came_before_a_client_left_can_be_read() -> None:
    assert partial_answer(reply(*STREAM[:3])).text == "one"


def test_a_refusal_is_said() -> None:
    with pytest.raises(CallFailed, match="no such model"):
        answer(reply(b"HTTP/1.1 404 NOT FOUND\r\nContent-Length: 13\r\n\r\nno such model"))


def test_an_error_in_the_middle_of_a_stream_is_said() -> None:
    with pytest.raises(CallFailed, match="engine died"):
        answer(reply(*STREAM[:3], chunk(event({"error": {"message": "engine died"}}))))


def test_a_plain_answer_is_read_with_and_without_chunks() -> None:
    body = json.dumps({"data": [1, 2]}).encode()
    assert content(reply(b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n" + body)) == {"data": [1, 2]}
    assert content(reply(HEAD + chunk(body[:5]), chunk(body[5:]) + chunk(b""))) == {"data": [1, 2]}


def test_a_plain_answer_that_was_cut_off_is_said() -> None:
    with pytest.raises(CallFailed, match="no JSON"):
        content(reply(b'HTTP/1.1 200 OK\r\n\r\n{"data": ['))
