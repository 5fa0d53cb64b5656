"""Messages, case by case, from the request's JSON to the reply's: `tests/data/anthropic/<case>.*.json`.

`request` is posted; `call` is what the engine must get; `events` is what it answers; `response` and, asked for as a
stream, `stream` are what the client must get.
"""

from typing import Any

import msgspec
import pytest

from lms.generation.request import GenerateRequest, ReadRequest
from tests.server.cases import Case, cases_in
from tests.server.conftest import Site


@pytest.fixture(params=cases_in("anthropic"), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_the_engine_gets_what_was_asked(case: Case, answering: Site) -> None:
    answering.post("/v1/messages", **case.request)
    assert answering.engine.calls[0].request == case.read("call", GenerateRequest)


def test_the_prompt_that_is_counted_is_the_one_that_is_answered(case: Case, answering: Site) -> None:
    answering.post("/v1/messages/count_tokens", **case.request)
    assert answering.engine.calls[0].request == ReadRequest(case.read("call", GenerateRequest).prompt)


def test_the_reply_is_as_written(case: Case, answering: Site) -> None:
    reply = answering.post("/v1/messages?beta=true", **case.request)
    assert (reply.status_code, anonymous(reply.json)) == (200, case.read("response"))


def test_the_stream_is_as_written_and_each_event_has_its_name(case: Case, answering: Site) -> None:
    stream = answering.post("/v1/messages", **case.request, stream=True).data
    names, events = zip(*map(parsed, stream.split(b"\n\n")[:-1]), strict=True)
    anonymous(events[0]["message"])
    assert list(events) == case.read("stream")
    assert list(names) == [event["type"] for event in events]


def parsed(frame: bytes) -> tuple[str, Any]:
    event, data = frame.split(b"\n")
    return event.removeprefix(b"event: ").decode(), msgspec.json.decode(data.removeprefix(b"data: "))


def anonymous(message: Any) -> Any:
    """The message without its id, once that has been seen to be one."""
    prefix, tail = message.pop("id").split("_")
    assert (prefix, len(tail), tail.isalnum()) == ("msg", 21, True)
    return message
