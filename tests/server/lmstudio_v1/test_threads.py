"""Chats that go on from earlier ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lms.generation.events import ReasoningDelta, TextDelta
from lms.generation.messages import Image, Message
from lms.generation.request import ChatPrompt, GenerateRequest
from lms.history.history import History
from lms.history.turn import Turn, new_id
from lms.server.app import create_app
from tests.server.conftest import MakeSite, Site
from tests.server.lmstudio_v1.streams import events_of
from tests.server.scripted_engine import FINISHED

PATH = "/api/v1/chat"
HELLO = Message("assistant", "Hello")
UNKNOWN = "resp_" + "0" * 48


def chat(site: Site, said: str, **fields: Any) -> Any:
    reply = site.post(PATH, model="tiny-chat", input=said, **fields)
    assert reply.status_code == 200, reply.text
    return reply.json


def seen(site: Site, index: int = -1) -> tuple[Message, ...]:
    """The conversation that the engine was asked to go on with."""
    request = site.engine.calls[index].request
    assert isinstance(request, GenerateRequest)
    assert isinstance(request.prompt, ChatPrompt)
    return request.prompt.messages


def user(text: str) -> Message:
    return Message("user", text)


def test_a_picture_stays_in_the_conversation_and_is_named_by_what_brings_it_back(site: Site) -> None:
    shown = [{"type": "image", "data_url": "data:image/png;base64,iVBORw0KGgo="}]
    first = site.post(PATH, model="tiny-chat", input=shown).json["response_id"]
    chat(site, "What was it?", previous_response_id=first)
    assert seen(site)[0].content == (Image(b"\x89PNG\r\n\x1a\n", "previous_response_id"),)
    assert site.backend.pictures == ["input[0].data_url", "previous_response_id"]


def test_a_response_can_be_gone_on_from_without_sending_what_came_before(site: Site) -> None:
    first = chat(site, "one")
    second = chat(site, "two", previous_response_id=first["response_id"])
    chat(site, "three", previous_response_id=second["response_id"])
    assert seen(site) == (user("one"), HELLO, user("two"), HELLO, user("three"))


def test_a_response_can_be_gone_on_from_any_number_of_times(site: Site) -> None:
    first = chat(site, "one")["response_id"]
    branches = [chat(site, said, previous_response_id=first)["response_id"] for said in ("left", "right")]
    assert len({first, *branches}) == 3
    for said, branch in zip(("left", "right"), branches, strict=True):
        chat(site, "on", previous_response_id=branch)
        assert seen(site) == (user("one"), HELLO, user(said), HELLO, user("on"))


def test_a_streamed_response_is_kept_too(site: Site) -> None:
    stream = site.post(PATH, model="tiny-chat", input="one", stream=True)
    chat(site, "two", previous_response_id=events_of(stream.data)[-1]["result"]["response_id"])
    assert seen(site) == (user("one"), HELLO, user("two"))


def test_what_is_kept_is_what_the_client_got(site: Site) -> None:
    reply = chat(site, "one", system_prompt="Be brief.")
    kept = History(site.history_file).turn(reply["response_id"], "lmstudio_v1")
    assert kept.record == {"system_prompt": "Be brief.", "response": reply}
    assert kept.messages == (user("one"), HELLO)


def test_reasoning_is_remembered_as_such(make_site: MakeSite) -> None:
    site = make_site([(ReasoningDelta("Hm"), TextDelta("Yes"), ReasoningDelta("m."), TextDelta("!"), FINISHED)])
    reply = chat(site, "one")
    assert [item["type"] for item in reply["output"]] == ["reasoning", "message"] * 2
    chat(site, "two", previous_response_id=reply["response_id"])
    assert seen(site)[1] == Message("assistant", "Yes!", reasoning="Hmm.")


def test_a_system_prompt_holds_until_there_is_another_one(site: Site) -> None:
    first = chat(site, "one", system_prompt="Be brief.")
    second = chat(site, "two", previous_response_id=first["response_id"])
    third = chat(site, "three", system_prompt="Rhyme.", previous_response_id=second["response_id"])
    chat(site, "four", previous_response_id=third["response_id"])
    prompts = [[message.content for message in seen(site, turn) if message.role == "system"] for turn in range(4)]
    assert prompts == [["Be brief."], ["Be brief."], ["Rhyme."], ["Rhyme."]]
    assert all(seen(site, turn)[0].role == "system" for turn in range(4))


def test_an_empty_system_prompt_takes_the_old_one_away(site: Site) -> None:
    first = chat(site, "one", system_prompt="Be brief.")
    chat(site, "two", system_prompt="", previous_response_id=first["response_id"])
    assert seen(site) == (user("one"), HELLO, user("two"))


def test_a_turn_of_another_endpoint_can_be_gone_on_from(site: Site) -> None:
    turn = Turn(new_id(), None, "openai", (user("one"), HELLO), {"id": "?"}, 2**31)
    History(site.history_file).add(turn)
    chat(site, "two", previous_response_id=turn.id)
    assert seen(site) == (user("one"), HELLO, user("two"))


def test_what_shall_not_be_stored_has_no_id_and_is_not_kept(site: Site) -> None:
    first = chat(site, "one")["response_id"]
    assert "response_id" not in chat(site, "two", previous_response_id=first, store=False)
    assert seen(site) == (user("one"), HELLO, user("two"))


@pytest.mark.parametrize("wanted", [UNKNOWN, "resp_", "chatcmpl-1", "x" * 5000, "\x00"])
def test_an_unknown_response_is_a_400_that_names_the_days(site: Site, wanted: str) -> None:
    reply = site.post(PATH, model="tiny-chat", input="two", previous_response_id=wanted)
    error = reply.json["error"]
    assert (reply.status_code, error["type"], error["code"], error["param"]) == (
        400,
        "invalid_request",
        "invalid_value",
        "previous_response_id",
    )
    assert "30 days" in error["message"]
    assert site.engine.calls == []


def test_nothing_is_kept_of_a_request_that_fails(site: Site) -> None:
    assert site.post(PATH, model="nope", input="one").status_code == 404
    assert not site.history_file.exists()
    chat(site, "one")
    assert site.history_file.exists()


@pytest.fixture
def forgetful(site: Site, tmp_path: Path) -> Site:
    """A site that keeps nothing."""
    app = create_app(site.backend, History(tmp_path / "none.db", days=0), log=site.log.append)
    return replace(site, client=app.test_client())


def test_a_server_that_keeps_nothing_gives_no_ids(forgetful: Site) -> None:
    assert "response_id" not in chat(forgetful, "one")


def test_a_server_that_keeps_nothing_refuses_to_store(forgetful: Site) -> None:
    reply = forgetful.post(PATH, model="tiny-chat", input="one", store=True)
    assert (reply.status_code, reply.json["error"]["param"]) == (400, "store")


def test_a_history_that_cannot_be_written_is_told_in_the_stream_and_the_answer_is_not_lost(site: Site) -> None:
    site.history_file.mkdir()
    *_, error, end = events_of(site.post(PATH, model="tiny-chat", input="one", stream=True).data)
    assert error["error"]["type"] == "internal_error"
    assert end["result"]["output"] == [{"type": "message", "content": "Hello"}]
    assert "response_id" not in end["result"]
