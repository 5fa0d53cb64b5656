"""Tokens, prompts, lengths of vectors and rankings from a real server with real models."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.engine.rerankers import reranker
from tests.real.conftest import Lms

pytestmark = pytest.mark.real

CHAT, EMBEDDER = "tiny-chat", "text-embedding-tiny"
MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tell me of a café."}]


@pytest.fixture(scope="module")
def server(module_lms: Lms, module_port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{module_port}", timeout=60, trust_env=False) as client:
        yield client


def post(server: httpx.Client, path: str, **fields: Any) -> Any:
    reply = server.post(path, json=fields)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("model", [CHAT, EMBEDDER])
def test_what_was_tokenized_is_spelled_the_same(server: httpx.Client, model: str) -> None:
    tokens = post(server, "/tokenize", model=model, content="the cat sat in a box")["tokens"]
    assert len(tokens) > 1
    assert post(server, "/detokenize", model=model, tokens=tokens)["content"].strip() == "the cat sat in a box"


def test_pieces_put_together_are_the_text(server: httpx.Client) -> None:
    rows = post(server, "/tokenize", model=CHAT, content="Ein café 🦜!", with_pieces=True)["tokens"]
    pieces = (row["piece"].encode() if isinstance(row["piece"], str) else bytes(row["piece"]) for row in rows)
    assert b"".join(pieces).decode().strip() == "Ein café 🦜!"


def test_the_prompt_that_is_shown_has_the_tokens_that_are_counted_and_used(server: httpx.Client) -> None:
    chat = {"model": CHAT, "messages": MESSAGES}
    counted = post(server, "/v1/chat/completions/input_tokens", **chat)["input_tokens"]
    assert counted == post(server, "/tokenize", **chat)["count"]
    assert counted == post(server, "/v1/chat/completions", **chat, max_tokens=1)["usage"]["prompt_tokens"]
    prompt = post(server, "/apply-template", **chat)["prompt"]
    assert "Be brief." in prompt
    assert post(server, "/v1/completions", model=CHAT, prompt=prompt, max_tokens=1)["usage"]["prompt_tokens"] == counted


def test_names_of_special_tokens_are_text_where_that_is_wanted(server: httpx.Client) -> None:
    marker = post(server, "/detokenize", model=CHAT, tokens=[1])["content"]
    special = post(server, "/tokenize", model=CHAT, content=marker)["tokens"]
    plain = post(server, "/tokenize", model=CHAT, content=marker, parse_special=False)["tokens"]
    assert special == [1]
    assert len(plain) > 1


def test_shortened_vectors_have_length_one(server: httpx.Client) -> None:
    whole, short = (
        post(server, "/v1/embeddings", model=EMBEDDER, input="a cat", **fields)["data"][0]["embedding"]
        for fields in ({}, {"dimensions": 16})
    )
    assert len(short) == 16
    assert sum(value * value for value in short) == pytest.approx(1, abs=1e-5)
    assert short[0] / short[1] == pytest.approx(whole[0] / whole[1], rel=1e-4)


def test_a_text_over_the_context_names_its_place(server: httpx.Client) -> None:
    reply = server.post("/v1/embeddings", json={"model": EMBEDDER, "input": ["a", "cat " * 2000]})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (400, "context_length_exceeded", "input[1]")


def test_an_embedding_model_that_is_no_reranker_says_so(server: httpx.Client) -> None:
    reply = server.post("/v1/rerank", json={"model": EMBEDDER, "query": "a", "documents": ["b"]})
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "model")


def test_a_reranker_on_disk_is_loaded_and_ranks(module_lms: Lms, server: httpx.Client) -> None:
    folder = module_lms.home.root / "models" / "test" / "tiny-rerank"
    folder.mkdir(parents=True)
    reranker(folder / "tiny-rerank-f16.gguf")
    key = "text-embedding-tiny-rerank"
    module_lms("ls", key)  # names that were not there a moment ago are looked for again
    ranked = post(server, "/v1/rerank", model=key, query="a cat", documents=["a dog", "the cat", "rain"], top_n=2)
    assert [row["relevance_score"] for row in ranked["results"]] == sorted(
        (row["relevance_score"] for row in ranked["results"]), reverse=True
    )
    assert len(ranked["results"]) == 2
    assert ranked["usage"]["total_tokens"] > 6
