"""`/v1/responses` over a scripted engine: what is stored, continued, listed and deleted, and how streams end."""

import threading
from typing import Any

import pytest

from lms.errors import EngineFailed, PromptTooLong, to_wire
from lms.generation.events import Failed, Finished, Stats, TextDelta, ToolArgumentsDelta, ToolCallStarted, Usage
from lms.generation.messages import Image, Message, ToolCall
from lms.generation.request import ChatPrompt, GenerateRequest, Sampling
from lms.logbus.records import ServerLog
from tests.server.conftest import MakeSite, Site, chunks_of
from tests.server.scripted_engine import FINISHED, PATIENCE_S

PATH = "/v1/responses"
CUT = Finished("maxPredictedTokensReached", Usage(7, 2), Stats(50.0, 0.1, 0.04))
CALL = ((ToolCallStarted(0, "1", "look"), ToolArgumentsDelta(0, '{"at":'), ToolArgumentsDelta(0, " 1}"), FINISHED),)
DOT = "data:image/png;base64,iVBORw0KGgo="
LOOK = {"type": "function", "name": "look"}


def create(site: Site, said: object = "Hi", **fields: Any) -> Any:
    return site.post(PATH, model="tiny-chat", input=said, **fields).json


def streamed(site: Site, **fields: Any) -> list[Any]:
    return chunks_of(site.post(PATH, model="tiny-chat", input="Hi", stream=True, **fields).data)


def get(site: Site, response_id: str, below: str = "") -> Any:
    return site.client.get(f"{PATH}/{response_id}{below}")


def last_messages(site: Site) -> tuple[Message, ...]:
    """What the engine was asked last."""
    request = site.engine.calls[-1].request
    assert isinstance(request, GenerateRequest)
    assert isinstance(request.prompt, ChatPrompt)
    return request.prompt.messages


def text(response: Any) -> str:
    return "".join(part["text"] for item in response["output"] for part in item["content"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_stored_response_is_what_was_answered(site: Site, stream: bool) -> None:
    answer = streamed(site)[-1]["response"] if stream else create(site)
    assert (answer["status"], answer["store"], text(answer)) == ("completed", True, "Hello")
    assert get(site, answer["id"]).json == answer


@pytest.mark.parametrize("stream", [False, True])
def test_the_next_response_goes_on_from_it(site: Site, stream: bool) -> None:
    first = streamed(site)[-1]["response"] if stream else create(site)
    create(site, "More", previous_response_id=first["id"])
    assert last_messages(site) == (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "More"))


def test_a_response_can_be_gone_on_from_twice(site: Site) -> None:
    root = create(site, "root")["id"]
    create(site, "left", previous_response_id=root)
    create(site, "right", previous_response_id=root)
    assert [message.content for message in last_messages(site)] == ["root", "Hello", "right"]


def test_a_stream_is_stored_before_its_end_is_told(make_site: MakeSite) -> None:
    go_on = threading.Event()
    site = make_site([(TextDelta("a"),), go_on, (FINISHED,)])
    reply = site.client.post(PATH, json={"model": "tiny-chat", "input": "Hi", "stream": True}, buffered=False)
    pieces: Any = iter(reply.response)
    response_id = chunks_of(next(pieces))[0]["response"]["id"]
    assert get(site, response_id).status_code == 404
    go_on.set()
    assert b"response.completed" in next(pieces)
    assert get(site, response_id).json["status"] == "completed"
    reply.close()
    assert get(site, response_id).json["status"] == "completed"


def test_instructions_are_for_one_response(site: Site) -> None:
    first = create(site, instructions="Rhyme.")
    assert last_messages(site)[0] == Message("system", "Rhyme.")
    second = create(site, "More", previous_response_id=first["id"])
    assert [message.role for message in last_messages(site)] == ["user", "assistant", "user"]
    assert (first["instructions"], second["instructions"]) == ("Rhyme.", None)


def test_a_call_and_what_it_returned_are_a_part_of_the_conversation(make_site: MakeSite) -> None:
    site = make_site(CALL)
    first = create(site, tools=[LOOK])
    (call,) = first["output"]
    assert (call["type"], call["name"], call["arguments"]) == ("function_call", "look", '{"at": 1}')
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "a dot"}
    create(site, [output], tools=[LOOK], previous_response_id=first["id"])
    assert last_messages(site) == (
        Message("user", "Hi"),
        Message("assistant", tool_calls=(ToolCall("1", "look", '{"at": 1}'),)),
        Message("tool", "a dot", tool_call_id="1"),
    )


