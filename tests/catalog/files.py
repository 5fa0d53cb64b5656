"""Writes small, valid model files: GGUF through the `gguf` package, safetensors by hand."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

LLAMA: dict[str, Any] = {
    "context_length": 4096,
    "embedding_length": 64,
    "block_count": 2,
    "feed_forward_length": 128,
    "attention.head_count": 4,
    "attention.head_count_kv": 2,
}


def write_gguf(
    path: Path,
    arch: str = "llama",
    *,
    name: str | None = None,
    file_type: int | None = 15,
    dimensions: Mapping[str, Any] = LLAMA,
    texts: Mapping[str, str] | None = None,
    vocabulary: int = 32,
    tensors: Mapping[str, tuple[int, ...]] | None = None,
    chat_template: str | None = None,
) -> Path:
    """A GGUF file whose `dimensions` stand below its architecture and whose `tensors` are f32 zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, arch)
    if name is not None:
        writer.add_name(name)
    if file_type is not None:
        writer.add_file_type(file_type)
    for key, value in dimensions.items():
        if isinstance(value, int):
            writer.add_uint32(f"{arch}.{key}", value)
        else:
            writer.add_array(f"{arch}.{key}", value)
    for key, text in (texts or {}).items():
        writer.add_string(key, text)
    if chat_template is not None:
        writer.add_chat_template(chat_template)
    writer.add_token_list([f"token {number}" for number in range(vocabulary)])
    for tensor, shape in (tensors or {"token_embd.weight": (vocabulary, 64)}).items():
        writer.add_tensor(tensor, np.zeros(shape, dtype=np.float32))
    _close(writer)
    return path


def write_shard(path: Path, number: int, count: int, tensors: Mapping[str, tuple[int, ...]]) -> Path:
    """A later shard: the split's keys and some tensors, no architecture of its own."""
    writer = gguf.GGUFWriter(path, "llama")
    del writer.kv_data[0]["general.architecture"]
    writer.add_uint16("split.no", number)
    writer.add_uint16("split.count", count)
    for tensor, shape in tensors.items():
        writer.add_tensor(tensor, np.zeros(shape, dtype=np.float32))
    _close(writer)
    return path


def write_safetensors(path: Path, tensors: Mapping[str, tuple[str, tuple[int, ...]]]) -> Path:
    """A safetensors file of zeros, its tensors given as (type, shape)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    widths = {"F32": 4, "U32": 4, "F16": 2, "BF16": 2}
    header: dict[str, Any] = {"__metadata__": {"format": "mlx"}}
    end = 0
    for name, (dtype, shape) in tensors.items():
        start, end = end, end + widths[dtype] * int(np.prod(shape))
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
    packed = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(packed)) + packed + bytes(end))
    return path


MLX_CONFIG: Mapping[str, Any] = {
    "model_type": "qwen2",
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 128,
    "max_position_embeddings": 32768,
    "vocab_size": 100,
    "quantization": {"group_size": 64, "bits": 4},
}
# One weight of 100 × 64 packed in four bits, eight to a word, a scale and a bias for each group of 64; one plain norm.
MLX_TENSORS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "model.embed_tokens.weight": ("U32", (100, 8)),
    "model.embed_tokens.scales": ("F16", (100, 1)),
    "model.embed_tokens.biases": ("F16", (100, 1)),
    "model.norm.weight": ("F16", (64,)),
}


def write_mlx(
    folder: Path,
    config: Mapping[str, Any] = MLX_CONFIG,
    tensors: Mapping[str, tuple[str, tuple[int, ...]]] = MLX_TENSORS,
    chat_template: str | None = None,
) -> Path:
    """An MLX folder with one weight file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if chat_template is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": chat_template}))
    write_safetensors(folder / "model.safetensors", tensors)
    return folder


def _close(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
