"""Streamed chats whose model is being loaded, and chats that fail on the way."""

import socket
import threading
from itertools import repeat
from typing import Any

import pytest

from lms.client.control import LeaseProgress
from lms.errors import EngineFailed, NotEnoughMemory, PromptTooLong, to_wire
from lms.generation.events import Failed, ReasoningDelta, TextDelta
from tests.server.conftest import MakeSite, Site
from tests.server.lmstudio_v1.streams import events_of, types_of
from tests.server.scripted_engine import FINISHED, PATIENCE_S

PATH = "/api/v1/chat"
ASKED = {"model": "tiny-chat", "input": "Hi"}
LOADING = [LeaseProgress("tiny-chat", 0.0), None, LeaseProgress("tiny-chat", 0.25), LeaseProgress("tiny-chat", 1.0)]


def stream(site: Site, **fields: Any) -> Any:
    return site.post(PATH, **ASKED, stream=True, **fields)


def test_a_load_is_told_from_its_start_to_its_end(site: Site) -> None:
    site.backend.waits = LOADING
    events = events_of(stream(site).data)
    assert events[:5] == [
        {"type": "chat.start", "model_instance_id": "tiny-chat"},
        {"type": "model_load.start", "model_instance_id": "tiny-chat"},
        {"type": "model_load.progress", "model_instance_id": "tiny-chat", "progress": 0.25},
        {"type": "model_load.progress", "model_instance_id": "tiny-chat", "progress": 1.0},
        {"type": "model_load.end", "model_instance_id": "tiny-chat", "load_time_seconds": 0.75},
    ]
    assert events[5] == {"type": "prompt_processing.start"}
    assert events[-1]["result"]["stats"]["model_load_time_seconds"] == 0.75


def test_a_load_is_told_while_it_goes_on(site: Site) -> None:
    loaded = threading.Event()

    def waits() -> Any:
        yield LeaseProgress("tiny-chat", 0.0)
        loaded.wait(PATIENCE_S)

    site.backend.waits = waits()
    reply = site.client.post(PATH, json=ASKED | {"stream": True}, buffered=False)
    pieces: Any = iter(reply.response)
    assert types_of(next(pieces)) == ["chat.start", "model_load.start"]
    loaded.set()
    assert types_of(b"".join(pieces))[-1] == "chat.end"


def test_a_load_that_was_under_way_is_told_from_where_it_is(site: Site) -> None:
    site.backend.waits = [LeaseProgress("tiny-chat", 0.7)]
    assert types_of(stream(site).data)[:4] == [
        "chat.start",
        "model_load.start",
        "model_load.progress",
        "model_load.end",
    ]


def test_the_time_of_a_load_is_in_the_reply_of_the_chat_that_waited_for_it(site: Site) -> None:
    assert "model_load_time_seconds" not in site.post(PATH, **ASKED).json["stats"]
    site.backend.waits = LOADING
    assert site.post(PATH, **ASKED).json["stats"]["model_load_time_seconds"] == 0.75


def test_a_context_is_asked_for_where_the_model_is(site: Site) -> None:
    site.post(PATH, **ASKED, context_length=8192)
    assert site.backend.context_lengths == [8192]


@pytest.mark.parametrize("streamed", [False, True])
def test_reasoning_that_is_not_offered_is_refused_before_anything_is_loaded(site: Site, streamed: bool) -> None:
    site.backend.waits = LOADING
    reply = site.post(PATH, **ASKED, reasoning="off", stream=streamed)
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "reasoning")
    assert site.backend.asked == []


def test_a_request_that_is_asked_again_asks_for_the_same_context(site: Site) -> None:
    site.backend.stale = 1
    assert site.post(PATH, **ASKED, context_length=512).status_code == 200
    assert site.backend.context_lengths == [512, 512]


def test_a_stream_ends_with_chat_end_and_no_done(site: Site) -> None:
    reply = stream(site)
    assert reply.mimetype == "text/event-stream"
    assert types_of(reply.data)[-1] == "chat.end"
    assert b"[DONE]" not in reply.data


