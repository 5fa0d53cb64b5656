"""Streams: what is a status and what is told in the stream, heartbeats, and clients that leave."""

import socket
import threading
from itertools import repeat
from typing import Any

import pytest

from lms.config.presets import Presets
from lms.errors import EngineFailed, NotEnoughMemory, PromptTooLong, to_wire
from lms.generation.events import Failed, Finished, PromptProgress, Stats, TextDelta, Usage
from lms.server.exchange import Exchange
from lms.server.http import stream_reply
from lms.server.openai import completions
from lms.server.requests import text
from tests.server.conftest import MakeSite, Site, chunks_of
from tests.server.scripted_engine import FINISHED, PATIENCE_S

PATHS = ["/v1/chat/completions", "/v1/completions", "/api/v0/chat/completions", "/api/v0/completions"]


def body(path: str, **fields: object) -> dict[str, object]:
    asked = {"messages": [{"role": "user", "content": "Hi"}]} if "chat" in path else {"prompt": "Hi"}
    return {"model": "tiny-chat", "stream": True} | asked | fields


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_stream_ends_with_done(site: Site, path: str) -> None:
    reply = site.client.post(path, json=body(path))
    assert reply.mimetype == "text/event-stream"
    assert reply.data.endswith(b"data: [DONE]\n\n")


def test_without_include_usage_no_chunk_lacks_choices(site: Site, path: str) -> None:
    assert all(chunk["choices"] for chunk in chunks_of(site.client.post(path, json=body(path)).data))


