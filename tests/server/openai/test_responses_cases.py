"""Responses, case by case, from the request's JSON to the reply's: `tests/data/openai/responses/<case>.*.json`.

`request` is posted; `events` is what the engine answers; `response` and `stream` are what the client must get. Ids that
differ each time are numbered there in the order of their appearance: `msg_1`, `fc_2`, …
"""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lms.generation.events import Event
from tests.server.conftest import MakeSite, Site, chunks_of

CASES = Path(__file__).parent.parent.parent / "data" / "openai" / "responses"
NAMES = sorted(path.name.removesuffix(".request.json") for path in CASES.glob("*.request.json"))
ID = re.compile(rb'"(resp|msg|rs|fc|ctc)_(?:[0-9a-f]{48}|[0-9a-z]{21})"')
TIME = re.compile(rb'_at":1[0-9]{9}\b')


def read(name: str, part: str) -> Any:
    return msgspec.json.decode((CASES / f"{name}.{part}.json").read_bytes())


def timeless(reply: bytes) -> bytes:
    """The reply without what differs each time."""
    seen = list(dict.fromkeys(match[0] for match in ID.finditer(reply)))
    numbered = ID.sub(lambda match: b'"%s_%d"' % (match[1], seen.index(match[0]) + 1), reply)
    return TIME.sub(b'_at":0', numbered)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def answering(name: str, make_site: MakeSite) -> Site:
    """A site whose engine answers as the case says."""
    return make_site(msgspec.convert(read(name, "events"), tuple[tuple[Event, ...], ...]))


def test_the_reply_is_as_written(name: str, answering: Site) -> None:
    reply = answering.client.post("/v1/responses", json=read(name, "request"))
    assert msgspec.json.decode(timeless(reply.data)) == read(name, "response")


def test_the_stream_is_as_written(name: str, answering: Site) -> None:
    reply = answering.client.post("/v1/responses", json=read(name, "request") | {"stream": True})
    assert chunks_of(timeless(reply.data)) == read(name, "stream")


def test_the_stream_ends_with_the_reply(name: str) -> None:
    numbers = re.compile(r"(?<=_)\d+$")

    def alike(value: Any) -> Any:
        """Ids are numbered anew in each file."""
        match value:
            case dict():
                return {key: alike(each) for key, each in value.items()}
            case list():
                return [alike(each) for each in value]
            case str():
                return numbers.sub("", value)
        return value

    assert alike(read(name, "stream")[-1]["response"]) == alike(read(name, "response"))


def test_events_go_by_their_names_and_end_with_done(answering: Site, name: str) -> None:
    reply = answering.client.post("/v1/responses", json=read(name, "request") | {"stream": True})
    *frames, done, nothing = reply.text.split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    told = [event["type"] for event in chunks_of(reply.data)]
    assert [frame.split("\n")[0] for frame in frames] == [f"event: {kind}" for kind in told]
