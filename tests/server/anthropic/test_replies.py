"""Replies and streams beyond the cases: what is odd, what fails, and in which words."""

import msgspec
import pytest

from lms.errors import EngineFailed, ModelNotFound, QueueFull, to_wire
from lms.generation.events import (
    Event,
    Failed,
    Finished,
    Stats,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStarted,
    Usage,
    WasRead,
)
from tests.server.anthropic.test_cases import parsed
from tests.server.conftest import MakeSite, Site

BODY = {"model": "tiny-chat", "max_tokens": 10, "messages": [{"role": "user", "content": "Hi"}]}


def finished(reason: str) -> Finished:
    return Finished(reason, Usage(7, 2), Stats(50.0, 0.125, 0.04))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("eosFound", "end_turn"),
        ("maxPredictedTokensReached", "max_tokens"),
        ("contextLengthReached", "model_context_window_exceeded"),
        ("toolCalls", "tool_use"),
    ],
)
def test_each_end_has_its_reason(make_site: MakeSite, reason: str, told: str) -> None:
    reply = make_site([(TextDelta("Hi"), finished(reason))]).post("/v1/messages", **BODY)
    assert (reply.json["stop_reason"], reply.json["stop_sequence"]) == (told, None)


def test_a_call_that_was_cut_off_is_text_and_no_call(make_site: MakeSite) -> None:
    events: tuple[Event, ...] = (
        ToolCallStarted(0, "c", "look"),
        ToolArgumentsDelta(0, '{"at": "the'),
        finished("maxPredictedTokensReached"),
    )
    reply = make_site([events]).post("/v1/messages", **BODY)
    assert reply.json["content"] == [{"type": "text", "text": 'look({"at": "the'}]


def test_a_call_without_arguments_has_an_empty_input(make_site: MakeSite) -> None:
    reply = make_site([(ToolCallStarted(0, "c", "look"), finished("toolCalls"))]).post("/v1/messages", **BODY)
    assert reply.json["content"] == [{"type": "tool_use", "id": "c", "name": "look", "input": {}}]


def test_tokens_are_counted(make_site: MakeSite) -> None:
    reply = make_site([(WasRead("<user>Hi", (1, 2, 3)),)]).post("/v1/messages/count_tokens", **BODY)
    assert reply.json == {"input_tokens": 3}


def test_counting_needs_no_limit_of_tokens(make_site: MakeSite) -> None:
    fields = {name: value for name, value in BODY.items() if name != "max_tokens"}
    assert make_site([(WasRead("", ()),)]).post("/v1/messages/count_tokens", **fields).json == {"input_tokens": 0}


def test_a_stream_ends_with_its_message(site: Site) -> None:
    stream = site.post("/v1/messages", **BODY, stream=True).data
    assert stream.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')


def test_a_failure_in_the_stream_is_an_event(make_site: MakeSite) -> None:
    script = [(TextDelta("Hel"),), (Failed(to_wire(EngineFailed("It died."))),)]
    stream = make_site(script).post("/v1/messages", **BODY, stream=True).data
    name, event = parsed(stream.split(b"\n\n")[-2])
    assert name == "error"
    assert event == {"type": "error", "error": {"type": "api_error", "message": "It died."}}


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
@pytest.mark.parametrize(
    ("refusal", "status", "kind"),
    [(ModelNotFound("No such model."), 404, "not_found_error"), (QueueFull("Full."), 429, "rate_limit_error")],
)
def test_errors_are_in_anthropics_envelope(site: Site, path: str, refusal: Exception, status: int, kind: str) -> None:
    site.backend.refusal = refusal
    reply = site.post(path, **BODY)
    assert (reply.status_code, reply.json["type"], reply.json["error"]["type"]) == (status, "error", kind)


@pytest.mark.parametrize(("method", "status"), [("get", 405), ("delete", 405)])
def test_a_wrong_method_is_told_in_anthropics_envelope(site: Site, method: str, status: int) -> None:
    reply = getattr(site.client, method)("/v1/messages")
    assert (reply.status_code, reply.json["type"]) == (status, "error")


def test_a_body_that_is_too_large_is_told_in_anthropics_envelope(site: Site) -> None:
    reply = site.client.post("/v1/messages", data=b"[" + b" " * (17 << 20))
    assert (reply.status_code, reply.json["error"]["type"]) == (413, "request_too_large")


def test_broken_json_is_told_in_anthropics_envelope(site: Site) -> None:
    reply = site.client.post("/v1/messages", data=b"{")
    assert (reply.status_code, reply.json["error"]["type"]) == (400, "invalid_request_error")


def test_a_fault_of_ours_is_told_in_anthropics_envelope(site: Site) -> None:
    site.backend.refusal = ZeroDivisionError("ours")
    reply = site.post("/v1/messages", **BODY)
    assert (reply.status_code, reply.json["error"]["type"]) == (500, "api_error")
    assert msgspec.json.encode(reply.json).count(b"ours") == 0
