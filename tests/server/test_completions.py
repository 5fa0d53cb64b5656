"""Text completions: one prompt, several, and prompts of tokens."""

import pytest

from lms.generation.request import GenerateRequest, TextPrompt, TokenPrompt
from tests.server.conftest import Site, chunks_of

STREAMED = {"stream": True, "stream_options": {"include_usage": True}}


@pytest.mark.parametrize(
    ("prompt", "prompts"),
    [
        ("Once", [TextPrompt("Once")]),
        ("", [TextPrompt("")]),
        (["Once"], [TextPrompt("Once")]),
        (["Once", "Twice"], [TextPrompt("Once"), TextPrompt("Twice")]),
        ([5, 6], [TokenPrompt((5, 6))]),
        ([[5, 6], [7]], [TokenPrompt((5, 6)), TokenPrompt((7,))]),
    ],
)
def test_each_form_of_prompt_reaches_the_engine_untouched(site: Site, prompt: object, prompts: list[object]) -> None:
    site.post("/v1/completions", model="tiny-chat", prompt=prompt)
    requests = [call.request for call in site.engine.calls]
    asked = [request.prompt for request in requests if isinstance(request, GenerateRequest)]
    assert sorted(asked, key=repr) == sorted(prompts, key=repr)  # they are asked side by side


@pytest.mark.parametrize(("asked", "taken"), [(0, 0), (1e-300, 0), (9e-6, 0), (1e-5, 1e-5), (0.7, 0.7), (None, None)])
def test_a_temperature_too_low_to_divide_by_is_greedy(site: Site, asked: float | None, taken: float | None) -> None:
    site.post("/v1/completions", model="tiny-chat", prompt="Once", temperature=asked)
    request = site.engine.calls[0].request
    assert isinstance(request, GenerateRequest)
    assert request.sampling.temperature == taken


def test_a_reply_has_openais_shape(site: Site) -> None:
    reply = site.post("/v1/completions", model="tiny-chat", prompt="Once").json
    assert reply["id"].startswith("cmpl-")
    assert reply["object"] == "text_completion"
    assert reply["choices"] == [{"index": 0, "text": "Hello", "logprobs": None, "finish_reason": "stop"}]


def test_the_rest_api_adds_its_facts(site: Site) -> None:
    reply = site.post("/api/v0/completions", model="tiny-chat", prompt="Once", max_tokens=10, stop="\n").json
    assert reply["stats"] == {
        "tokens_per_second": 50.0,
        "time_to_first_token": 0.125,
        "generation_time": 0.04,
        "stop_reason": "eosFound",
    }
    assert reply["model_info"] == {"arch": "llama", "quant": "Q8_0", "format": "gguf", "context_length": 1024}
    assert reply["runtime"] == {"name": "scripted", "version": "1.0.0", "supported_formats": ["gguf"]}


@pytest.mark.parametrize("base", ["/v1", "/api/v0"])
def test_several_prompts_get_a_choice_each_and_one_sum_of_tokens(site: Site, base: str) -> None:
    reply = site.post(f"{base}/completions", model="tiny-chat", prompt=["a", "b", "c"]).json
    assert [choice["index"] for choice in reply["choices"]] == [0, 1, 2]
    assert reply["usage"]["total_tokens"] == 3 * 9


def test_each_prompt_has_a_lease_of_its_own(site: Site) -> None:
    site.post("/v1/completions", model="tiny-chat", prompt=["a", "b"], ttl=60)
    assert site.backend.asked == [("tiny-chat", "llm", 60)] * 2


def test_streamed_choices_carry_the_number_of_their_prompt(site: Site) -> None:
    chunks = chunks_of(site.post("/v1/completions", model="tiny-chat", prompt=["a", "b"], **STREAMED).data)
    texts = {0: "", 1: ""}
    for chunk in chunks:
        for choice in chunk["choices"]:
            texts[choice["index"]] += choice["text"]
    assert texts == {0: "Hello", 1: "Hello"}
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 18)


def test_only_the_last_chunk_of_a_rest_api_stream_has_the_facts(site: Site) -> None:
    *others, last = chunks_of(site.post("/api/v0/completions", model="tiny-chat", prompt=["a", "b"], stream=True).data)
    facts = {"usage", "stats", "model_info", "runtime"}
    assert facts <= set(last)
    assert not any(facts & set(chunk) for chunk in others)
    assert last["choices"][0]["finish_reason"] == "stop"


def test_the_reply_names_the_instance_that_answered(site: Site) -> None:
    assert site.post("/v1/completions", model="qwen/qwen3-4b", prompt="a").json["model"] == "qwen/qwen3-4b"