def test_a_picture_stays_in_the_conversation(site: Site) -> None:
    said = [{"role": "user", "content": [{"type": "input_image", "image_url": DOT}]}]
    create(site, "What was it?", previous_response_id=create(site, said)["id"])
    assert last_messages(site)[0].content == (Image(b"\x89PNG\r\n\x1a\n", "previous_response_id"),)


def test_an_output_item_can_be_referred_to(site: Site) -> None:
    item = create(site)["output"][0]["id"]
    create(site, [{"type": "item_reference", "id": item}, {"role": "user", "content": "More"}])
    assert last_messages(site) == (Message("assistant", "Hello"), Message("user", "More"))


def test_an_input_item_can_be_referred_to(site: Site) -> None:
    response = create(site, "Tell me.")["id"]
    item = get(site, response, "/input_items").json["data"][0]["id"]
    create(site, [{"id": item}])
    assert last_messages(site) == (Message("user", "Tell me."),)


def test_what_is_not_to_be_stored_is_not_found(site: Site) -> None:
    answer = create(site, store=False)
    assert (answer["store"], get(site, answer["id"]).status_code) == (False, 404)


def test_what_does_not_exist_is_a_404(site: Site) -> None:
    replies = [get(site, "resp_0"), get(site, "resp_0", "/input_items"), site.client.delete(f"{PATH}/resp_0")]
    replies.append(site.client.post(f"{PATH}/resp_0/cancel"))
    assert [(reply.status_code, reply.json["error"]["code"]) for reply in replies] == [(404, "response_not_found")] * 4


def test_going_on_from_what_does_not_exist_is_a_400(site: Site) -> None:
    reply = site.post(PATH, model="tiny-chat", input="Hi", previous_response_id="resp_0")
    error = reply.json["error"]
    assert (reply.status_code, error["param"]) == (400, "previous_response_id")
    assert (error["type"], error["code"]) == ("invalid_request_error", "previous_response_not_found")
    assert site.engine.calls == []


def test_a_deleted_response_is_gone_and_what_went_on_from_it_is_not(site: Site) -> None:
    first = create(site)["id"]
    second = create(site, "More", previous_response_id=first)["id"]
    assert site.client.delete(f"{PATH}/{first}").json == {"id": first, "object": "response", "deleted": True}
    assert get(site, first).status_code == 404
    create(site, "Again", previous_response_id=second)
    assert [message.content for message in last_messages(site)] == ["Hi", "Hello", "More", "Hello", "Again"]


def test_a_response_that_is_complete_cannot_be_cancelled(site: Site) -> None:
    reply = site.client.post(f"{PATH}/{create(site)['id']}/cancel")
    assert (reply.status_code, reply.json["error"]["type"]) == (400, "invalid_request_error")  # type: ignore[index]


def test_input_is_listed_newest_first_page_by_page(site: Site) -> None:
    said = [{"role": "user", "content": str(number)} for number in range(5)]
    response = create(site, said)["id"]

    def page(query: str) -> Any:
        return get(site, response, f"/input_items{query}").json

    everything = page("")
    assert [item["content"][0]["text"] for item in everything["data"]] == ["4", "3", "2", "1", "0"]
    first = page("?limit=2&order=asc")
    assert [item["content"][0]["text"] for item in first["data"]] == ["0", "1"]
    assert (first["has_more"], first["last_id"]) == (True, first["data"][1]["id"])
    last = page(f"?order=asc&limit=3&after={first['last_id']}")
    assert ([item["content"][0]["text"] for item in last["data"]], last["has_more"]) == (["2", "3", "4"], False)
    assert page(f"?order=asc&after={last['last_id']}")["data"] == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        (f"limit={'9' * 5000}", "limit"),
        ("order=up", "order"),
        ("after=x", "after"),
    ],
    ids=lambda value: value[:12],
)
def test_a_page_that_cannot_be_is_a_400(site: Site, query: str, param: str) -> None:
    reply = get(site, create(site)["id"], f"/input_items?{query}")
    assert (reply.status_code, reply.json["error"]["param"]) == (400, param)


def test_a_stored_response_is_not_streamed_again(site: Site) -> None:
    reply = get(site, create(site)["id"], "?stream=true")
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "stream")


