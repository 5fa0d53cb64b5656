"""Parameters of generation through the official OpenAI client, beside llama.cpp asked directly."""

import json
import math
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from tests.engine.processes import bundled
from tests.real.conftest import Lms

pytestmark = pytest.mark.real

CHAT = "tiny-chat"
PROMPT = "Once upon a time there was a small server that"
QUESTION: list[Any] = [{"role": "user", "content": "Tell me a story."}]


@pytest.fixture(scope="module")
def logprobs_of_llama() -> Any:
    """The logarithm of the probability of each token of a text but the first, as llama.cpp computes it alone."""
    import llama_cpp

    model = llama_cpp.Llama(str(bundled(CHAT)), n_ctx=512, logits_all=True, verbose=False)

    def of(text: str) -> tuple[list[int], list[float]]:
        tokens = model.tokenize(text.encode(), add_bos=True, special=True)
        model.reset()
        model.eval(tokens)
        rows = model.scores[: len(tokens)]
        return tokens, [
            float(rows[place - 1][token] - math.log(sum(math.exp(value) for value in rows[place - 1].tolist())))
            for place, token in enumerate(tokens)
            if place
        ]

    yield of
    model.close()


def story(client: OpenAI, **settings: Any) -> str:
    extra = settings.pop("extra", {})
    answer = client.chat.completions.create(
        model=CHAT, messages=QUESTION, max_tokens=40, extra_body=extra, **{"seed": 7, "temperature": 1.0, **settings}
    )
    return answer.choices[0].message.content or ""


def test_an_echo_is_as_likely_as_llama_says(client: OpenAI, logprobs_of_llama: Any) -> None:
    tokens, expected = logprobs_of_llama(PROMPT)
    for prompt in (PROMPT, tokens):
        answer = client.completions.create(model=CHAT, prompt=prompt, max_tokens=0, echo=True, logprobs=1)
        told = answer.choices[0].logprobs
        assert told is not None
        assert told.token_logprobs is not None
        assert told.token_logprobs[0] is None
        assert told.token_logprobs[1:] == pytest.approx(expected, abs=0.02)
        assert answer.usage is not None
        assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(tokens), 0)


def test_a_harness_can_score_an_ending(client: OpenAI, logprobs_of_llama: Any) -> None:
    """As lm-evaluation-harness asks: one token more than wanted, and the likeliest one beside each."""
    tokens, expected = logprobs_of_llama(PROMPT)
    context = len(tokens) - 3
    answer = client.completions.create(
        model=CHAT, prompt=tokens, temperature=0, max_tokens=1, logprobs=1, seed=1234, echo=True
    )
    told = answer.choices[0].logprobs
    assert told is not None
    assert told.token_logprobs is not None
    assert told.top_logprobs is not None
    ending: Any = told.token_logprobs[context:-1]
    assert sum(ending) == pytest.approx(sum(expected[-3:]), abs=0.05)
    for logprob, top in zip(ending, told.top_logprobs[context:-1], strict=True):
        assert top is not None
        assert max(top.values()) >= logprob


def test_what_is_drawn_greedily_is_the_likeliest(client: OpenAI, logprobs_of_llama: Any) -> None:
    answer = client.chat.completions.create(
        model=CHAT,
        messages=[{"role": "user", "content": "Say this is a test!"}],
        temperature=0,
        logprobs=True,
        top_logprobs=3,
        extra_body={"repeat_penalty": 1.0},
    )
    told = answer.choices[0].logprobs
    assert told is not None
    assert told.content
    assert "".join(token.token for token in told.content) == answer.choices[0].message.content
    for token in told.content:
        assert token.bytes == list(token.token.encode())
        assert token.top_logprobs[0].token == token.token
        assert token.logprob == token.top_logprobs[0].logprob
        assert sum(math.exp(other.logprob) for other in token.top_logprobs) <= 1.001


