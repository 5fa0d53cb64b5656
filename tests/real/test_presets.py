"""Presets from the command line to an engine and back: a daemon, a front and the bundled model."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.real.conftest import Lms

pytestmark = pytest.mark.real

# The model cannot help saying this, whatever it is asked: so it shows which settings reached the engine.
SHORT = {"regex": "yes", "temperature": "0"}
LONG = {"regex": "a{40}", "max_tokens": "3"}


@pytest.fixture(scope="module")
def lms(module_lms: Lms) -> Lms:
    """A home with two presets, made by hand and by command."""
    for name, settings in {"short": SHORT, "long": LONG}.items():
        for setting, value in settings.items():
            module_lms("config", "preset", "set", name, setting, value)
    return module_lms


@pytest.fixture(scope="module")
def http(lms: Lms, module_port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{module_port}", timeout=60, trust_env=False) as client:
        yield client


def chat(http: httpx.Client, path: str, **fields: Any) -> Any:
    body = {"model": "tiny-chat", "messages": [{"role": "user", "content": "Hi"}]}
    reply = http.post(path, json=body | fields)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/v0/chat/completions"])
def test_a_chat_is_answered_as_its_preset_says(http: httpx.Client, path: str) -> None:
    assert chat(http, path, preset="short")["choices"][0]["message"]["content"] == "yes"
    cut = chat(http, path, preset="LONG")
    assert (cut["choices"][0]["finish_reason"], cut["usage"]["completion_tokens"]) == ("length", 3)
    other = chat(http, path, preset="short", regex="no")
    assert other["choices"][0]["message"]["content"] == "no"


def test_the_native_chat_is_answered_as_its_preset_says(http: httpx.Client) -> None:
    body = {"model": "tiny-chat", "input": "Hi", "preset": "short"}
    reply = http.post("/api/v1/chat", json=body).json()
    assert [item["content"] for item in reply["output"]] == ["yes"]
    cut = http.post("/api/v1/chat", json=body | {"preset": "long", "max_output_tokens": 2}).json()
    assert cut["stats"]["total_output_tokens"] == 2


def test_responses_and_texts_are_answered_as_their_preset_says(http: httpx.Client) -> None:
    reply = http.post("/v1/responses", json={"model": "tiny-chat", "input": "Hi", "preset": "short"}).json()
    assert reply["output"][-1]["content"][0]["text"] == "yes"
    reply = http.post("/v1/completions", json={"model": "tiny-chat", "prompt": "Hi", "preset": "long"}).json()
    assert reply["usage"]["completion_tokens"] == 3


def test_a_prompt_is_read_under_the_presets_system_prompt(lms: Lms, http: httpx.Client) -> None:
    lms("config", "preset", "set", "poet", "system_prompt", "Answer in rhymes.")
    body = {"model": "tiny-chat", "messages": [{"role": "user", "content": "Hi"}]}
    plain, poetic = (http.post("/apply-template", json=body | more).json() for more in ({}, {"preset": "poet"}))
    assert "Answer in rhymes." in poetic["prompt"]
    assert "Answer in rhymes." not in plain["prompt"]


def test_what_is_changed_counts_from_the_next_request_on(lms: Lms, http: httpx.Client) -> None:
    lms("config", "preset", "set", "changing", "regex", "one")
    assert chat(http, "/v1/chat/completions", preset="changing")["choices"][0]["message"]["content"] == "one"
    file = lms("config", "preset", "path", "changing").stdout.strip()
    with open(file, "w", encoding="utf-8") as edited:
        edited.write('{"regex": "two"}')
    assert chat(http, "/v1/chat/completions", preset="changing")["choices"][0]["message"]["content"] == "two"
    lms("config", "preset", "remove", "changing")
    body = {"model": "tiny-chat", "input": "Hi", "preset": "changing"}
    refused = http.post("/api/v1/chat", json=body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "preset")
    assert "long" in refused.json()["error"]["message"]


def test_what_is_set_for_the_model_is_beneath_the_preset(lms: Lms, http: httpx.Client) -> None:
    """Greedy as the preset has it, although the model's own defaults would draw at random."""
    lms("config", "set", "tiny-chat", "temperature", "100")
    lms("config", "preset", "set", "greedy", "temperature", "0")
    lms("config", "preset", "set", "greedy", "max_tokens", "12")
    lms("unload", "--all")
    replies = [chat(http, "/v1/chat/completions", preset="greedy") for _ in range(2)]
    lms("config", "unset", "tiny-chat", "temperature")
    lms("unload", "--all")
    replies.append(chat(http, "/v1/chat/completions", temperature=0, max_tokens=12))
    assert len({reply["choices"][0]["message"]["content"] for reply in replies}) == 1


@pytest.mark.usefixtures("http")
def test_lms_chat_answers_as_the_preset_says(lms: Lms) -> None:
    assert lms("chat", "tiny-chat", "-p", "Hi", "--preset", "short").stdout == "yes\n"
    shown = json.loads(lms("chat", "tiny-chat", "-p", "Hi", "--preset", "long", "--json").stdout)
    assert shown["stats"]["predictedTokensCount"] == 3
    refused = lms("chat", "tiny-chat", "-p", "Hi", "--preset", "none-such", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "short" in refused.stderr


def test_a_damaged_file_is_named_to_whoever_asks(lms: Lms, http: httpx.Client) -> None:
    file = lms.home.presets / "damaged.json"
    file.write_text('{"temperature": "hot"}', encoding="utf-8")
    body = {"model": "tiny-chat", "input": "Hi", "preset": "damaged"}
    assert str(file) in http.post("/api/v1/chat", json=body).json()["error"]["message"]
    refused = lms("chat", "tiny-chat", "-p", "Hi", "--preset", "damaged", check=False)
    assert (refused.returncode, str(file) in refused.stderr) == (2, True)
    assert "damaged" in lms("config", "preset", "list").stdout
    file.unlink()
