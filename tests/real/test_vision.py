"""Pictures through every API, to a model with a projector: a tiny one of random weights, which knows nothing."""

import base64
import json
import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.engine.processes import bundled
from tests.engine.projectors import picture, plain
from tests.real.conftest import Lms

pytestmark = pytest.mark.real

SEEING, BLIND = "tiny-vlm", "tiny-chat"
TINY_CHAT_WIDTH, PICTURE_TOKENS = 160, 16
RED, BLUE = (base64.b64encode(picture(colour)).decode() for colour in ("red", "blue"))
WEBP = base64.b64encode(picture("red", kind="WEBP")).decode()

Body = dict[str, Any]


@pytest.fixture(scope="module")
def http(module_lms: Lms) -> Iterator[httpx.Client]:
    folder = module_lms.home.root / "models" / "test" / SEEING
    folder.mkdir(parents=True)
    shutil.copy(bundled("tiny-chat"), folder / f"{SEEING}.gguf")
    plain(folder / "mmproj.gguf", TINY_CHAT_WIDTH)
    module_lms("server", "start", "--port", "0")
    port = json.loads(module_lms("server", "status", "--json").stdout)["port"]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        yield client


def chat(encoded: str, model: str = SEEING, **fields: object) -> Body:
    url = {"url": f"data:image/png;base64,{encoded}"}
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": url}]
    return {"model": model, "messages": [{"role": "user", "content": content}], "temperature": 0, **fields}


def responses(encoded: str, model: str = SEEING) -> Body:
    shown = {"type": "input_image", "image_url": f"data:image/png;base64,{encoded}", "detail": "auto"}
    content = [{"type": "input_text", "text": "What is this?"}, shown]
    return {"model": model, "input": [{"role": "user", "content": content}], "temperature": 0, "max_output_tokens": 4}


def messages(encoded: str, model: str = SEEING) -> Body:
    source = {"type": "base64", "media_type": "image/png", "data": encoded}
    content = [{"type": "text", "text": "What is this?"}, {"type": "image", "source": source}]
    return {"model": model, "messages": [{"role": "user", "content": content}], "temperature": 0, "max_tokens": 4}


def native(encoded: str, model: str = SEEING) -> Body:
    shown = {"type": "image", "data_url": f"data:image/png;base64,{encoded}"}
    asked = [{"type": "message", "content": "What is this?"}, shown]
    return {"model": model, "input": asked, "temperature": 0, "max_output_tokens": 4}


DIALECTS = {
    "/v1/chat/completions": chat,
    "/api/v0/chat/completions": chat,
    "/v1/responses": responses,
    "/v1/messages": messages,
    "/api/v1/chat": native,
}


def answered(http: httpx.Client, path: str, body: Body) -> Body:
    reply = http.post(path, json=body)
    assert reply.status_code == 200, reply.text
    found: Body = reply.json()
    return found


def test_a_model_with_a_projector_is_shown_as_one_that_sees(http: httpx.Client) -> None:
    rows = {row["id"]: row for row in http.get("/api/v0/models").json()["data"]}
    assert (rows[SEEING]["type"], rows[BLIND]["type"]) == ("vlm", "llm")
    listed = {row["key"]: row for row in http.get("/api/v1/models").json()["models"]}
    assert (listed[SEEING]["capabilities"]["vision"], listed[BLIND]["capabilities"]["vision"]) == (True, False)


def test_a_picture_counts_as_the_tokens_that_it_takes_and_is_seen_once(http: httpx.Client) -> None:
    without = chat(RED, max_tokens=4)
    without["messages"][0]["content"].pop()
    read = answered(http, "/v1/chat/completions", without)["usage"]["prompt_tokens"]
    usages = [answered(http, "/v1/chat/completions", chat(RED, max_tokens=4))["usage"] for _ in range(2)]
    assert [usage["prompt_tokens"] for usage in usages] == [read + PICTURE_TOKENS] * 2
    assert usages[1]["prompt_tokens_details"]["cached_tokens"] == read + PICTURE_TOKENS - 2


def test_another_picture_is_another_prompt(http: httpx.Client) -> None:
    answered(http, "/v1/chat/completions", chat(RED, max_tokens=4))
    other = answered(http, "/v1/chat/completions", chat(BLUE, max_tokens=4, seed=1))
    again = answered(http, "/v1/chat/completions", chat(BLUE, max_tokens=4, seed=1))
    counts = [said["usage"]["prompt_tokens_details"]["cached_tokens"] for said in (other, again)]
    assert counts[1] >= counts[0]
    assert other["choices"][0]["message"] == again["choices"][0]["message"]


@pytest.mark.parametrize("path", DIALECTS)
def test_every_api_takes_a_picture(http: httpx.Client, path: str) -> None:
    assert answered(http, path, DIALECTS[path](WEBP))


@pytest.mark.parametrize("path", DIALECTS)
def test_every_api_refuses_a_picture_for_a_model_that_sees_none(http: httpx.Client, path: str) -> None:
    reply = http.post(path, json=DIALECTS[path](RED, BLIND))
    assert reply.status_code == 400
    assert "sees none" in reply.json()["error"]["message"]
    assert {row["id"]: row["state"] for row in http.get("/api/v0/models").json()["data"]}[BLIND] == "not-loaded"


@pytest.mark.parametrize("path", DIALECTS)
def test_every_api_refuses_a_picture_that_is_cut_off(http: httpx.Client, path: str) -> None:
    cut = base64.b64encode(picture("red", (300, 300), "JPEG")[:-60]).decode()
    reply = http.post(path, json=DIALECTS[path](cut))
    assert reply.status_code == 400
    assert "no whole picture" in reply.json()["error"]["message"]


def test_an_address_is_refused_by_its_field(http: httpx.Client) -> None:
    body = chat(RED)
    body["messages"][0]["content"][1]["image_url"]["url"] = "https://example.com/cat.png"
    error = http.post("/v1/chat/completions", json=body).json()["error"]
    assert error["param"] == "messages[0].content[1].image_url.url"


def test_the_official_client_streams_an_answer_about_a_picture(http: httpx.Client) -> None:
    from openai import DefaultHttpxClient, OpenAI

    with OpenAI(base_url=f"{http.base_url}/v1", api_key="none", http_client=DefaultHttpxClient(trust_env=False)) as sdk:
        stream = sdk.chat.completions.create(
            stream=True, stream_options={"include_usage": True}, **chat(RED, max_tokens=6)
        )
        usages = [chunk.usage for chunk in stream if chunk.usage]
    assert usages[0].prompt_tokens > PICTURE_TOKENS
