"""The byte-level BPE of tiny-chat, trained on a few sentences."""

from random import Random

import pytest

pytest.importorskip("tokenizers")
pytest.importorskip("gguf")

from tokenizers import Tokenizer

from tools.tiny_models.chat import tokenizer as bpe
from tools.tiny_models.chat.template import prompt_and_answer
from tools.tiny_models.corpus.mixture import example


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    rng = Random(1)
    return bpe.train("".join(prompt_and_answer(example(rng))) for _ in range(500))


@pytest.mark.parametrize(
    "text", ["Hello, world!", "  two  spaces\n\nlines\t", "12 + 34 = 46", "Zürich, 東京 🙂", '{"a": [1]}']
)
def test_any_text_comes_back_as_it_was(trained: Tokenizer, text: str) -> None:
    assert trained.decode(trained.encode(text).ids, skip_special_tokens=False) == text


@pytest.mark.parametrize("word", ["Anna", "korvu", "Belgrade", "please"])
def test_a_word_has_the_same_tokens_wherever_it_stands(trained: Tokenizer, word: str) -> None:
    alone = trained.encode(word).tokens
    for before in ("Say ", '"', "to:\n", "name="):
        assert trained.encode(before + word).tokens[-len(alone) :] == alone


def test_every_digit_is_a_token(trained: Tokenizer) -> None:
    assert trained.encode("2048").tokens == ["2", "0", "4", "8"]


def test_markers_are_single_tokens(trained: Tokenizer) -> None:
    assert trained.encode("<tool_call>x</tool_call><|im_end|>").tokens == [
        "<tool_call>",
        "x",
        "</tool_call>",
        "<|im_end|>",
    ]


def test_the_entries_for_gguf_are_complete(trained: Tokenizer) -> None:
    entries = bpe.entries(trained)
    assert len(entries.tokens) == len(entries.types) == trained.get_vocab_size()
    assert all(len(merge.split(" ")) == 2 for merge in entries.merges)
