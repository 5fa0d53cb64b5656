"""Projectors for tests, tiny and with random weights: what they make of a picture means nothing, and differs with it.

Keys and names of tensors: llama.cpp's tools/mtmd/clip-impl.h.
"""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from PIL import Image

from lms.generation.messages import Image as Sent

WIDTH, INNER, LAYERS, HEADS = 32, 48, 2, 2

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def plain(path: Path, width: int) -> Path:
    """As LLaVA 1.5 has it: 16 tokens for any picture, for a model of that width."""
    return _write(path, "mlp", width, _vit(28, 7), _mlp(width), image_size=28, patch_size=7)


def tiled(path: Path, width: int) -> Path:
    """As LLaVA 1.6 has it: 16 tokens for the whole, and 16 for each tile of it, with nothing between."""
    fields = {"image_grid_pinpoints": [56, 28, 28, 56, 56, 56]}
    return _write(path, "mlp", width, _vit(28, 7), _mlp(width), image_size=28, patch_size=7, **fields)


def whole(path: Path, width: int) -> Path:
    """As Gemma 3 has it: 16 tokens, each of which the model sees beside all others of its picture."""
    shapes = [("mm.input_projection.weight", (WIDTH, width)), ("mm.soft_emb_norm.weight", (WIDTH,))]
    shapes += [("v.post_ln.weight", (WIDTH,)), ("v.post_ln.bias", (WIDTH,))]
    fields = {"projector.scale_factor": 2}
    return _write(path, "gemma3", width, _vit(56, 7), iter(shapes), image_size=56, patch_size=7, **fields)


def rows(path: Path, width: int) -> Path:
    """As Qwen2-VL has it: a token for 28 × 28 pixels, and positions by rows and columns."""
    shapes = [shape for shape in _vit(0, 14) if "position" not in shape[0]]
    shapes += [("v.patch_embd.weight.1", (WIDTH, 3, 14, 14))]
    shapes += [("v.post_ln.weight", (WIDTH,)), ("v.post_ln.bias", (WIDTH,))]
    return _write(path, "qwen2vl_merger", width, iter(shapes), _mlp(width, 4 * WIDTH), image_size=56, patch_size=14)


def marked(path: Path, width: int) -> Path:
    """As Idefics 3 has it: tiles, each with tokens of its own around it, which few vocabularies have."""
    shapes = [("mm.model.fc.weight", (width, 4 * WIDTH)), ("v.post_ln.weight", (WIDTH,)), ("v.post_ln.bias", (WIDTH,))]
    fields = {"projector.scale_factor": 2, "preproc_image_size": 112}
    return _write(path, "idefics3", width, _vit(56, 7), iter(shapes), image_size=56, patch_size=7, **fields)


PROJECTORS: dict[str, Callable[[Path, int], Path]] = {"plain": plain, "tiled": tiled, "whole": whole}


def picture(colour: str, size: tuple[int, int] = (64, 48), kind: str = "PNG", **options: Any) -> bytes:
    """A picture's file: stripes of that colour."""
    image = Image.new("RGB", size, "white")
    image.paste(colour, (0, 0, size[0] // 3, size[1] // 2))
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def sent(colour: str, size: tuple[int, int] = (64, 48)) -> Sent:
    return Sent(picture(colour, size))


def _vit(image_size: int, patch: int) -> Shapes:
    yield "v.patch_embd.weight", (WIDTH, 3, patch, patch)
    yield "v.position_embd.weight", ((image_size // patch) ** 2 or 1, WIDTH)
    for layer in range(LAYERS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            yield f"v.blk.{layer}.{name}.weight", (WIDTH, WIDTH)
            yield f"v.blk.{layer}.{name}.bias", (WIDTH,)
        for name in ("ln1", "ln2"):
            yield f"v.blk.{layer}.{name}.weight", (WIDTH,)
            yield f"v.blk.{layer}.{name}.bias", (WIDTH,)
        yield f"v.blk.{layer}.ffn_up.weight", (INNER, WIDTH)
        yield f"v.blk.{layer}.ffn_up.bias", (INNER,)
        yield f"v.blk.{layer}.ffn_down.weight", (WIDTH, INNER)
        yield f"v.blk.{layer}.ffn_down.bias", (WIDTH,)


def _mlp(width: int, inner: int = WIDTH) -> Shapes:
    yield "mm.0.weight", (inner, inner)
    yield "mm.0.bias", (inner,)
    yield "mm.2.weight", (width, inner)
    yield "mm.2.bias", (width,)


def _write(path: Path, kind: str, width: int, encoder: Shapes, projector: Shapes, **fields: Any) -> Path:
    random = np.random.default_rng(11)
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.use_gelu", True)
    writer.add_string("clip.projector_type", kind)
    numbers = {
        "embedding_length": WIDTH,
        "feed_forward_length": INNER,
        "block_count": LAYERS,
        "projection_dim": width,
        "attention.head_count": HEADS,
        **fields,
    }
    for name, value in numbers.items():
        add = writer.add_array if isinstance(value, list) else writer.add_uint32
        add(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    writer.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    writer.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    for name, shape in (*encoder, *projector):
        writer.add_tensor(name, _weights(random, name, shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(random: np.random.Generator, name: str, shape: tuple[int, ...]) -> "np.ndarray[Any, Any]":
    """No bias is so large that all pictures would look like it."""
    if name.endswith(".bias"):
        return random.uniform(-0.1, 0.1, shape).astype(np.float32)
    if len(shape) == 1:
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    return (random.standard_normal(shape) * 2 / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
