"""Chat completions, case by case, from the request's JSON to the reply's: `tests/data/openai/chat/<case>.*.json`.

`request` is posted; `call` is what the engine must get; `events` is what it answers; `response` (`/v1`), `chunks` (the
same streamed, with usage), `v0_response` and `v0_chunks` are what the client must get.
"""

from typing import Any

import pytest

from lms.generation.request import GenerateRequest
from tests.server.cases import Case, cases_in
from tests.server.conftest import Site, chunks_of


@pytest.fixture(params=cases_in("openai", "chat"), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_the_engine_gets_what_was_asked(case: Case, answering: Site) -> None:
    answering.client.post("/v1/chat/completions", json=case.request)
    assert answering.engine.calls[0].request == case.read("call", GenerateRequest)


@pytest.mark.parametrize(("path", "part"), [("/v1", "response"), ("/api/v0", "v0_response")])
def test_the_reply_is_as_written(case: Case, answering: Site, path: str, part: str) -> None:
    reply = answering.client.post(f"{path}/chat/completions", json=case.request)
    assert timeless(reply.json) == case.read(part)


@pytest.mark.parametrize(("path", "part"), [("/v1", "chunks"), ("/api/v0", "v0_chunks")])
def test_the_stream_is_as_written(case: Case, answering: Site, path: str, part: str) -> None:
    body = case.request | {"stream": True, "stream_options": {"include_usage": True}}
    reply = answering.client.post(f"{path}/chat/completions", json=body)
    assert [timeless(chunk) for chunk in chunks_of(reply.data)] == case.read(part)


def timeless(reply: Any) -> Any:
    """The reply without what differs each time, once that has been seen to be right."""
    prefix, tail = reply.pop("id").split("-")
    assert (prefix, len(tail), tail.isalnum(), tail.islower()) == ("chatcmpl", 21, True, True)
    assert reply.pop("created") > 1_700_000_000
    return reply
