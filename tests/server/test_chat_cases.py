"""Chat completions, case by case, from the request's JSON to the reply's: `tests/data/openai/chat/<case>.*.json`.

`request` is posted; `call` is what the engine must get; `events` is what it answers; `response` (`/v1`), `chunks` (the
same streamed, with usage), `v0_response` and `v0_chunks` are what the client must get.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from lms.generation.events import Event
from lms.generation.request import GenerateRequest
from tests.server.conftest import MakeSite, Site, chunks_of

CASES = Path(__file__).parent.parent / "data" / "openai" / "chat"
NAMES = sorted(path.name.removesuffix(".request.json") for path in CASES.glob("*.request.json"))


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
    answering.client.post("/v1/chat/completions", json=read(name, "request"))
    wanted = msgspec.json.decode((CASES / f"{name}.call.json").read_bytes(), type=GenerateRequest)
    assert answering.engine.calls[0].request == wanted


@pytest.mark.parametrize(("path", "part"), [("/v1", "response"), ("/api/v0", "v0_response")])
def test_the_reply_is_as_written(name: str, answering: Site, path: str, part: str) -> None:
    reply = answering.client.post(f"{path}/chat/completions", json=read(name, "request"))
    assert timeless(reply.json) == read(name, part)


@pytest.mark.parametrize(("path", "part"), [("/v1", "chunks"), ("/api/v0", "v0_chunks")])
def test_the_stream_is_as_written(name: str, answering: Site, path: str, part: str) -> None:
    body = read(name, "request") | {"stream": True, "stream_options": {"include_usage": True}}
    reply = answering.client.post(f"{path}/chat/completions", json=body)
    assert [timeless(chunk) for chunk in chunks_of(reply.data)] == read(name, part)


def timeless(reply: Any) -> Any:
    """The reply without what differs each time, once that has been seen to be right."""
    prefix, tail = reply.pop("id").split("-")
    assert (prefix, len(tail), tail.isalnum(), tail.islower()) == ("chatcmpl", 21, True, True)
    assert reply.pop("created") > 1_700_000_000
    return reply