def test_streamed_logprobs_are_those_of_the_whole_answer(client: OpenAI) -> None:
    asked: dict[str, Any] = {"model": CHAT, "prompt": PROMPT, "max_tokens": 12, "temperature": 0, "logprobs": 2}
    whole = client.completions.create(**asked).choices[0]
    streamed = [chunk.choices[0] for chunk in client.completions.create(**asked, stream=True)]
    assert whole.logprobs is not None
    tokens = [token for choice in streamed if choice.logprobs for token in choice.logprobs.tokens or ()]
    offsets = [place for choice in streamed if choice.logprobs for place in choice.logprobs.text_offset or ()]
    assert tokens == whole.logprobs.tokens
    assert offsets == whole.logprobs.text_offset
    assert "".join(tokens) == whole.text


def test_several_answers_differ_and_can_be_had_again(client: OpenAI) -> None:
    def answers() -> list[str]:
        reply = client.chat.completions.create(
            model=CHAT, messages=QUESTION, n=4, seed=3, temperature=1.2, max_tokens=24, top_p=1
        )
        assert [choice.index for choice in reply.choices] == [0, 1, 2, 3]
        assert reply.usage is not None
        assert reply.usage.completion_tokens > reply.usage.prompt_tokens
        return [choice.message.content or "" for choice in reply.choices]

    first = answers()
    assert len(set(first)) > 1
    assert answers() == first


