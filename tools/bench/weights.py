"""Writes the GGUF files of `models`: shapes of real models, weights by chance, and two tricks.

Words only: the embeddings' first dimension is the same for every token; the first layer's attention carries it into the
second, where only plain words have a positive weight. So every answer consists of words, and none ends by chance.

Copying: a model whose layers add nothing, and whose output prefers, for each token, the one that follows it in a fixed
cycle. The words of `texts.REFRAIN` form one cycle, all others another: what follows the refrain's beginning is the
refrain, again and again; what follows another word comes back only after thousands of others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from tools.bench import texts

Matrix = NDArray[np.float32]

SEED = 0
SAME, WORDS_ONLY = 0, 1  # dimensions of the embeddings
PREFERENCE = 20.0
EMBEDDING_SCALE = 0.02  # as of trained models
SMALLEST_VOCABULARY = 512
CHAT_TEMPLATE = (
    "{%- for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True)
class Shape:
    """Of a decoder, or of an encoder with as many heads for keys as for queries."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    context: int

    @property
    def kv_width(self) -> int:
        return self.width // self.heads * self.kv_heads


QWEN = Shape(layers=24, width=896, feed_forward=4864, heads=14, kv_heads=2, context=32768)
SMALLEST = Shape(layers=5, width=64, feed_forward=172, heads=8, kv_heads=4, context=2048)
BERT = Shape(layers=6, width=384, feed_forward=1536, heads=12, kv_heads=12, context=512)


def write_qwen(out: Path, vocabulary: Path) -> None:
    """Qwen2's smallest: 0.5 billion weights, embeddings and output shared."""
    file = _Writer(out, "qwen2", QWEN, vocabulary)
    file.writer.add_chat_template(CHAT_TEMPLATE)
    file.writer.add_rope_freq_base(1e6)
    file.add("token_embd.weight", file.embeddings(np.array([_is_word(token) for token in file.tokens])))
    _add_decoder(file, biases=True)
    file.close()


