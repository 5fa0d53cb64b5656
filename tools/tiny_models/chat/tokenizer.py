"""The byte-level BPE of tiny-chat, and its form inside a GGUF file.

Merges never join a space or a mark to a letter, so a word has the same tokens after a space, after a quotation mark
and at the start of an answer: what is copied is copied token by token. The price is one token more per word.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

import gguf
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY_SIZE = 1024
PRE_TOKENIZER = "qwen2"
CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKERS = ("<tools>", "</tools>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")

# The expression that llama.cpp applies for “qwen2”: every digit stands alone.
QWEN2 = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
LETTERS_APART = r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s"


def split_by(*expressions: str) -> pre_tokenizers.PreTokenizer:
    """Split at each expression in turn, then map bytes to printable characters."""
    splits = [pre_tokenizers.Split(Regex(expression), "isolated") for expression in expressions]
    return pre_tokenizers.Sequence([*splits, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def train(texts: Iterable[str]) -> Tokenizer:
    """Learn the merges from texts; markers inside them are kept whole."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = split_by(QWEN2, LETTERS_APART)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=[*CONTROL, *MARKERS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.pre_tokenizer = split_by(QWEN2)
    return tokenizer


@dataclass(frozen=True)
class Entries:
    """What GGUF stores of a BPE vocabulary, in the order of the ids."""

    tokens: list[str]
    types: list[int]
    merges: list[str]


def entries(tokenizer: Tokenizer) -> Entries:
    """The vocabulary of a trained tokenizer as GGUF wants it."""
    tokens = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    merges = [" ".join(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
    return Entries(tokens, [token_type(token) for token in tokens], merges)


def token_type(token: str) -> int:
    """Control tokens stay out of replies, markers are ordinary text that is never split."""
    if token in CONTROL:
        return int(gguf.TokenType.CONTROL)
    return int(gguf.TokenType.USER_DEFINED if token in MARKERS else gguf.TokenType.NORMAL)
