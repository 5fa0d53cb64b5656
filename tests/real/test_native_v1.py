"""LM Studio's REST API v1 over sockets: a daemon, a front and the bundled models."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from typing import Any

import httpx
import pytest

from tests.catalog.files import write_gguf
from tests.real.conftest import Lms
from tests.server.lmstudio_v1.streams import events_of

pytestmark = pytest.mark.real

CHAT, EMBEDDER = "tiny-chat", "text-embedding-tiny"
QUESTION = "Say this is a test!"
GREEDY = {"temperature": 0, "max_output_tokens": 24}


class Api:
    """The API of the server on one port. Failures are replies like any other."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def post(self, path: str, **fields: Any) -> httpx.Response:
        return self._http.post(path, json=fields)

    def chat(self, said: str, **fields: Any) -> Any:
        reply = self.post("/chat", **{"model": CHAT, "input": said} | GREEDY | fields)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def stream(self, said: str, **fields: Any) -> list[Any]:
        reply = self.post("/chat", **{"model": CHAT, "input": said, "stream": True} | GREEDY | fields)
        assert reply.status_code == 200, reply.text
        return events_of(reply.content)

    def models(self) -> dict[str, Any]:
        return {row["key"]: row for row in self._http.get("/models").json()["models"]}

    def instances(self) -> dict[str, Any]:
        """The loaded instances of all models by their ids."""
        return {row["id"]: row for model in self.models().values() for row in model["loaded_instances"]}

    def unload_all(self) -> None:
        for instance_id in self.instances():
            assert self.post("/models/unload", instance_id=instance_id).status_code == 200


@contextmanager
def api_at(port: int) -> Iterator[Api]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60, trust_env=False) as http:
        yield Api(http)


@pytest.fixture
def api(module_port: int) -> Iterator[Api]:
    """With nothing loaded."""
    with api_at(module_port) as api:
        api.unload_all()
        yield api


def stages(events: list[Any]) -> list[str]:
    """The types of the events, repeated ones once."""
    return [kind for kind, _ in groupby(event["type"] for event in events)]


def text(result: Any) -> str:
    return "".join(item["content"] for item in result["output"])


def test_a_streamed_chat_tells_its_load_its_prompt_and_its_answer(api: Api) -> None:
    events = api.stream(QUESTION)
    assert stages(events) == [
        "chat.start",
        "model_load.start",
        "model_load.progress",
        "model_load.end",
        "prompt_processing.start",
        "prompt_processing.progress",
        "prompt_processing.end",
        "message.start",
        "message.delta",
        "message.end",
        "chat.end",
    ]
    for kind in ("model_load.progress", "prompt_processing.progress"):
        progress = [event["progress"] for event in events if event["type"] == kind]
        assert progress == sorted(progress)
        assert 0 < progress[-1] <= 1
    result = events[-1]["result"]
    load_time_s = next(event["load_time_seconds"] for event in events if event["type"] == "model_load.end")
    assert result["stats"]["model_load_time_seconds"] == load_time_s > 0
    assert text(result) == "".join(event["content"] for event in events if event["type"] == "message.delta") != ""


def test_a_chat_with_a_loaded_model_tells_of_no_load(api: Api) -> None:
    api.chat(QUESTION)
    events = api.stream(QUESTION)
    assert stages(events)[:2] == ["chat.start", "prompt_processing.start"]
    assert "model_load_time_seconds" not in events[-1]["result"]["stats"]


def test_a_stream_adds_up_to_the_reply_that_does_not_stream(api: Api) -> None:
    whole = api.chat(QUESTION)
    streamed = api.stream(QUESTION)[-1]["result"]
    assert whole["output"] == streamed["output"]
    assert whole["model_instance_id"] == streamed["model_instance_id"] == CHAT
    assert re.fullmatch("resp_[0-9a-f]{48}", whole["response_id"])
    assert whole["stats"]["input_tokens"] == streamed["stats"]["input_tokens"] > 0
    assert 0 < whole["stats"]["total_output_tokens"] <= 24
    assert whole["stats"]["reasoning_output_tokens"] == 0


def test_several_chats_that_wait_for_one_load_are_all_told_of_it(api: Api) -> None:
    with ThreadPoolExecutor(4) as clients:
        streams = list(clients.map(lambda number: api.stream(f"{number} + 1"), range(4)))
    assert all(stages(events)[:2] == ["chat.start", "model_load.start"] for events in streams)
    assert all(events[-1]["type"] == "chat.end" for events in streams)
    assert list(api.instances()) == [CHAT]