@pytest.mark.parametrize("chat", ["/v1/chat/completions", "/api/v0/chat/completions"])
def test_how_far_the_prompt_is_comes_before_the_text_for_who_wants_it(make_site: MakeSite, chat: str) -> None:
    site = make_site([(PromptProgress(64, 128, 32),), (PromptProgress(128, 128, 32), TextDelta("a")), (FINISHED,)])
    told = chunks_of(site.client.post(chat, json=body(chat, return_progress=True)).data)
    assert [chunk.get("prompt_progress") for chunk in told[:3]] == [
        {"total": 128, "cache": 32, "processed": 64},
        {"total": 128, "cache": 32, "processed": 128},
        None,
    ]
    assert told[0]["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert told[2]["choices"][0]["delta"]["content"] == "a"


@pytest.mark.parametrize("chat", ["/v1/chat/completions", "/api/v0/chat/completions"])
def test_nobody_else_hears_how_far_the_prompt_is(make_site: MakeSite, chat: str) -> None:
    site = make_site([(PromptProgress(64, 128, 32),), (TextDelta("a"),), (FINISHED,)])
    told = chunks_of(site.client.post(chat, json=body(chat)).data)
    assert not [chunk for chunk in told if "prompt_progress" in chunk]


def test_an_unknown_model_is_a_status(site: Site, path: str) -> None:
    reply = site.client.post(path, json=body(path, model="nope"))
    assert (reply.status_code, reply.json["error"]["code"]) == (404, "model_not_found")  # type: ignore[index]


def test_an_error_before_the_first_event_is_a_status(make_site: MakeSite, path: str) -> None:
    site = make_site([(Failed(to_wire(PromptTooLong("3000 tokens of 2048."))),)])
    reply = site.client.post(path, json=body(path))
    assert (reply.status_code, reply.json["error"]["code"]) == (400, "context_length_exceeded")  # type: ignore[index]


def test_a_later_error_is_told_in_the_stream_and_ends_it(make_site: MakeSite, path: str) -> None:
    go_on = threading.Event()
    failed = Failed(to_wire(EngineFailed("It died.")))
    site = make_site([(TextDelta("a"),), go_on, (failed,)])
    reply = site.client.post(path, json=body(path))
    go_on.set()
    told = chunks_of(reply.data)
    assert told[-1] == {
        "error": {"message": "It died.", "type": "server_error", "param": None, "code": "engine_failed"}
    }
    assert b"[DONE]" not in reply.data


def test_an_error_in_the_stream_is_in_the_log(make_site: MakeSite) -> None:
    go_on = threading.Event()
    site = make_site([(TextDelta("a"),), go_on, (Failed(to_wire(EngineFailed("It died."))),)])
    reply = site.client.post("/v1/completions", json=body("/v1/completions"))
    go_on.set()
    reply.get_data()
    reply.close()
    assert "It died." in site.lines()[-1]


def test_silence_shows_as_a_comment_after_a_second(make_site: MakeSite) -> None:
    go_on = threading.Event()
    site = make_site([go_on, (TextDelta("a"), FINISHED)])
    reply = site.client.post("/v1/chat/completions", json=body("/v1/chat/completions"), buffered=False)
    pieces: Any = iter(reply.response)
    assert next(pieces) == b": keep-alive\n\n"
    go_on.set()
    rest = b"".join(pieces)
    assert chunks_of(rest)[0]["choices"][0]["delta"]["content"] == "a"


def test_a_closed_stream_cancels_the_request(make_site: MakeSite, path: str) -> None:
    site = make_site([(TextDelta("a"),)])
    reply = site.client.post(path, json=body(path), buffered=False)
    assert next(iter(reply.response))
    reply.close()
    assert site.engine.hung_up.wait(PATIENCE_S)
    assert "the client left" in site.lines()[-1]


@pytest.mark.parametrize("begun", [False, True])
def test_closing_a_reply_hangs_up_at_once_although_its_chunks_are_still_held(make_site: MakeSite, begun: bool) -> None:
    site = make_site([(TextDelta("a"),)])
    call = text.parse(b'{"model":"tiny-chat","prompt":"a"}', Presets())
    chunks = Exchange(site.backend).streamed(call, "cmpl-", completions.chunks)
    with site.client.application.test_request_context() as context:
        context.app.preprocess_request()
        reply = stream_reply(chunks)
    if begun:
        next(iter(reply.response))
    reply.close()
    assert next(chunks, None) is None
    assert site.engine.hung_up.wait(PATIENCE_S)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_cancels_the_request(make_site: MakeSite, path: str, stream: bool) -> None:
    site = make_site([(TextDelta("a"),)])
    ours, clients = socket.socketpair()
    with ours:
        clients.close()
        reply = site.client.post(path, json=body(path, stream=stream), environ_overrides={"gunicorn.socket": ours})
        reply.close()
    assert site.engine.hung_up.wait(PATIENCE_S)
    assert "the client left" in site.lines()[-1]


@pytest.mark.parametrize("stream", [False, True])
def test_what_an_engine_that_is_gone_never_took_is_asked_again(site: Site, path: str, stream: bool) -> None:
    site.backend.stale = 2
    assert site.client.post(path, json=body(path, stream=stream)).status_code == 200
    assert len(site.backend.asked) == 3


@pytest.mark.parametrize("stream", [False, True])
def test_engines_that_are_always_gone_are_a_status(site: Site, path: str, stream: bool) -> None:
    site.backend.stale = 100
    reply = site.client.post(path, json=body(path, stream=stream))
    assert (reply.status_code, reply.json["error"]["code"]) == (503, "model_unloaded")  # type: ignore[index]
    assert len(site.backend.asked) == 4


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_unloaded_while_the_request_waited_is_not_loaded_again(
    make_site: MakeSite, path: str, stream: bool
) -> None:
    site = make_site([(Finished("modelUnloaded", Usage(0, 0), Stats(0.0, 0.0, 0.0)),)])
    reply = site.client.post(path, json=body(path, stream=stream))
    assert (reply.status_code, reply.json["error"]["code"]) == (503, "model_unloaded")  # type: ignore[index]
    assert reply.headers["X-Should-Retry"] == "false"
    assert len(site.backend.asked) == 1


def test_a_stream_whose_model_is_being_loaded_sends_comments_after_a_second(make_site: MakeSite, path: str) -> None:
    site, loaded = make_site(), threading.Event()
    site.backend.waits = iter(lambda: loaded.wait(0.1), True)
    reply = site.client.post(path, json=body(path), buffered=False)
    pieces: Any = iter(reply.response)
    assert [next(pieces) for _ in range(2)] == [b": keep-alive\n\n"] * 2
    loaded.set()
    assert b"".join(pieces).endswith(b"data: [DONE]\n\n")


def test_a_load_that_fails_early_is_a_status(site: Site, path: str) -> None:
    site.backend.waits, site.backend.refusal = range(3), NotEnoughMemory("12 GB are free.")
    reply = site.client.post(path, json=body(path))
    assert (reply.status_code, reply.json["error"]["code"]) == (503, "not_enough_memory")  # type: ignore[index]


def test_a_load_that_fails_later_is_told_in_the_stream(site: Site) -> None:
    died = threading.Event()
    site.backend.waits, site.backend.refusal = iter(lambda: died.wait(0.1), True), EngineFailed("It died.")
    reply = site.client.post("/v1/completions", json=body("/v1/completions"), buffered=False)
    died.set()
    assert chunks_of(b"".join(reply.response))[-1]["error"]["code"] == "engine_failed"  # type: ignore[arg-type]


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_while_its_model_is_loaded_is_waited_for_no_longer(
    site: Site, path: str, stream: bool
) -> None:
    site.backend.waits = repeat(None)
    ours, clients = socket.socketpair()
    with ours:
        clients.close()
        site.client.post(path, json=body(path, stream=stream), environ_overrides={"gunicorn.socket": ours}).close()
    assert "the client left" in site.lines()[-1]
    assert site.engine.calls == []