def test_an_unknown_model_is_a_404_streamed_or_not(site: Site) -> None:
    for streamed in (False, True):
        reply = site.post(PATH, model="nope", input="Hi", stream=streamed)
        assert (reply.status_code, reply.json["error"]["type"]) == (404, "model_not_found")
        assert "code" not in reply.json["error"]


def test_a_prompt_that_a_loaded_model_refuses_is_a_400_although_it_was_to_be_streamed(make_site: MakeSite) -> None:
    site = make_site([(Failed(to_wire(PromptTooLong("3000 tokens of 2048."))),)])
    for streamed in (False, True):
        reply = site.post(PATH, **ASKED, stream=streamed)
        error = reply.json["error"]
        assert (reply.status_code, error["type"], error["code"]) == (400, "invalid_request", "context_length_exceeded")


def test_a_load_that_has_no_room_is_a_status(site: Site) -> None:
    site.backend.refusal = NotEnoughMemory("12 GB are free.")
    reply = stream(site)
    assert (reply.status_code, reply.json["error"]["type"]) == (503, "internal_error")


def test_a_load_that_fails_later_is_an_event_and_the_chat_ends(site: Site) -> None:
    site.backend.waits, site.backend.refusal = LOADING[:1], EngineFailed("It died.")
    events = events_of(stream(site).data)
    assert [event["type"] for event in events] == ["chat.start", "model_load.start", "error", "chat.end"]
    assert events[2]["error"] == {"type": "internal_error", "message": "It died.", "code": "engine_failed"}
    assert events[3]["result"]["output"] == []


def test_a_failure_on_the_way_ends_what_is_open_and_the_chat_with_what_there_is(make_site: MakeSite) -> None:
    go_on = threading.Event()
    failed = Failed(to_wire(EngineFailed("It died.")))
    site = make_site([(ReasoningDelta("Hm"), TextDelta("Hel")), go_on, (failed,)])
    reply = stream(site)
    go_on.set()
    events = events_of(reply.data)
    assert [event["type"] for event in events[-5:]] == [
        "message.start",
        "message.delta",
        "message.end",
        "error",
        "chat.end",
    ]
    result = events[-1]["result"]
    assert [item["content"] for item in result["output"]] == ["Hm", "Hel"]
    assert "response_id" not in result
    reply.close()
    assert "It died." in site.lines()[-1]


def test_silence_after_the_start_is_a_comment(make_site: MakeSite) -> None:
    go_on = threading.Event()
    site = make_site([(TextDelta("a"),), go_on, (FINISHED,)])
    reply = site.client.post(PATH, json=ASKED | {"stream": True}, buffered=False)
    pieces: Any = iter(reply.response)
    assert types_of(next(pieces))[-1] == "message.delta"
    assert next(pieces).startswith(b":")
    go_on.set()
    assert types_of(b"".join(pieces)) == ["message.end", "chat.end"]


def test_a_chat_in_the_queue_has_begun_after_a_second(make_site: MakeSite) -> None:
    go_on = threading.Event()
    site = make_site([go_on, (TextDelta("a"), FINISHED)])
    reply = site.client.post(PATH, json=ASKED | {"stream": True}, buffered=False)
    pieces: Any = iter(reply.response)
    assert types_of(next(pieces)) == ["chat.start", "prompt_processing.start"]
    go_on.set()
    b"".join(pieces)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_leaves_cancels_its_chat_and_nothing_is_kept(make_site: MakeSite, streamed: bool) -> None:
    site = make_site([(TextDelta("a"),)])
    ours, clients = socket.socketpair()
    with ours:
        clients.close()
        body = ASKED | {"stream": streamed}
        site.client.post(PATH, json=body, environ_overrides={"gunicorn.socket": ours}).close()
    assert site.engine.hung_up.wait(PATIENCE_S)
    assert "the client left" in site.lines()[-1]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_that_leaves_during_a_load_is_waited_for_no_longer(site: Site, streamed: bool) -> None:
    site.backend.waits = repeat(LeaseProgress("tiny-chat", 0.1))
    ours, clients = socket.socketpair()
    with ours:
        clients.close()
        body = ASKED | {"stream": streamed}
        site.client.post(PATH, json=body, environ_overrides={"gunicorn.socket": ours}).close()
    assert "the client left" in site.lines()[-1]
    assert site.engine.calls == []
