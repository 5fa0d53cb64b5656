from math import prod
from pathlib import Path
from typing import Any, cast

import gguf
import llama_cpp
import pytest

from tools.bench import texts, weights


@pytest.fixture
def smallest(tmp_path: Path) -> Path:
    """Made from a vocabulary of our own: 3 special tokens, every byte, and words."""
    vocabulary, out = tmp_path / "vocabulary.gguf", tmp_path / "smallest.gguf"
    letters = "abcdefghijklmnop"
    words = ["▁", *letters, *(f"▁{one}{other}" for one in letters for other in letters)][:300]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    writer = gguf.GGUFWriter(vocabulary, "llama")
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([float(-number) for number in range(len(tokens))])
    writer.add_token_types([2, 3, 3, *[6] * 256, *[1] * len(words)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    weights.write_smallest(out, vocabulary)
    return out


def test_the_smallest_model_has_a_quarter_of_a_million_weights(smallest: Path) -> None:
    count = sum(prod(map(int, tensor.shape)) for tensor in gguf.GGUFReader(smallest).tensors)
    assert count == pytest.approx(260_000, rel=0.1)


def test_its_answers_are_words_and_end_only_when_they_are_long_enough(smallest: Path) -> None:
    model = llama_cpp.Llama(str(smallest), n_ctx=256, n_threads=1, n_threads_batch=1, verbose=False)
    answer = cast(dict[str, Any], model.create_completion("ab", max_tokens=100, temperature=1.0, seed=1))
    model.close()
    assert answer["usage"]["completion_tokens"] == 100
    assert all(len(word) <= 2 and word.isalpha() for word in answer["choices"][0]["text"].split())


def test_the_refrain_is_a_circle_and_no_other_word_leads_into_it() -> None:
    others = [f"Ġ{one}{other}" for one in "abcdefgh" for other in "ijklmnop"]
    tokens = ["!", "Ġ", *others, *(f"Ġ{word}" for word in texts.REFRAIN)]
    follower = dict(zip(*weights.followers(tokens), strict=True))
    refrain = [tokens.index(f"Ġ{word}") for word in texts.REFRAIN]
    assert [follower[token] for token in refrain] == [*refrain[1:], refrain[0]]
    assert circle(follower, tokens.index(others[0])) == {tokens.index(word) for word in others}


def circle(follower: dict[int, int], start: int) -> set[int]:
    """Every token that is met on the way from `start` back to it."""
    seen, token = {start}, follower[start]
    while token != start:
        seen.add(token)
        token = follower[token]
    return seen