def test_branches_share_their_past_and_nothing_else(api: Api) -> None:
    root = api.chat("My name is Ada.")
    asked = {"previous_response_id": root["response_id"]}
    left, right = (api.chat(said, **asked) for said in ("Hello!", "Goodbye, and thank you very much!"))
    alone = api.chat("Hello!")
    assert left["stats"]["input_tokens"] > alone["stats"]["input_tokens"] + root["stats"]["total_output_tokens"]
    assert right["stats"]["input_tokens"] > left["stats"]["input_tokens"]
    again = api.chat("Hello!", **asked)
    assert again["output"] == left["output"]
    deeper = api.chat("And now?", previous_response_id=left["response_id"])
    assert deeper["stats"]["input_tokens"] > left["stats"]["input_tokens"] + left["stats"]["total_output_tokens"]


def test_what_was_streamed_can_be_gone_on_from(api: Api) -> None:
    first = api.stream("My name is Ada.")[-1]["result"]
    second = api.chat("Hello!", previous_response_id=first["response_id"])
    assert second["stats"]["input_tokens"] > first["stats"]["input_tokens"]


def test_what_was_not_stored_cannot_be_gone_on_from(api: Api) -> None:
    assert "response_id" not in api.chat("Hello!", store=False)
    reply = api.post("/chat", model=CHAT, input="Hello!", previous_response_id="resp_" + "0" * 48)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "previous_response_id")


def started(lms: Lms) -> int:
    """The port of a server that has just been started."""
    lms("server", "start", "--port", "0")
    return lms.client.server_status().port or 0


def test_a_conversation_outlives_the_daemon(lms: Lms) -> None:
    with api_at(started(lms)) as api:
        first = api.chat("My name is Ada.", system_prompt="Be brief.")
    lms("daemon", "down")
    with api_at(started(lms)) as api:
        second = api.chat("Hello!", previous_response_id=first["response_id"])
        alone = api.chat("Hello!", system_prompt="Be brief.")
    assert second["stats"]["input_tokens"] > alone["stats"]["input_tokens"] + first["stats"]["total_output_tokens"]


def test_a_model_is_loaded_listed_and_unloaded(api: Api) -> None:
    assert api.models()[CHAT]["loaded_instances"] == []
    asked = {"context_length": 512, "eval_batch_size": 64, "parallel": 2, "flash_attention": True}
    reply = api.post("/models/load", model=CHAT, echo_load_config=True, **asked)
    assert reply.status_code == 200
    loaded = reply.json()
    assert (loaded["type"], loaded["instance_id"], loaded["status"]) == ("llm", CHAT, "loaded")
    assert loaded["load_time_seconds"] > 0
    assert loaded["load_config"] == asked | {"offload_kv_cache_to_gpu": True}
    assert api.instances() == {CHAT: {"id": CHAT, "config": loaded["load_config"]}}
    second = api.post("/models/load", model=CHAT).json()
    assert second["instance_id"] == f"{CHAT}:2"
    assert "load_config" not in second
    for instance_id in (CHAT, f"{CHAT}:2"):
        assert api.post("/models/unload", instance_id=instance_id).json() == {"instance_id": instance_id}
    reply = api.post("/models/unload", instance_id=CHAT)
    assert (reply.status_code, reply.json()["error"]["type"]) == (404, "model_not_found")


def test_models_are_listed_with_what_is_known_of_them(api: Api) -> None:
    chat, embedder = api.models()[CHAT], api.models()[EMBEDDER]
    assert (chat["type"], chat["architecture"], chat["format"], chat["max_context_length"]) == (
        "llm",
        "llama",
        "gguf",
        2048,
    )
    assert chat["capabilities"]["trained_for_tool_use"]
    assert chat["quantization"]["bits_per_weight"] in (8, 16)
    assert chat["size_bytes"] > 1_000_000
    assert embedder["type"] == "embedding"
    assert "capabilities" not in embedder


def test_an_embedding_model_is_loaded_too_and_does_not_chat(api: Api) -> None:
    assert api.post("/models/load", model=EMBEDDER).json()["type"] == "embedding"
    reply = api.post("/chat", model=EMBEDDER, input="Hello!")
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "model")


def test_what_a_chat_loads_goes_by_itself_and_what_was_loaded_by_hand_does_not(api: Api) -> None:
    api.chat("Hello!")
    assert 3590 < api.instances()[CHAT]["remaining_ttl_seconds"] <= 3600
    api.unload_all()
    api.post("/models/load", model=CHAT)
    assert "remaining_ttl_seconds" not in api.instances()[CHAT]