def write_smallest(out: Path, vocabulary: Path) -> None:
    """A llama of 260,000 weights, with the first 512 tokens of a real vocabulary: nothing but overhead."""
    file = _Writer(out, "llama", SMALLEST, vocabulary, vocabulary_size=SMALLEST_VOCABULARY)
    file.writer.add_rope_dimension_count(SMALLEST.width // SMALLEST.heads)
    file.add("token_embd.weight", file.embeddings(np.array([token.startswith("▁") for token in file.tokens])))
    _add_decoder(file, biases=False)
    file.close()


def write_copying(out: Path, vocabulary: Path) -> None:
    """Of the first one's shape and cost for each token, with an output of its own."""
    file = _Writer(out, "qwen2", QWEN, vocabulary)
    file.writer.add_chat_template(CHAT_TEMPLATE)
    file.writer.add_rope_freq_base(1e6)
    embeddings = file.random.standard_normal((len(file.tokens), QWEN.width), dtype=np.float32)
    output = np.zeros_like(embeddings)
    before, after = followers(file.tokens)
    output[after] = embeddings[before]
    file.add("token_embd.weight", embeddings)
    file.add("output.weight", output)
    _add_decoder(file, biases=True, adds_nothing=True)
    file.close()


def write_bert(out: Path, vocabulary: Path) -> None:
    """The shape of all-MiniLM-L6: 22 million weights."""
    file = _Writer(out, "bert", BERT, vocabulary)
    file.writer.add_layer_norm_eps(1e-12)
    file.writer.add_causal_attention(False)
    file.writer.add_pooling_type(gguf.PoolingType.MEAN)
    file.add("token_embd.weight", file.matrix(len(file.tokens), BERT.width))
    file.exact("token_types.weight", file.matrix(2, BERT.width))
    file.exact("position_embd.weight", file.matrix(BERT.context, BERT.width))
    file.norm("token_embd_norm", bias=True)
    for layer in range(BERT.layers):
        block = f"blk.{layer}."
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            file.linear(block + part, BERT.width, BERT.width, bias=True)
        file.norm(block + "attn_output_norm", bias=True)
        file.linear(block + "ffn_up", BERT.feed_forward, BERT.width, bias=True)
        file.linear(block + "ffn_down", BERT.width, BERT.feed_forward, bias=True)
        file.norm(block + "layer_output_norm", bias=True)
    file.close()


class _Writer:
    """A GGUF file of one shape in the making, with the tokenizer of another file."""

    def __init__(
        self, out: Path, arch: str, shape: Shape, vocabulary: Path, vocabulary_size: int | None = None
    ) -> None:
        self.shape = shape
        self.random = np.random.default_rng(SEED)
        self.writer = gguf.GGUFWriter(out, arch)
        self.tokens = _copy_tokenizer(self.writer, vocabulary, vocabulary_size)
        self._add_shape(out.stem, shape)

    def add(self, name: str, values: Matrix) -> None:
        self.writer.add_tensor(name, values.astype(np.float16))

    def exact(self, name: str, values: Matrix) -> None:
        self.writer.add_tensor(name, values)

    def matrix(self, rows: int, columns: int) -> Matrix:
        """Scaled so that what goes through keeps its size."""
        return self.random.standard_normal((rows, columns), dtype=np.float32) * np.float32(columns**-0.5)

    def linear(self, name: str, rows: int, columns: int, *, bias: bool) -> None:
        self.add(f"{name}.weight", self.matrix(rows, columns))
        if bias:
            self.exact(f"{name}.bias", np.zeros(rows, np.float32))

    def norm(self, name: str, *, bias: bool = False) -> None:
        self.exact(f"{name}.weight", np.ones(self.shape.width, np.float32))
        if bias:
            self.exact(f"{name}.bias", np.zeros(self.shape.width, np.float32))

    def embeddings(self, is_word: NDArray[np.bool_]) -> Matrix:
        """Shared with the output, which prefers words by the second dimension."""
        values = self.random.standard_normal((len(self.tokens), self.shape.width), dtype=np.float32)
        values *= np.float32(EMBEDDING_SCALE)
        values[:, SAME] = 1
        values[:, WORDS_ONLY] = np.where(is_word, 1, -1)
        return values

    def close(self) -> None:
        self.writer.write_header_to_file()
        self.writer.write_kv_data_to_file()
        self.writer.write_tensors_to_file()
        self.writer.close()

    def _add_shape(self, name: str, shape: Shape) -> None:
        self.writer.add_name(name)
        self.writer.add_context_length(shape.context)
        self.writer.add_embedding_length(shape.width)
        self.writer.add_block_count(shape.layers)
        self.writer.add_feed_forward_length(shape.feed_forward)
        self.writer.add_head_count(shape.heads)
        self.writer.add_head_count_kv(shape.kv_heads)
        self.writer.add_layer_norm_rms_eps(1e-6)
        self.writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _add_decoder(file: _Writer, *, biases: bool, adds_nothing: bool = False) -> None:
    shape = file.shape
    file.norm("output_norm")
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        file.norm(block + "attn_norm")
        file.norm(block + "ffn_norm")
        file.linear(block + "attn_q", shape.width, shape.width, bias=biases)
        file.linear(block + "attn_k", shape.kv_width, shape.width, bias=biases)
        value, output = file.matrix(shape.kv_width, shape.width), file.matrix(shape.width, shape.width)
        down = file.matrix(shape.width, shape.feed_forward)
        for written in (output, down):
            written[[SAME, WORDS_ONLY]] = 0
            written *= not adds_nothing
        if layer == 0 and not adds_nothing:
            value[0] = 0
            value[0, SAME] = output[WORDS_ONLY, 0] = PREFERENCE**0.5
        file.add(block + "attn_v.weight", value)
        if biases:
            file.exact(block + "attn_v.bias", np.zeros(shape.kv_width, np.float32))
        file.add(block + "attn_output.weight", output)
        file.linear(block + "ffn_gate", shape.feed_forward, shape.width, bias=False)
        file.linear(block + "ffn_up", shape.feed_forward, shape.width, bias=False)
        file.add(block + "ffn_down.weight", down)


def _copy_tokenizer(writer: gguf.GGUFWriter, vocabulary: Path, size: int | None) -> list[str]:
    """Every `tokenizer.*` field but the chat template, arrays cut to `size`. Returns the tokens."""
    tokens: list[str] = []
    for key, field in gguf.GGUFReader(vocabulary).fields.items():
        if not key.startswith("tokenizer.") or key == "tokenizer.chat_template":
            continue
        value: Any = field.contents()
        if key == "tokenizer.ggml.tokens":
            value = tokens = value[:size]
        elif field.types[0] == gguf.GGUFValueType.ARRAY:
            value = value[:size]
        item_type = field.types[1] if len(field.types) > 1 else None
        writer.add_key_value(key, value, field.types[0], item_type)
    return tokens


def _is_word(token: str) -> bool:
    """A space and small letters, in the byte-level notation of Qwen's vocabulary."""
    return re.fullmatch("Ġ[a-z]{2,}", token) is not None


def followers(tokens: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of token numbers: what comes, and what follows it. The refrain is one cycle, every other word is on one."""
    number = {token: position for position, token in enumerate(tokens)}
    refrain = [number[f"Ġ{word}"] for word in texts.REFRAIN]
    others = [position for position, token in enumerate(tokens) if _is_word(token) and position not in set(refrain)]
    np.random.default_rng(SEED).shuffle(others)
    cycles = [np.array(refrain), np.array(others)]
    return np.concatenate(cycles), np.concatenate([np.roll(cycle, -1) for cycle in cycles])