def test_several_streamed_answers_come_side_by_side(client: OpenAI) -> None:
    stream = client.chat.completions.create(
        model=CHAT,
        messages=QUESTION,
        n=3,
        seed=3,
        max_tokens=30,
        logit_bias={"0": -100, "2": -100},
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    order = [chunk.choices[0].index for chunk in chunks if chunk.choices]
    ends = [chunk.choices[0].index for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert sorted(ends) == [0, 1, 2]
    assert order.index(2) < len(order) - 1 - order[::-1].index(0)
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 90


@pytest.mark.parametrize(
    "extra",
    [
        {"typical_p": 0.2, "top_k": 0, "top_p": 1, "min_p": 0},
        {"xtc_probability": 1.0, "xtc_threshold": 0.05},
        {"min_p": 0.9},
        {"top_k": 1},
    ],
    ids=str,
)
def test_a_sampler_changes_what_is_drawn_and_a_seed_repeats_it(client: OpenAI, extra: dict[str, Any]) -> None:
    plain = {"top_k": 0, "top_p": 1, "min_p": 0, "repeat_penalty": 1.0}
    assert story(client, extra=plain | extra, temperature=1.5) != story(client, extra=plain, temperature=1.5)
    assert story(client, extra=plain | extra) == story(client, extra=plain | extra)


def test_dry_keeps_a_model_from_repeating_its_prompt(client: OpenAI) -> None:
    prompt = "one two three four five six seven. " * 4
    asked: dict[str, Any] = {"model": CHAT, "prompt": prompt, "temperature": 0, "max_tokens": 16}

    def text(**extra: Any) -> str:
        return client.completions.create(**asked, extra_body={"repeat_penalty": 1.0, **extra}).choices[0].text

    dry = {"dry_multiplier": 4.0, "dry_allowed_length": 1, "dry_sequence_breakers": []}
    assert text(**dry) != text()
    assert text(**dry) == text(**dry)


def test_a_text_may_be_biased(client: OpenAI) -> None:
    told = client.chat.completions.create(
        model=CHAT, messages=QUESTION, max_tokens=8, temperature=0, extra_body={"logit_bias": {"the": 100}}
    )
    assert "the" in (told.choices[0].message.content or "")
    banned = story(client, temperature=0, extra={"logit_bias": [[" ", -100]]})
    assert banned != story(client, temperature=0)


@pytest.mark.parametrize(
    ("extra", "wanted"),
    [({"regex": "(yes|no)!"}, ("yes!", "no!")), ({"grammar": 'root ::= "ja" | "nein"'}, ("ja", "nein"))],
)
def test_a_text_may_be_held_to_a_form(client: OpenAI, extra: dict[str, Any], wanted: tuple[str, ...]) -> None:
    completed = client.completions.create(model=CHAT, prompt="Is it?", max_tokens=20, extra_body=extra)
    assert completed.choices[0].text in wanted
    assert story(client, extra=extra) in wanted


def test_a_schema_may_be_given_to_a_text(client: OpenAI) -> None:
    schema = {"type": "object", "properties": {"n": {"enum": [1, 2]}}, "required": ["n"], "additionalProperties": False}
    completed = client.completions.create(
        model=CHAT, prompt="JSON:", max_tokens=40, extra_body={"json_schema": schema}, temperature=0
    )
    assert json.loads(completed.choices[0].text)["n"] in (1, 2)


def test_a_model_that_fills_no_gaps_says_so(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="fills in none") as caught:
        client.completions.create(model=CHAT, prompt="def f(", suffix="return 1")
    assert caught.value.param == "suffix"


def test_a_grammar_that_is_none_says_so(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.completions.create(model=CHAT, prompt="a", extra_body={"grammar": "root ::= word"})
    assert caught.value.param == "grammar"


@pytest.fixture(scope="module")
def small(module_lms: Lms, module_port: int) -> Iterator[str]:
    """The chat model with a small context."""
    module_lms("load", CHAT, "-c", "256", "--identifier", "small", "--overflow", "rollingWindow")
    yield "small"
    module_lms("unload", "small")


def test_policies_for_what_is_too_long(client: OpenAI, small: str) -> None:
    turns = [
        {"role": role, "content": f"{word} " * 30}
        for word in ("red", "green", "blue", "grey")
        for role in ("user", "assistant")
    ]
    messages: list[Any] = [*turns, {"role": "user", "content": "Say this is a test!"}]

    def ask(policy: str | None) -> Any:
        extra = {"context_overflow_policy": policy} if policy else {}
        return client.chat.completions.create(
            model=small, messages=messages, max_tokens=20, temperature=0, extra_body=extra
        )

    for policy in ("refuse", "stopAtLimit"):
        with pytest.raises(openai.BadRequestError) as caught:
            ask(policy)
        assert caught.value.code == "context_length_exceeded"
    for policy in (None, "truncateMiddle", "rollingWindow"):
        answer = ask(policy)
        assert answer.choices[0].message.content
        assert answer.stats["truncated_tokens"] > 50
        assert answer.usage.prompt_tokens < 256


def test_an_answer_may_outgrow_the_context(client: OpenAI, small: str) -> None:
    answer = client.chat.completions.create(
        model=small, messages=QUESTION, max_tokens=600, temperature=0.5, seed=1, logit_bias={"0": -100, "2": -100}
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 600
    assert answer.choices[0].finish_reason == "length"
    extras: Any = answer.model_extra
    assert extras["stats"]["truncated_tokens"] > 300


def test_v0_gives_several_answers_with_their_probabilities_too(module_port: int) -> None:
    body = {"model": CHAT, "messages": QUESTION, "n": 2, "logprobs": True, "max_tokens": 5}
    reply = httpx.post(
        f"http://127.0.0.1:{module_port}/api/v0/chat/completions", json=body, timeout=60, trust_env=False
    ).json()
    assert [choice["index"] for choice in reply["choices"]] == [0, 1]
    assert all(choice["logprobs"]["content"] for choice in reply["choices"])
    assert reply["usage"]["completion_tokens"] > 5


@pytest.mark.parametrize(("separate", "content"), [("1", "yes"), ("0", "<think>The user wants yes.</think>yes")])
def test_reasoning_is_told_apart_as_the_server_is_set(fake_lms: Lms, separate: str, content: str) -> None:
    fake_lms.environ["LMS_SEPARATE_REASONING"] = separate
    fake_lms("server", "start", "--port", "0")
    port = json.loads(fake_lms("server", "status", "--json").stdout)["port"]
    body = {"model": CHAT, "messages": [{"role": "user", "content": "think first: yes"}]}
    reply = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, timeout=60, trust_env=False).json()
    assert reply["choices"][0]["message"]["content"] == content