def test_a_chat_loads_its_model_with_the_context_that_it_asks_for(api: Api) -> None:
    api.chat("Hello!", context_length=512)
    assert api.instances()[CHAT]["config"]["context_length"] == 512
    api.chat("Hello!", context_length=256)
    assert api.instances()[CHAT]["config"]["context_length"] == 512, "it is long enough"
    events = api.stream("Hello!", context_length=1024)
    assert "model_load.end" in stages(events)
    assert list(api.instances()) == [CHAT]
    assert api.instances()[CHAT]["config"]["context_length"] == 1024


def test_a_context_that_cannot_be_had_is_a_400(api: Api) -> None:
    api.post("/models/load", model=CHAT, context_length=512)
    for streamed in (False, True):
        reply = api.post("/chat", model=CHAT, input="Hello!", context_length=1024, stream=streamed)
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "context_length")
        assert "512" in reply.json()["error"]["message"]
    api.unload_all()
    for path in ("/chat", "/models/load"):
        fields = {"input": "Hello!"} if path == "/chat" else {}
        reply = api.post(path, model=CHAT, context_length=1_000_000, **fields)
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "context_length")
    assert api.instances() == {}


@pytest.mark.parametrize(
    ("fields", "status", "param", "code"),
    [
        ({"ttl": 60}, 400, "ttl", "unrecognized_keys"),
        ({"reasoning": "high"}, 400, "reasoning", "invalid_value"),
        ({"integrations": ["mcp/files"]}, 403, "integrations", "permission_denied"),
        ({"input": "cat " * 5000}, 400, "input", "context_length_exceeded"),
        ({"input": [{"type": "image", "data_url": "https://a/b.png"}]}, 400, "input[0].data_url", "invalid_value"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_done_is_refused_by_name(
    api: Api, fields: dict[str, Any], status: int, param: str | None, code: str
) -> None:
    reply = api.post("/chat", **{"model": CHAT, "input": "Hello!"} | fields)
    error = reply.json()["error"]
    assert (reply.status_code, error["type"], error.get("param"), error["code"]) == (
        status,
        "invalid_request",
        param,
        code,
    )


def test_an_unknown_model_is_not_found(api: Api) -> None:
    for path in ("/chat", "/models/load"):
        reply = api.post(path, model="gpt-oss-20b", **({"input": "Hello!"} if path == "/chat" else {}))
        assert (reply.status_code, reply.json()["error"]["type"]) == (404, "model_not_found")


def test_a_prompt_over_the_context_is_an_event_when_the_stream_has_begun(api: Api) -> None:
    *_, error, end = api.stream("cat " * 5000)
    assert (error["type"], error["error"]["code"]) == ("error", "context_length_exceeded")
    assert (end["type"], end["result"]["output"]) == ("chat.end", [])


class TestAModelThatReasons:
    """A file that is nothing but a header, and the fake engine, which thinks when it is told to."""

    @pytest.fixture
    def api(self, fake_lms: Lms) -> Iterator[Api]:
        template = "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
        write_gguf(fake_lms.home.root / "models" / "a" / "thinker" / "thinker.gguf", chat_template=template)
        with api_at(started(fake_lms)) as api:
            yield api

    def test_shows_what_it_offers(self, api: Api) -> None:
        offered = api.models()["thinker"]["capabilities"]["reasoning"]
        assert offered == {"allowed_options": ["off", "on"], "default": "on"}

    def test_streams_its_reasoning_before_what_it_says(self, api: Api) -> None:
        events = api.stream("think first: yes", model="thinker", max_output_tokens=-1)
        told = stages(events)
        assert told[told.index("reasoning.start") :] == [
            "reasoning.start",
            "reasoning.delta",
            "reasoning.end",
            "message.start",
            "message.delta",
            "message.end",
            "chat.end",
        ]
        thought, said = events[-1]["result"]["output"]
        assert thought == {"type": "reasoning", "content": "The user wants yes."}
        assert said == {"type": "message", "content": "yes"}
        assert events[-1]["result"]["stats"]["reasoning_output_tokens"] > 0

    def test_takes_what_it_offers_and_refuses_what_it_does_not(self, api: Api) -> None:
        assert api.chat("Hello!", model="thinker", reasoning="off")["output"]
        reply = api.post("/chat", model="thinker", input="Hello!", reasoning="low")
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, "reasoning")
        assert "off, on" in reply.json()["error"]["message"]
