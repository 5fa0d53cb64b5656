"""Tokens and prompts over HTTP, in the shapes of llama.cpp's server."""

from typing import Any

import pytest

from lms.generation.events import Spelled, WasRead
from lms.generation.messages import Message, Tool
from lms.generation.request import ChatPrompt, ReadRequest, SpellRequest, TextPrompt
from tests.server.conftest import MakeSite, Site

READ = WasRead("Hi ä", (5, 6, 7), (b"Hi ", b"\xc3", b"\xa4"))
CHAT = {"model": "tiny-chat", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def reading(make_site: MakeSite) -> Site:
    return make_site([(READ,)])


def asked(site: Site, path: str, **fields: Any) -> Any:
    """What the engine gets."""
    reply = site.post(path, **{"model": "tiny-chat"} | fields)
    assert reply.status_code == 200, reply.json
    return site.engine.calls[0].request


def refusal(site: Site, path: str, **fields: Any) -> Any:
    """The refusal of something that reached no engine."""
    reply = site.post(path, **fields)
    assert (reply.status_code, site.engine.calls) == (400, [])
    return reply.json["error"]


def test_a_text_becomes_tokens(reading: Site) -> None:
    assert reading.post("/tokenize", model="tiny-chat", content="Hi ä").json == {"tokens": [5, 6, 7], "count": 3}


def test_pieces_that_are_no_text_are_bytes(reading: Site) -> None:
    reply = reading.post("/tokenize", model="tiny-chat", content="Hi ä", with_pieces=True)
    assert reply.json["tokens"] == [{"id": 5, "piece": "Hi "}, {"id": 6, "piece": [195]}, {"id": 7, "piece": [164]}]


@pytest.mark.parametrize(
    ("fields", "request_"),
    [
        ({"content": "a"}, ReadRequest(TextPrompt("a"), add_special=False)),
        ({"content": ""}, ReadRequest(TextPrompt(""), add_special=False)),
        ({"content": "a", "add_special": True}, ReadRequest(TextPrompt("a"))),
        ({"content": "a", "parse_special": False}, ReadRequest(TextPrompt("a"), False, False)),
        ({"content": "a", "with_pieces": True}, ReadRequest(TextPrompt("a"), False, pieces=True)),
        ({"prompt": "a"}, ReadRequest(TextPrompt("a"))),
        ({"prompt": "a", "add_special_tokens": False}, ReadRequest(TextPrompt("a"), add_special=False)),
        ({"messages": CHAT["messages"]}, ReadRequest(ChatPrompt((Message("user", "Hi"),)))),
    ],
)
def test_a_text_may_be_given_as_other_servers_take_it(reading: Site, fields: Any, request_: ReadRequest) -> None:
    assert asked(reading, "/tokenize", **fields) == request_


@pytest.mark.parametrize("fields", [{}, {"content": "a", "prompt": "a"}, {"content": "a", "messages": []}])
def test_one_text_is_needed(site: Site, fields: Any) -> None:
    assert refusal(site, "/tokenize", model="tiny-chat", **fields)["param"] == "content"


@pytest.mark.parametrize("path", ["/tokenize", "/detokenize", "/apply-template", "/v1/chat/completions/input_tokens"])
def test_a_server_of_several_models_has_to_know_which(site: Site, path: str) -> None:
    error = refusal(site, path, content="a", tokens=[1], messages=CHAT["messages"])
    assert (error["param"], error["message"]) == ("model", "“model” is required.")


def test_tokens_become_a_text(make_site: MakeSite) -> None:
    site = make_site([(Spelled("Hi ä"),)])
    assert site.post("/detokenize", model="tiny-chat", tokens=[5, 6]).json == {"content": "Hi ä"}
    assert site.engine.calls[0].request == SpellRequest((5, 6))


@pytest.mark.parametrize("tokens", ["a", [-1], [2**31], [1.5], None])
def test_what_is_no_list_of_tokens_is_refused(site: Site, tokens: object) -> None:
    assert refusal(site, "/detokenize", model="tiny-chat", tokens=tokens)["param"].startswith("tokens")


def test_a_conversation_is_shown_as_the_model_sees_it(reading: Site) -> None:
    assert reading.post("/apply-template", **CHAT).json == {"prompt": "Hi ä"}


def test_a_conversation_is_counted(reading: Site) -> None:
    reply = reading.post("/v1/chat/completions/input_tokens", **CHAT)
    assert reply.json == {"object": "response.input_tokens", "input_tokens": 3}


@pytest.mark.parametrize("path", ["/apply-template", "/v1/chat/completions/input_tokens", "/tokenize"])
def test_tools_and_template_variables_count_too(reading: Site, path: str) -> None:
    tools = [{"type": "function", "function": {"name": "look"}}]
    request = asked(reading, path, **CHAT, tools=tools, chat_template_kwargs={"a": 1})
    assert request == ReadRequest(ChatPrompt((Message("user", "Hi"),), (Tool("look"),), {"a": 1}))


@pytest.mark.parametrize("path", ["/tokenize", "/detokenize"])
@pytest.mark.parametrize("model", ["tiny-chat", "text-embedding-tiny"])
def test_texts_are_read_by_either_kind_of_model(make_site: MakeSite, path: str, model: str) -> None:
    site = make_site([(READ if path == "/tokenize" else Spelled("a"),)])
    assert site.post(path, model=model, content="a", tokens=[1]).status_code == 200


def test_an_embedding_model_reads_no_conversations(site: Site) -> None:
    assert refusal(site, "/apply-template", **CHAT | {"model": "text-embedding-tiny"})["param"] == "model"
