"""What one GGUF file tells about its model. Sources: ggml's `docs/gguf.md` for the keys; for what they mean in memory,
llama.cpp's `llama-hparams.cpp` and `llama-model.cpp` (`n_embd_r`, `n_embd_s`, `set_swa_pattern`).
"""

import re
from math import prod
from pathlib import Path

import msgspec

from lms.catalog import gguf
from lms.catalog.facts import EMBEDDING_ARCHS, Facts, Role, clean_name, damaged, mentions_tools
from lms.catalog.gguf import Header
from lms.catalog.model import Shape
from lms.catalog.quantization import quantization
from lms.catalog.reasoning import reasoning
from lms.catalog.vocabulary import fingerprint
from lms.errors import ModelDamaged

_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_SIZE_LABEL = re.compile(r"(\d{1,3}x)?\d{1,5}(\.\d+)?[KMBT](-A\d{1,4}(\.\d+)?[KMB])?", re.ASCII)

# One layer in so many sees the whole context, the others a window, where the header gives the window alone.
_FULL_LAYER_EVERY = {
    "gemma2": 2,
    "gemma3": 6,
    "gemma-embedding": 6,
    "gpt-oss": 2,
    "cohere2": 4,
    "exaone4": 4,
    "olmo2": 4,
}


def read(path: Path) -> Facts:
    """The facts of the file at `path`; a file that is no whole GGUF gives the reason. Raises OSError."""
    try:
        header = gguf.read(path)
    except ModelDamaged as error:
        return Facts(damaged=error.message)
    told, size_bytes = facts(header, _SHARD.sub("", path.stem)), path.stat().st_size
    told = msgspec.structs.replace(told, vocabulary=fingerprint(path, header))
    if size_bytes < header.needed_bytes:
        return damaged(told, f"The file is cut off: it has {size_bytes:,} of at least {header.needed_bytes:,} bytes.")
    return told


def facts(header: Header, stem: str) -> Facts:
    """The facts in `header` of a file whose name is `stem`, extension and shard number taken off."""
    arch = clean_name(header.text("general.architecture"))
    if arch is None and "split.no" not in header.metadata:
        return Facts(damaged="The header names no architecture.")
    template = header.text("tokenizer.chat_template")
    label = header.text("general.size_label") or ""
    return Facts(
        role=_role(header, arch),
        arch=arch,
        display_name=clean_name(header.text("general.name")),
        quantization=quantization(header, stem),
        params=sum(prod(tensor.shape) for tensor in header.tensors),
        size_label=label if _SIZE_LABEL.fullmatch(label) else None,
        max_context_length=header.integer(f"{arch}.context_length") or 0,
        embedding=arch in EMBEDDING_ARCHS or f"{arch}.pooling_type" in header.metadata,
        tool_use="tokenizer.chat_template.tool_use" in header.metadata or mentions_tools(template or ""),
        has_chat_template=bool(template),
        reasoning=reasoning(template or ""),
        shape=_shape(header, arch or ""),
    )


def _role(header: Header, arch: str | None) -> Role:
    kind = header.text("general.type") or "model"
    if arch == "clip" or kind == "mmproj":
        only_hears = header.metadata.get("clip.has_audio_encoder") and not header.metadata.get(
            "clip.has_vision_encoder"
        )
        return Role.OTHER if only_hears else Role.PROJECTOR
    return Role.MODEL if kind == "model" else Role.OTHER


def _shape(header: Header, arch: str) -> Shape:
    def number(key: str) -> int:
        return header.integer(f"{arch}.{key}") or 0

    n_layers, n_embd, n_head = number("block_count"), number("embedding_length"), number("attention.head_count")
    kv_heads = _kv_heads_per_layer(header, arch, n_layers, n_head)
    head_dim = n_embd // n_head if n_head else 0
    window = number("attention.sliding_window")
    sliding = _sliding_layers(header, arch, len(kv_heads)) if window else [False] * len(kv_heads)
    return Shape(
        n_layers=n_layers,
        n_embd=n_embd,
        n_ff=number("feed_forward_length") or number("expert_feed_forward_length"),
        n_head=n_head,
        n_head_kv=max(kv_heads, default=0),
        key_dim=number("attention.key_length") or head_dim,
        value_dim=_value_dim(header, arch, head_dim),
        vocab_size=number("vocab_size") or header.length("tokenizer.ggml.tokens") or 0,
        n_experts=number("expert_count"),
        n_experts_used=number("expert_used_count"),
        kv_heads=sum(kv_heads),
        sliding_kv_heads=sum(heads for heads, slides in zip(kv_heads, sliding, strict=True) if slides),
        sliding_window=window if any(sliding) else 0,
        recurrent_floats=_recurrent_floats(header, arch, kv_heads, n_embd),
    )


def _value_dim(header: Header, arch: str, head_dim: int) -> int:
    """With latent attention (MLA) llama.cpp reads the values out of the keys and stores none."""
    if f"{arch}.attention.key_length_mla" in header.metadata:
        return 0
    return header.integer(f"{arch}.attention.value_length") or head_dim


def _kv_heads_per_layer(header: Header, arch: str, n_layers: int, n_head: int) -> list[int]:
    """Key/value heads of each layer; none in the layers without attention of a hybrid model."""
    n_layers = min(n_layers, gguf.MAX_KEPT_ITEMS)
    per_layer = header.integers(f"{arch}.attention.head_count_kv")
    if per_layer is not None:
        return list(per_layer[:n_layers])
    stated = header.integer(f"{arch}.attention.head_count_kv")
    heads = n_head if stated is None else stated
    attention_every = header.integer(f"{arch}.full_attention_interval") or 1
    return [heads if (layer + 1) % attention_every == 0 else 0 for layer in range(n_layers)]


def _sliding_layers(header: Header, arch: str, n_layers: int) -> list[bool]:
    """Which layers see only the window. All count as seeing everything when the pattern is unknown: more memory."""
    key = f"{arch}.attention.sliding_window_pattern"
    per_layer = header.integers(key)
    if per_layer is not None and len(per_layer) >= n_layers:
        return [bool(slides) for slides in per_layer[:n_layers]]
    every = (header.integer(key) if per_layer is None else None) or _FULL_LAYER_EVERY.get(arch, 1)
    return [layer % every < every - 1 for layer in range(n_layers)]


def _recurrent_floats(header: Header, arch: str, kv_heads: list[int], n_embd: int) -> int:
    """Numbers that one sequence keeps in recurrent layers: `n_embd_r` + `n_embd_s` of each."""

    def number(key: str) -> int:
        return header.integer(f"{arch}.{key}") or 0

    inner, state, kernel = number("ssm.inner_size"), number("ssm.state_size"), number("ssm.conv_kernel")
    convolution = max(kernel - 1, 0) * (inner + 2 * number("ssm.group_count") * state)
    per_layer = convolution + state * inner
    if wkv_head := number("wkv.head_size"):
        per_layer = n_embd * (wkv_head + 2)
    layers_without_attention = kv_heads.count(0)
    return per_layer * (layers_without_attention or len(kv_heads))
