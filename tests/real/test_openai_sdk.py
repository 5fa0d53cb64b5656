"""The official OpenAI client against a real server with the bundled models."""

import openai
import pytest
from openai import OpenAI

pytestmark = pytest.mark.real

CHAT, EMBEDDER = "tiny-chat", "text-embedding-tiny"
QUESTION = "Say this is a test!"


def ask(client: OpenAI, max_tokens: int = 40) -> openai.types.chat.ChatCompletion:
    return client.chat.completions.create(
        model=CHAT, messages=[{"role": "user", "content": QUESTION}], temperature=0, max_tokens=max_tokens
    )


def test_a_chat_is_answered(client: OpenAI) -> None:
    answer = ask(client)
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.model == answer.system_fingerprint == CHAT


def test_greedy_answers_repeat_and_reuse_the_prompt(client: OpenAI) -> None:
    first, second = ask(client), ask(client)
    assert first.choices[0].message.content == second.choices[0].message.content
    assert second.usage is not None
    assert second.usage.prompt_tokens_details is not None
    assert second.usage.prompt_tokens_details.cached_tokens


def test_the_same_seed_gives_the_same_text(client: OpenAI) -> None:
    texts = {
        client.completions.create(model=CHAT, prompt="the meaning of life is", temperature=1, seed=42, max_tokens=20)
        .choices[0]
        .text
        for _ in range(3)
    }
    assert len(texts) == 1


def test_a_streamed_chat_adds_up_to_the_same_answer(client: OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=CHAT,
            messages=[{"role": "user", "content": QUESTION}],
            temperature=0,
            max_tokens=40,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *told, last = chunks
    text = "".join(chunk.choices[0].delta.content or "" for chunk in told)
    assert text == ask(client).choices[0].message.content
    assert told[-1].choices[0].finish_reason in ("stop", "length")
    assert last.usage is not None
    assert last.usage.completion_tokens > 0
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_may_be_left_half_way(client: OpenAI) -> None:
    endless = client.completions.create(model=CHAT, prompt="Once", stream=True, max_tokens=-1)
    assert next(iter(endless)).choices
    endless.close()
    assert ask(client).choices


def test_a_text_is_completed(client: OpenAI) -> None:
    answer = client.completions.create(model=CHAT, prompt="the meaning of life is", max_tokens=5, temperature=0)
    assert answer.choices[0].text
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 5


def test_a_streamed_completion_adds_up_to_the_whole_one(client: OpenAI) -> None:
    whole = client.completions.create(model=CHAT, prompt="the meaning of life is", max_tokens=10, temperature=0)
    chunks = client.completions.create(
        model=CHAT, prompt="the meaning of life is", max_tokens=10, temperature=0, stream=True
    )
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole.choices[0].text


def test_several_prompts_are_several_choices(client: OpenAI) -> None:
    answer = client.completions.create(model=CHAT, prompt=["one", "two", "three"], max_tokens=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]


def test_embeddings_come_as_base64_by_default_and_are_decoded(client: OpenAI) -> None:
    texts = ["Once upon a time, there was a cat.", "A cat lived long ago."]
    by_default = client.embeddings.create(model=EMBEDDER, input=texts)
    as_floats = client.embeddings.create(model=EMBEDDER, input=texts, encoding_format="float")
    for ours, theirs in zip(by_default.data, as_floats.data, strict=True):
        assert ours.embedding == pytest.approx(theirs.embedding, abs=1e-6)
    assert by_default.usage.prompt_tokens > 0
    assert [row.index for row in by_default.data] == [0, 1]


def test_a_batch_of_embeddings_is_that_of_each_alone(client: OpenAI) -> None:
    texts = ["a cat", "the weather in Oslo is cold and wet today, as it was all week", "a"]
    together = client.embeddings.create(model=EMBEDDER, input=texts).data
    for text, row in zip(texts, together, strict=True):
        alone = client.embeddings.create(model=EMBEDDER, input=text).data[0]
        assert row.embedding == pytest.approx(alone.embedding, abs=1e-3)


def test_models_are_listed_and_found(client: OpenAI) -> None:
    rows = {model.id: model for model in client.models.list()}
    assert {CHAT, EMBEDDER} <= set(rows)
    assert rows[CHAT].created > 0
    assert client.models.retrieve(CHAT) == rows[CHAT]


def test_an_unknown_model_is_not_found_and_the_message_names_the_others(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=CHAT) as caught:
        client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": QUESTION}])
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_retrieving_an_unknown_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=CHAT):
        client.models.retrieve("qwen/nothing-4b")


def test_a_wrong_value_is_a_bad_request_that_names_its_field(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model=CHAT, messages=[{"role": "user", "content": QUESTION}], temperature=-1, stream=True
        )
    assert (caught.value.param, caught.value.type) == ("temperature", "invalid_request_error")


def test_a_prompt_over_the_context_gives_both_numbers(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"\d+ tokens.*2048") as caught:
        client.completions.create(model=CHAT, prompt="cat " * 5000)
    assert caught.value.code == "context_length_exceeded"


def test_an_embedding_model_does_not_chat(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="embedding model") as caught:
        client.chat.completions.create(model=EMBEDDER, messages=[{"role": "user", "content": QUESTION}])
    assert caught.value.param == "model"


def test_a_chat_model_does_not_embed(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="embedding model") as caught:
        client.embeddings.create(model=CHAT, input="a")
    assert caught.value.param == "model"
