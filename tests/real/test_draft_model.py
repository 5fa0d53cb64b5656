"""Draft models through the real server: named by a request, or loaded with the model."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import DefaultHttpxClient, OpenAI
from openai.types.chat import ChatCompletionUserMessageParam

from tests.engine import models
from tests.real.conftest import Lms

pytestmark = pytest.mark.real

QUESTION: ChatCompletionUserMessageParam = {"role": "user", "content": "Tell me a story about two servers."}
COUNTS = [f"{kind}_draft_tokens_count" for kind in ("total", "accepted", "rejected", "ignored")]


@pytest.fixture(scope="module")
def port(module_lms: Lms, module_port: int) -> int:
    """A server that also has a slow model with the bundled one's vocabulary, and one with another vocabulary."""
    folder = module_lms.home.root / "models" / "tests"
    models.deepened(folder / "deep", 30)
    models.respelt(folder / "respelt")
    models.padded(folder / "padded", 7)
    return module_port


@pytest.fixture
def client(port: int) -> Iterator[OpenAI]:
    base, http = f"http://127.0.0.1:{port}/v1", DefaultHttpxClient(trust_env=False)
    with OpenAI(base_url=base, api_key="lm-studio", max_retries=0, timeout=60, http_client=http) as sdk:
        yield sdk


def post(port: int, path: str, **fields: Any) -> dict[str, Any]:
    with httpx.Client(trust_env=False, timeout=60) as client:
        answer = client.post(f"http://127.0.0.1:{port}{path}", json=fields)
    answer.raise_for_status()
    return dict(answer.json())


def test_it_is_loaded_for_the_request_and_changes_only_how_soon_the_answer_comes(client: OpenAI) -> None:
    def ask(**extra: str) -> tuple[str | None, dict[str, Any]]:
        answer = client.chat.completions.create(
            model="deep", messages=[QUESTION], temperature=0, max_tokens=60, extra_body=extra
        )
        return answer.choices[0].message.content, answer.model_dump()["stats"]

    (alone, nothing), (guessed, stats) = ask(), ask(draft_model="tiny-chat")
    assert alone == guessed
    assert nothing == {}
    assert stats["draft_model"] == "tiny-chat"
    total, *parts = [stats[name] for name in COUNTS]
    assert total == sum(parts)
    assert stats["accepted_draft_tokens_count"] > 0


def test_the_rest_api_tells_the_same(port: int) -> None:
    fields = {"model": "deep", "draft_model": "tiny-chat", "temperature": 0, "max_tokens": 60}
    chat = post(port, "/api/v0/chat/completions", messages=[QUESTION], **fields)
    text = post(port, "/api/v0/completions", prompt="Once upon a time", **fields)
    for reply in (chat, text):
        assert reply["stats"]["draft_model"] == "tiny-chat"
        total, *parts = [reply["stats"][name] for name in COUNTS]
        assert total == sum(parts)


def test_both_are_loaded_just_in_time(port: int) -> None:
    """Of two vocabularies that differ only in padding at the end."""
    fields = {"model": "padded", "draft_model": "tiny-chat", "temperature": 0, "max_tokens": 8}
    assert post(port, "/v1/chat/completions", messages=[QUESTION], **fields)["stats"]["draft_model"] == "tiny-chat"


@pytest.mark.parametrize(
    ("draft_model", "reason"),
    [("respelt", "their vocabularies differ"), ("text-embedding-tiny", "an embedding model"), ("nobody", "nobody")],
)
def test_one_that_cannot_guess_is_refused_with_the_reason(client: OpenAI, draft_model: str, reason: str) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.chat.completions.create(model="deep", messages=[QUESTION], extra_body={"draft_model": draft_model})
    assert refused.value.status_code in (400, 404)
    body: Any = refused.value.body
    assert body["param"] == "draft_model"
    assert reason in body["message"]


def test_it_is_loaded_with_the_model_where_that_was_asked_for(module_lms: Lms, port: int) -> None:
    module_lms("load", "deep", "--identifier", "drafted", "--draft-model", "tiny-chat")
    reply = post(port, "/api/v0/chat/completions", model="drafted", messages=[QUESTION], temperature=0, max_tokens=60)
    assert reply["stats"]["draft_model"] == "tiny-chat"
    (row,) = [row for row in json.loads(module_lms("ps", "--json").stdout) if row["identifier"] == "drafted"]
    assert row["loadConfig"]["draftModel"] == "tiny-chat"
    module_lms("unload", "drafted")


def test_a_load_with_one_that_cannot_guess_is_refused(module_lms: Lms, port: int) -> None:
    done = module_lms("load", "deep", "--draft-model", "respelt", check=False)
    assert done.returncode == 2
    assert "their vocabularies differ" in done.stderr
