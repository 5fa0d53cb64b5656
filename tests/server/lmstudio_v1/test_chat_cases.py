"""Chats, case by case, from the request's JSON to the reply's: `tests/data/lmstudio_v1/chat/<case>.*.json`.

`request` is posted; `call` is what the engine must get; `events` is what it answers; `response` and `stream` are what
the client must get.
"""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lms.generation.events import Event
from lms.generation.request import GenerateRequest
from tests.server.conftest import MakeSite, Site
from tests.server.lmstudio_v1.streams import events_of

CASES = Path(__file__).parents[2] / "data" / "lmstudio_v1" / "chat"
NAMES = sorted(path.name.removesuffix(".request.json") for path in CASES.glob("*.request.json"))
PATH = "/api/v1/chat"


def read(name: str, part: str) -> Any:
    return msgspec.json.decode((CASES / f"{name}.{part}.json").read_bytes())


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def answering(name: str, make_site: MakeSite) -> Site:
    """A site whose engine answers as the case says."""
    batches = msgspec.convert(read(name, "events"), tuple[tuple[Event, ...], ...])
    return make_site(batches)


def test_the_engine_gets_what_was_asked(name: str, answering: Site) -> None:
    answering.client.post(PATH, json=read(name, "request"))
    wanted = msgspec.json.decode((CASES / f"{name}.call.json").read_bytes(), type=GenerateRequest)
    assert answering.engine.calls[0].request == wanted


def test_the_reply_is_as_written(name: str, answering: Site) -> None:
    body = read(name, "request")
    reply = answering.client.post(PATH, json=body)
    assert reply.status_code == 200
    assert without_id(reply.json, body) == read(name, "response")


def test_the_stream_is_as_written(name: str, answering: Site) -> None:
    body = read(name, "request")
    reply = answering.client.post(PATH, json=body | {"stream": True})
    *events, end = events_of(reply.data)
    assert [*events, end | {"result": without_id(end["result"], body)}] == read(name, "stream")


def without_id(reply: Any, body: Any) -> Any:
    """The reply without its id, which is there if the turn is kept."""
    if body.get("store") is False:
        assert "response_id" not in reply
    else:
        assert re.fullmatch("resp_[0-9a-f]{48}", reply.pop("response_id"))
    return reply
