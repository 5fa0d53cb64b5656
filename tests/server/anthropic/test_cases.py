"""Messages, case by case, from the request's JSON to the reply's: `tests/data/anthropic/<case>.*.json`.

`request` is posted; `call` is what the engine must get; `events` is what it answers; `response` and, asked for as a
stream, `stream` are what the client must get.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from lms.generation.events import Event
from lms.generation.request import GenerateRequest, ReadRequest
from tests.server.conftest import MakeSite, Site

CASES = Path(__file__).parents[2] / "data" / "anthropic"
NAMES = sorted(path.name.removesuffix(".request.json") for path in CASES.glob("*.request.json"))


def read(name: str, part: str, kind: Any = Any) -> Any:
    return msgspec.json.decode((CASES / f"{name}.{part}.json").read_bytes(), type=kind)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def answering(name: str, make_site: MakeSite) -> Site:
    """A site whose engine answers as the case says."""
    return make_site(read(name, "events", tuple[tuple[Event, ...], ...]))


def test_the_engine_gets_what_was_asked(name: str, answering: Site) -> None:
    answering.post("/v1/messages", **read(name, "request"))
    assert answering.engine.calls[0].request == read(name, "call", GenerateRequest)


def test_the_prompt_that_is_counted_is_the_one_that_is_answered(name: str, answering: Site) -> None:
    answering.post("/v1/messages/count_tokens", **read(name, "request"))
    assert answering.engine.calls[0].request == ReadRequest(read(name, "call", GenerateRequest).prompt)


def test_the_reply_is_as_written(name: str, answering: Site) -> None:
    reply = answering.post("/v1/messages?beta=true", **read(name, "request"))
    assert (reply.status_code, anonymous(reply.json)) == (200, read(name, "response"))


def test_the_stream_is_as_written_and_each_event_has_its_name(name: str, answering: Site) -> None:
    stream = answering.post("/v1/messages", **read(name, "request"), stream=True).data
    names, events = zip(*map(parsed, stream.split(b"\n\n")[:-1]), strict=True)
    anonymous(events[0]["message"])
    assert list(events) == read(name, "stream")
    assert list(names) == [event["type"] for event in events]


def parsed(frame: bytes) -> tuple[str, Any]:
    event, data = frame.split(b"\n")
    return event.removeprefix(b"event: ").decode(), msgspec.json.decode(data.removeprefix(b"data: "))


def anonymous(message: Any) -> Any:
    """The message without its id, once that has been seen to be one."""
    prefix, tail = message.pop("id").split("_")
    assert (prefix, len(tail), tail.isalnum()) == ("msg", 21, True)
    return message