def test_an_answer_that_was_cut_short_is_incomplete(make_site: MakeSite) -> None:
    site = make_site([(TextDelta("Hel"), CUT)])
    answer = create(site)
    assert (answer["status"], answer["completed_at"]) == ("incomplete", None)
    assert answer["incomplete_details"] == {"reason": "max_output_tokens"}
    assert answer["output"][0]["status"] == "incomplete"
    assert [event["type"] for event in streamed(site)][-1] == "response.incomplete"


def test_a_stream_whose_client_leaves_is_stored_as_far_as_it_came(make_site: MakeSite) -> None:
    site = make_site([(TextDelta("Hel"),)])
    reply = site.client.post(PATH, json={"model": "tiny-chat", "input": "Hi", "stream": True}, buffered=False)
    pieces: Any = iter(reply.response)
    response_id = chunks_of(next(pieces))[0]["response"]["id"]
    reply.close()
    assert site.engine.hung_up.wait(PATIENCE_S)
    left = get(site, response_id).json
    assert (left["status"], left["output"][0]["status"], text(left)) == ("cancelled", "incomplete", "Hel")
    assert site.history.conversation(response_id) == (Message("user", "Hi"), Message("assistant", "Hel"))


def test_what_an_engine_refuses_at_once_is_a_status(make_site: MakeSite) -> None:
    site = make_site([(Failed(to_wire(PromptTooLong("3000 tokens of 2048."))),)])
    for stream in (False, True):
        reply = site.post(PATH, model="tiny-chat", input="Hi", stream=stream)
        assert (reply.status_code, reply.json["error"]["code"]) == (400, "context_length_exceeded")


def test_a_response_that_fails_on_its_way_ends_as_failed(make_site: MakeSite) -> None:
    go_on = threading.Event()
    site = make_site([(TextDelta("Hel"),), go_on, (Failed(to_wire(EngineFailed("It died."))),)])
    reply = site.post(PATH, model="tiny-chat", input="Hi", stream=True)
    go_on.set()
    *_, before, last = chunks_of(reply.data)
    assert (last["type"], last["sequence_number"]) == ("response.failed", before["sequence_number"] + 1)
    failed = last["response"]
    assert (failed["status"], failed["error"]) == ("failed", {"code": "engine_failed", "message": "It died."})
    assert text(failed) == "Hel"
    assert get(site, failed["id"]).json == failed
    assert reply.text.endswith("data: [DONE]\n\n")
    reply.close()
    assert "It died." in site.lines()[0]


def test_a_load_that_fails_late_is_an_error_that_sdks_raise(site: Site) -> None:
    died = threading.Event()
    site.backend.waits, site.backend.refusal = iter(lambda: died.wait(0.1), True), EngineFailed("It died.")
    reply = site.client.post(PATH, json={"model": "tiny-chat", "input": "Hi", "stream": True}, buffered=False)
    died.set()
    told = b"".join(reply.response)  # type: ignore[arg-type]
    (error,) = chunks_of(told)
    assert (error["type"], error["sequence_number"], error["message"]) == ("error", 0, "It died.")
    assert error["error"]["code"] == "engine_failed"
    assert told.endswith(b"data: [DONE]\n\n")


def test_an_answer_that_cannot_be_stored_is_given_and_says_so(site: Site) -> None:
    site.history_file.write_text("My diary. " * 200, encoding="utf-8")
    for answer in (create(site), streamed(site)[-1]["response"]):
        assert (answer["status"], answer["store"], text(answer)) == ("completed", False, "Hello")
    assert any("could not be stored" in entry.content for entry in site.log if isinstance(entry, ServerLog))


def test_what_was_left_open_is_shown_as_it_is_in_force(site: Site) -> None:
    shown = create(site)
    assert (shown["temperature"], shown["top_p"], shown["frequency_penalty"]) == (0.8, 0.95, 0)
    assert (shown["presence_penalty"], shown["truncation"]) == (0, "disabled")


def test_what_the_model_recommends_is_in_force_where_the_request_leaves_it_open(site: Site) -> None:
    site.engine.sampling, site.engine.overflow = Sampling(temperature=0.3, top_p=0.7), "truncateMiddle"
    shown = create(site, top_p=0.9)
    assert (shown["temperature"], shown["top_p"], shown["truncation"]) == (0.3, 0.9, "auto")
