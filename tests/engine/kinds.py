"""Models of every kind of memory, tiny and with random weights: tokens in, tokens out, and no sense in between.

Dense weights are large enough for logits to lie far apart: what a rounding error can turn over is no mistake.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.engine.processes import bundled

EMBEDDING, INNER, STATE, CONVOLVED, RANK, HEADS, FEED_FORWARD = 64, 128, 8, 4, 8, 4, 96
WINDOW = 16
EXPERTS = 4

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def recurrent(path: Path) -> Path:
    """A Mamba: every layer sums up what it has read in a state."""
    fields: dict[str, Any] = {**_state_fields(), "attention.head_count": 0}
    layers = (shape for layer in range(3) for shape in _state_layer(layer))
    return _write(path, "mamba", fields, layers)


def hybrid(path: Path) -> Path:
    """A Jamba: layers with a state and layers with attention, in turn."""
    fields = {**_state_fields(), "attention.head_count": HEADS, "attention.head_count_kv": [0, HEADS, 0, HEADS]}
    layers = (shape for layer in range(4) for shape in _jamba_layer(layer))
    return _write(path, "jamba", fields, layers)


def windowed(path: Path) -> Path:
    """A Gemma 2: every other layer sees the last 16 tokens only."""
    head = EMBEDDING // HEADS
    fields = {
        "attention.head_count": HEADS,
        "attention.head_count_kv": HEADS,
        "attention.key_length": head,
        "attention.value_length": head,
        "attention.sliding_window": WINDOW,
    }
    layers = (shape for layer in range(4) for shape in _gemma_layer(layer))
    return _write(path, "gemma2", fields, layers)


def rowed(path: Path) -> Path:
    """A Qwen2-VL: it tells the places of a picture by row and column."""
    fields = {
        "attention.head_count": HEADS,
        "attention.head_count_kv": HEADS,
        "rope.dimension_sections": [4, 2, 2, 0],
    }
    layers = (shape for layer in range(3) for shape in _rowed_layer(layer))
    return _write(path, "qwen2vl", fields, layers)


def mixture(path: Path, used: int) -> Path:
    """A Mixtral of four experts, so many of which are used for each token."""
    fields = {
        "attention.head_count": HEADS,
        "attention.head_count_kv": HEADS,
        "rope.dimension_count": EMBEDDING // HEADS,
        "expert_count": EXPERTS,
        "expert_used_count": used,
    }
    layers = (shape for layer in range(2) for shape in _mixture_layer(layer))
    return _write(path, "llama", fields, layers)


def judging(path: Path) -> Path:
    """A Qwen 3 that reads a text from the left and says at its end how likely “yes” is: a reranker."""
    fields = {
        "attention.head_count": HEADS,
        "attention.head_count_kv": HEADS,
        "attention.key_length": EMBEDDING // HEADS,
        "attention.value_length": EMBEDDING // HEADS,
        "pooling_type": int(gguf.PoolingType.RANK),
        "classifier.output_labels": ["yes", "no"],
    }
    layers = (shape for layer in range(2) for shape in _qwen_layer(layer))
    return _write(path, "qwen3", fields, chain(layers, [("cls.output.weight", (2, EMBEDDING))]))


KINDS = {"recurrent": recurrent, "hybrid": hybrid, "windowed": windowed}


def _state_fields() -> dict[str, Any]:
    return {"ssm.conv_kernel": CONVOLVED, "ssm.inner_size": INNER, "ssm.state_size": STATE, "ssm.time_step_rank": RANK}


def _state_layer(layer: int) -> Shapes:
    yield f"blk.{layer}.attn_norm.weight", (EMBEDDING,)
    yield f"blk.{layer}.ssm_in.weight", (2 * INNER, EMBEDDING)
    yield f"blk.{layer}.ssm_conv1d.weight", (INNER, CONVOLVED)
    yield f"blk.{layer}.ssm_conv1d.bias", (INNER,)
    yield f"blk.{layer}.ssm_x.weight", (RANK + 2 * STATE, INNER)
    yield f"blk.{layer}.ssm_dt.weight", (INNER, RANK)
    yield f"blk.{layer}.ssm_dt.bias", (INNER,)
    yield f"blk.{layer}.ssm_a", (INNER, STATE)
    yield f"blk.{layer}.ssm_d", (INNER,)
    yield f"blk.{layer}.ssm_out.weight", (EMBEDDING, INNER)


def _jamba_layer(layer: int) -> Shapes:
    if layer % 2:
        yield f"blk.{layer}.attn_norm.weight", (EMBEDDING,)
        yield from _attention(layer)
    else:
        yield from _state_layer(layer)
        yield f"blk.{layer}.ssm_dt_norm.weight", (RANK,)
        yield f"blk.{layer}.ssm_b_norm.weight", (STATE,)
        yield f"blk.{layer}.ssm_c_norm.weight", (STATE,)
    yield from _feed_forward(layer)


def _gemma_layer(layer: int) -> Shapes:
    yield f"blk.{layer}.attn_norm.weight", (EMBEDDING,)
    yield from _attention(layer)
    yield f"blk.{layer}.post_attention_norm.weight", (EMBEDDING,)
    yield from _feed_forward(layer)
    yield f"blk.{layer}.post_ffw_norm.weight", (EMBEDDING,)


def _rowed_layer(layer: int) -> Shapes:
    yield f"blk.{layer}.attn_norm.weight", (EMBEDDING,)
    yield from _attention(layer)
    yield from _feed_forward(layer)


def _mixture_layer(layer: int) -> Shapes:
    yield f"blk.{layer}.attn_norm.weight", (EMBEDDING,)
    yield from _attention(layer)
    yield f"blk.{layer}.ffn_norm.weight", (EMBEDDING,)
    yield f"blk.{layer}.ffn_gate_inp.weight", (EXPERTS, EMBEDDING)
    yield f"blk.{layer}.ffn_gate_exps.weight", (EXPERTS, FEED_FORWARD, EMBEDDING)
    yield f"blk.{layer}.ffn_up_exps.weight", (EXPERTS, FEED_FORWARD, EMBEDDING)
    yield f"blk.{layer}.ffn_down_exps.weight", (EXPERTS, EMBEDDING, FEED_FORWARD)


def _qwen_layer(layer: int) -> Shapes:
    yield f"blk.{layer}.attn_norm.weight", (EMBEDDING,)
    yield f"blk.{layer}.attn_q_norm.weight", (EMBEDDING // HEADS,)
    yield f"blk.{layer}.attn_k_norm.weight", (EMBEDDING // HEADS,)
    yield from _attention(layer)
    yield from _feed_forward(layer)


def _attention(layer: int) -> Shapes:
    for name in ("q", "k", "v", "output"):
        yield f"blk.{layer}.attn_{name}.weight", (EMBEDDING, EMBEDDING)


def _feed_forward(layer: int) -> Shapes:
    yield f"blk.{layer}.ffn_norm.weight", (EMBEDDING,)
    yield f"blk.{layer}.ffn_gate.weight", (FEED_FORWARD, EMBEDDING)
    yield f"blk.{layer}.ffn_up.weight", (FEED_FORWARD, EMBEDDING)
    yield f"blk.{layer}.ffn_down.weight", (EMBEDDING, FEED_FORWARD)


def _write(path: Path, arch: str, fields: dict[str, Any], layers: Shapes) -> Path:
    random = np.random.default_rng(7)
    shapes = [*layers, ("output_norm.weight", (EMBEDDING,))]
    writer = gguf.GGUFWriter(path, arch)
    vocabulary = _copy_vocabulary(writer)
    writer.add_context_length(2048)
    writer.add_embedding_length(EMBEDDING)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_block_count(1 + max(int(name.split(".")[1]) for name, _ in shapes if name.startswith("blk.")))
    writer.add_layer_norm_rms_eps(1e-5)
    for name, value in fields.items():
        add = writer.add_array if isinstance(value, list) else writer.add_uint32
        add(f"{arch}.{name}", value)
    for name, shape in [("token_embd.weight", (vocabulary, EMBEDDING)), *shapes]:
        writer.add_tensor(name, _weights(random, name, shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> "np.ndarray[Any, Any]":
    if name.endswith("ssm_a"):
        return -random.uniform(0.1, 1.0, shape).astype(np.float32)  # states fade, and do not explode
    if len(shape) == 1:
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    return (random.standard_normal(shape) * 2 / np.sqrt(shape[-1])).astype(np.float32)


def _copy_vocabulary(writer: gguf.GGUFWriter) -> int:
    """The bundled chat model's. Returns its size."""
    fields = gguf.GGUFReader(bundled("tiny-chat")).fields
    for name, field in fields.items():
        if name.startswith("tokenizer.ggml"):
            items = field.types[1] if len(field.types) > 1 else None
            writer.add_key_value(name, field.contents(), field.types[0], items)
    return len(fields["tokenizer.ggml.tokens"].contents())
