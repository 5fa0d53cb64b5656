"""What load options do to the memory plan, and what llama.cpp makes of them."""

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from lms.catalog.catalog import Catalog
from lms.config.load import LoadConfig
from lms.paths import bundled_models_dir
from lms.pool.known import Need
from lms.pool.rows import OnDisk
from tests.catalog.files import write_gguf
from tests.engine.test_llama_options import loaded

MIB = 1 << 20
DIMENSIONS = {
    "context_length": 32768,
    "embedding_length": 256,
    "block_count": 8,
    "feed_forward_length": 1024,
    "attention.head_count": 4,
    "attention.head_count_kv": 4,
}


@pytest.fixture
def models(tmp_path: Path) -> OnDisk:
    write_gguf(tmp_path / "pub" / "model" / "model.gguf", dimensions=DIMENSIONS, vocabulary=1000)
    return OnDisk(Catalog(tmp_path, bundled_models_dir()))


def need(models: OnDisk, config: LoadConfig, key: str = "model") -> Need:
    return models.need(models.resolve(key), config)


@pytest.mark.parametrize(
    ("config", "less"),
    [
        (LoadConfig(k_cache_type="q8_0"), "context_bytes"),
        (LoadConfig(v_cache_type="q4_0"), "context_bytes"),
        (LoadConfig(context_length=512), "context_bytes"),
        (LoadConfig(parallel=1), "context_bytes"),
        (LoadConfig(micro_batch_size=32), "compute_bytes"),
        (LoadConfig(batch_size=32), "compute_bytes"),
        (LoadConfig(prompt_cache_mb=0), "prompt_cache_bytes"),
    ],
)
def test_what_takes_less_is_counted_as_less(models: OnDisk, config: LoadConfig, less: str) -> None:
    frugal, usual = need(models, config), need(models, LoadConfig())
    assert getattr(frugal, less) < getattr(usual, less)
    assert frugal.total_bytes < usual.total_bytes


def test_what_somebody_has_just_put_there_is_listed(models: OnDisk, tmp_path: Path) -> None:
    before = len(models.all())
    write_gguf(tmp_path / "pub" / "new" / "new.gguf")
    assert len(models.all()) == before + 1


def test_all_variants_of_a_model_count_with_their_projector_once(models: OnDisk, tmp_path: Path) -> None:
    folder = tmp_path / "pub" / "see"
    files = [
        write_gguf(folder / "see-Q4_K_M.gguf"),
        write_gguf(folder / "see-Q8_0.gguf", file_type=7),
        write_gguf(folder / "mmproj-F16.gguf", "clip"),
    ]
    rows = {known.row.key: known.row for known in models.all()}
    assert rows["see"].disk_bytes == sum(file.stat().st_size for file in files)
    assert rows["model"].disk_bytes == rows["model"].size_bytes


def test_more_experts_take_more_to_compute(models: OnDisk, tmp_path: Path) -> None:
    experts = {**DIMENSIONS, "expert_count": 8, "expert_used_count": 2}
    write_gguf(tmp_path / "pub" / "mixture" / "mixture.gguf", dimensions=experts, vocabulary=1000)
    row = models.resolve("mixture").row
    assert (row.experts, row.experts_used) == (8, 2)
    two, eight = (need(models, LoadConfig(num_experts=number), "mixture") for number in (None, 8))
    assert two.compute_bytes < eight.compute_bytes
    assert need(models, LoadConfig(num_experts=2), "mixture") == two


@pytest.mark.parametrize(
    ("config", "more"),
    [
        (LoadConfig(flash_attention=False), "compute_bytes"),
        (LoadConfig(speculation="ngram", parallel=64), "compute_bytes"),
        (LoadConfig(batch_size=4096, micro_batch_size=4096), "compute_bytes"),
        (LoadConfig(prompt_cache_mb=4096), "prompt_cache_bytes"),
    ],
)
def test_what_takes_more_is_counted_as_more(models: OnDisk, config: LoadConfig, more: str) -> None:
    greedy, usual = need(models, config), need(models, LoadConfig(parallel=config.parallel))
    assert getattr(greedy, more) > getattr(usual, more)
    assert greedy.total_bytes > usual.total_bytes


def test_a_cache_for_each_sequence_is_planned_where_that_is_cheap(models: OnDisk) -> None:
    cheap, dear = need(models, LoadConfig()), need(models, LoadConfig(parallel=200, context_length=8192))
    assert (cheap.unified, dear.unified) == (False, True)
    assert need(models, LoadConfig(unified_kv=True)).unified


def test_split_caches_hold_a_context_each_and_share_nothing(models: OnDisk) -> None:
    split = need(models, LoadConfig(unified_kv=False, parallel=64, context_length=8192))
    shared = need(models, LoadConfig(unified_kv=True, parallel=64, context_length=8192))
    assert (split.cells, shared.cells >= 8192) == (0, True)
    assert split.context_bytes > shared.context_bytes


def test_without_being_asked_the_prompt_cache_is_as_large_as_the_model_at_most(models: OnDisk) -> None:
    small = need(models, LoadConfig())
    assert small.prompt_cache_bytes == small.weights_bytes + small.context_bytes
    large = need(models, LoadConfig(context_length=32768, parallel=8, unified_kv=False))
    assert large.prompt_cache_bytes == 512 * MIB


def test_an_asked_for_prompt_cache_is_counted_to_the_byte(models: OnDisk) -> None:
    assert need(models, LoadConfig(prompt_cache_mb=100)).prompt_cache_bytes == 100 * MIB


def test_an_embedding_model_has_no_prompt_cache(models: OnDisk) -> None:
    assert need(models, LoadConfig(prompt_cache_mb=100), "text-embedding-tiny").prompt_cache_bytes == 0


def test_what_goes_to_the_gpu_follows_the_ratio_and_the_cache_may_stay(models: OnDisk) -> None:
    whole, half = need(models, LoadConfig(gpu_ratio=1.0)), need(models, LoadConfig(gpu_ratio=0.5))
    kept = need(models, LoadConfig(gpu_ratio=1.0, offload_kv_cache=False))
    assert need(models, LoadConfig()).gpu_bytes == 0
    assert 0 < half.gpu_bytes < whole.gpu_bytes
    assert whole.gpu_bytes - kept.gpu_bytes == whole.context_bytes


@pytest.mark.parametrize(
    "config",
    [
        LoadConfig(),
        LoadConfig(context_length=256, parallel=2),
        LoadConfig(k_cache_type="q8_0", v_cache_type="q4_0"),
        LoadConfig(flash_attention=False),
        LoadConfig(unified_kv=False, parallel=2),
        LoadConfig(micro_batch_size=32, prompt_cache_mb=0),
    ],
    ids=["default", "short", "quantized", "no flash attention", "split", "small passes"],
)
def test_the_plan_is_what_llama_cpp_takes(models: OnDisk, tmp_path: Path, config: LoadConfig) -> None:
    planned = need(models, config, "tiny-chat")
    config = replace(config, unified_kv=planned.unified)
    with loaded(tmp_path, config, cells=planned.cells) as model:
        cache, compute, output = (_bytes(model.log, name) for name in ("KV", "compute", "output"))
    assert planned.context_bytes == pytest.approx(cache, abs=MIB / 100)
    assert planned.compute_bytes == pytest.approx(compute + output, rel=0.15, abs=MIB / 2)


def _bytes(log: str, name: str) -> float:
    """The sum of the buffers that llama.cpp calls so."""
    return MIB * sum(float(size) for size in re.findall(rf"{name} buffer size = +([\d.]+) MiB", log))
