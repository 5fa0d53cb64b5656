"""Responses, case by case, from the request's JSON to the reply's: `tests/data/openai/responses/<case>.*.json`.

`request` is posted; `events` is what the engine answers; `response` and `stream` are what the client must get. Ids that
differ each time are numbered there in the order of their appearance: `msg_1`, `fc_2`, …
"""

import re
from typing import Any

import msgspec
import pytest

from tests.server.cases import Case, cases_in
from tests.server.conftest import Site, chunks_of

ID = re.compile(rb'"(resp|msg|rs|fc|ctc)_(?:[0-9a-f]{48}|[0-9a-z]{21})"')
TIME = re.compile(rb'_at":1[0-9]{9}\b')


def timeless(reply: bytes) -> bytes:
    """The reply without what differs each time."""
    seen = list(dict.fromkeys(match[0] for match in ID.finditer(reply)))
    numbered = ID.sub(lambda match: b'"%s_%d"' % (match[1], seen.index(match[0]) + 1), reply)
    return TIME.sub(b'_at":0', numbered)


@pytest.fixture(params=cases_in("openai", "responses"), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def test_the_reply_is_as_written(case: Case, answering: Site) -> None:
    reply = answering.client.post("/v1/responses", json=case.request)
    assert msgspec.json.decode(timeless(reply.data)) == case.read("response")


def test_the_stream_is_as_written(case: Case, answering: Site) -> None:
    reply = answering.client.post("/v1/responses", json=case.request | {"stream": True})
    assert chunks_of(timeless(reply.data)) == case.read("stream")


def test_the_stream_ends_with_the_reply(case: Case) -> None:
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

    assert alike(case.read("stream")[-1]["response"]) == alike(case.read("response"))


def test_events_go_by_their_names_and_end_with_done(answering: Site, case: Case) -> None:
    reply = answering.client.post("/v1/responses", json=case.request | {"stream": True})
    *frames, done, nothing = reply.text.split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    told = [event["type"] for event in chunks_of(reply.data)]
    assert [frame.split("\n")[0] for frame in frames] == [f"event: {kind}" for kind in told]
