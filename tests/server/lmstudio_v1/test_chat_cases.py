"""Chats, case by case, from the request's JSON to the reply's: `tests/data/lmstudio_v1/chat/<case>.*.json`.

`request` is posted; `call` is what the engine must get; `events` is what it answers; `response` and `stream` are what
the client must get.
"""

import re
from typing import Any

import pytest

from lms.generation.request import GenerateRequest
from tests.server.cases import Case, cases_in
from tests.server.conftest import Site
from tests.server.lmstudio_v1.streams import events_of

PATH = "/api/v1/chat"


@pytest.fixture(params=cases_in("lmstudio_v1", "chat"), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_the_engine_gets_what_was_asked(case: Case, answering: Site) -> None:
    answering.client.post(PATH, json=case.request)
    assert answering.engine.calls[0].request == case.read("call", GenerateRequest)


def test_the_reply_is_as_written(case: Case, answering: Site) -> None:
    body = case.request
    reply = answering.client.post(PATH, json=body)
    assert reply.status_code == 200
    assert without_id(reply.json, body) == case.read("response")


def test_the_stream_is_as_written(case: Case, answering: Site) -> None:
    body = case.request
    reply = answering.client.post(PATH, json=body | {"stream": True})
    *events, end = events_of(reply.data)
    assert [*events, end | {"result": without_id(end["result"], body)}] == case.read("stream")


def without_id(reply: Any, body: Any) -> Any:
    """The reply without its id, which is there if the turn is kept."""
    if body.get("store") is False:
        assert "response_id" not in reply
    else:
        assert re.fullmatch("resp_[0-9a-f]{48}", reply.pop("response_id"))
    return reply
