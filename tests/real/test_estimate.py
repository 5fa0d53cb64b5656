"""The memory estimate beside what engines really take: models of some 100 MB, made here of random weights, and the
bundled one, of which the engine itself is the most.
"""

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
import psutil
import pytest
from msgspec.structs import replace

from lms.catalog.catalog import Catalog
from lms.config.load import LoadConfig
from lms.engine.protocol import EngineSpec
from lms.generation.request import GenerateRequest, Sampling, TokenPrompt
from lms.paths import bundled_models_dir
from lms.pool.rows import OnDisk
from tests.engine.processes import bundled, started

GREEDY = Sampling(temperature=0.0)


@dataclass(frozen=True)
class Build:
    """A Llama-shaped model, in F16, with the vocabulary of the bundled one."""

    layers: int
    embedding: int
    heads: int
    kv_heads: int
    feed_forward: int


WIDE = Build(layers=4, embedding=1024, heads=16, kv_heads=16, feed_forward=4096)
DEEP = Build(layers=16, embedding=512, heads=8, kv_heads=2, feed_forward=1536)


def made(build: Build, path: Path) -> Path:
    """The file. Its weights are one random block again and again: nobody reads what it says."""
    source = gguf.GGUFReader(bundled("tiny-chat"))
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(path, "llama")
    for name, field in source.fields.items():
        if name.startswith("tokenizer.ggml.") and not name.endswith("chat_template"):
            writer.add_key_value(
                name, field.contents(), field.types[0], field.types[-1] if len(field.types) > 1 else None
            )
    writer.add_block_count(build.layers)
    writer.add_context_length(16384)
    writer.add_embedding_length(build.embedding)
    writer.add_feed_forward_length(build.feed_forward)
    writer.add_head_count(build.heads)
    writer.add_head_count_kv(build.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    random = np.random.default_rng(1)
    for name, shape in _tensors(build, len(source.fields["tokenizer.ggml.tokens"].contents())):
        if len(shape) == 1:
            writer.add_tensor(name, np.ones(shape, np.float32))
        else:
            writer.add_tensor(name, np.resize(random.normal(0, 0.02, 65521).astype(np.float16), shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(build: Build, words: int) -> list[tuple[str, tuple[int, ...]]]:
    wide, narrow = build.embedding, build.embedding // build.heads * build.kv_heads
    inside = build.feed_forward
    tensors: list[tuple[str, tuple[int, ...]]] = [
        ("token_embd.weight", (words, wide)),
        ("output_norm.weight", (wide,)),
        ("output.weight", (words, wide)),
    ]
    for layer in range(build.layers):
        block = f"blk.{layer}."
        tensors += [
            (block + "attn_norm.weight", (wide,)),
            (block + "attn_q.weight", (wide, wide)),
            (block + "attn_k.weight", (narrow, wide)),
            (block + "attn_v.weight", (narrow, wide)),
            (block + "attn_output.weight", (wide, wide)),
            (block + "ffn_norm.weight", (wide,)),
            (block + "ffn_gate.weight", (inside, wide)),
            (block + "ffn_up.weight", (inside, wide)),
            (block + "ffn_down.weight", (wide, inside)),
        ]
    return tensors


@dataclass(frozen=True)
class Weighed:
    estimated_bytes: int
    measured_bytes: int


def weigh(folder: Path, models: Path, key: str, config: LoadConfig) -> Weighed:
    """An engine that has read a prompt as long as its context, and written two tokens: scratch memory and caches count
    as soon as they are used.

    The file is read, not mapped. Where llama.cpp lays weights out anew for the processor (repacked, AMX), the pages of
    a mapped file stay in memory beside them for a while, which the system may take back at any time.
    """
    on_disk = OnDisk(Catalog(models, bundled_models_dir()))
    known = on_disk.resolve(key)
    need = on_disk.need(known, config)
    config = replace(config, unified_kv=need.unified, use_mmap=False)
    spec = EngineSpec("llama", str(known.file), key, key, str(folder / "e.sock"), config, cells=need.cells)
    words = tuple(100 + number % 300 for number in range(need.context_length - 8))
    request = GenerateRequest(TokenPrompt(words), GREEDY, max_tokens=2)
    with started(spec) as engine:
        engine.wait_ready()
        engine.ask(request)
        measured = psutil.Process(engine.process.pid).memory_info().rss
    return Weighed(need.total_bytes - need.prompt_cache_bytes, measured)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with both of them."""
    folder = tmp_path_factory.mktemp("models")
    for name, build in {"wide": WIDE, "deep": DEEP}.items():
        made(build, folder / "made" / name / f"{name}-F16.gguf")
    return folder


@pytest.mark.parametrize(
    ("key", "config"),
    [
        ("tiny-chat", LoadConfig(context_length=1024)),
        ("wide", LoadConfig(context_length=512)),
        ("deep", LoadConfig(context_length=1024)),
        ("wide", LoadConfig(context_length=1024, parallel=8, k_cache_type="q8_0", v_cache_type="q8_0")),
        ("deep", LoadConfig(context_length=2048, parallel=1, flash_attention=True)),
    ],
    ids=["tiny", "wide", "deep", "quantized", "flash"],
)
def test_the_estimate_is_within_a_tenth_of_what_an_engine_takes(
    models: Path, tmp_path: Path, key: str, config: LoadConfig
) -> None:
    weighed = weigh(tmp_path, models, key, config)
    assert weighed.estimated_bytes == pytest.approx(weighed.measured_bytes, rel=0.1)
