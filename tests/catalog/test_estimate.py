from dataclasses import replace
from pathlib import Path

import pytest

from lms.catalog.catalog import scan
from lms.catalog.estimate import ENCODER_BYTES, LoadPlan, cache_bytes, compute_bytes, estimate, shared_cells
from lms.catalog.model import Model, Shape

from .files import LLAMA, write_gguf, write_mlx

MIB = 1 << 20

FED = Shape(
    n_layers=2, n_embd=256, n_ff=8192, n_head=4, n_head_kv=2, key_dim=64, value_dim=64, vocab_size=1_000, kv_heads=4
)
SMALL = Shape(
    n_layers=2, n_embd=256, n_ff=512, n_head=4, n_head_kv=2, key_dim=64, value_dim=64, vocab_size=1_000, kv_heads=4
)
WIDE = Shape(
    n_layers=2, n_embd=1024, n_ff=2816, n_head=16, n_head_kv=4, key_dim=64, value_dim=64, vocab_size=32_000, kv_heads=8
)
WORDY = Shape(
    n_layers=4, n_embd=512, n_ff=1024, n_head=8, n_head_kv=8, key_dim=64, value_dim=64, vocab_size=150_000, kv_heads=32
)

# What llama.cpp printed when it loaded models of these shapes: context (per sequence), micro-batch, parallel, unified,
# flash attention, MiB of its KV buffer and of its compute buffer.
MEASURED = [
    (SMALL, 2048, 512, 1, True, False, 2, 23.0),
    (SMALL, 2048, 512, 1, True, True, 2, 6.0),
    (SMALL, 16384, 512, 4, True, False, 16, 163.0),
    (SMALL, 4096, 512, 4, False, False, 16, 43.0),
    (SMALL, 16384, 512, 4, True, True, 16, 20.0),
    (SMALL, 8192, 128, 4, True, True, 8, 3.0),
    (SMALL, 8192, 128, 4, True, False, 8, 20.75),
    (WIDE, 2048, 512, 1, True, False, 4, 79.0),
    (WIDE, 2048, 512, 1, True, True, 4, 66.5),
    (WIDE, 16384, 512, 4, True, False, 32, 555.0),
    (WIDE, 4096, 512, 4, False, False, 32, 147.0),
    (WIDE, 16384, 512, 4, True, True, 32, 66.5),
    (WIDE, 8192, 128, 4, True, True, 16, 16.6),
    (WIDE, 8192, 128, 4, True, False, 16, 70.75),
    (WORDY, 2048, 512, 1, True, False, 16, 296.0),
    (WORDY, 2048, 512, 1, True, True, 16, 300.0),
    (WORDY, 16384, 512, 4, True, False, 128, 296.0),
    (WORDY, 4096, 512, 4, False, False, 128, 296.0),
    (WORDY, 16384, 512, 4, True, True, 128, 295.0),
    (WORDY, 8192, 128, 4, True, True, 64, 75.5),
    (WORDY, 8192, 128, 4, True, False, 64, 74.0),
    (FED, 512, 512, 1, True, True, 0.5, 50.5),
]

# The same for a model in the shape of Qwen2 0.5B, in which few tokens of a pass have logits: cells of a unified cache,
# micro-batch, outputs, flash attention, cache type, MiB of the cache, and of the compute and the output buffer.
QWEN = Shape(
    n_layers=24,
    n_embd=896,
    n_ff=4864,
    n_head=14,
    n_head_kv=2,
    key_dim=64,
    value_dim=64,
    vocab_size=151_936,
    kv_heads=48,
)
MEASURED_OUTPUTS = [
    (16384, 516, 36, True, "f16", 192.0, 75.2),
    (20480, 520, 40, True, "f16", 240.0, 79.6),
    (16384, 516, 36, False, "f16", 192.0, 536.9),
    (16384, 128, 36, True, "f16", 192.0, 42.4),
    (16384, 2048, 36, True, "f16", 192.0, 227.3),
    (16384, 516, 36, True, "q8_0", 102.0, 73.4),
    (16384, 516, 36, True, "q4_0", 54.0, 73.4),
]

# The same for encoders, which take a text at once: the shape, context, flash attention, MiB of the compute buffer.
MEASURED_ENCODERS = [
    (Shape(n_embd=384, n_ff=1536, n_head=12, vocab_size=30_000), 512, False, 17.5),
    (Shape(n_embd=384, n_ff=1536, n_head=12, vocab_size=30_000), 512, True, 5.76),
    (Shape(n_embd=768, n_ff=3072, n_head=12, vocab_size=30_000), 512, False, 22.0),
    (Shape(n_embd=768, n_ff=3072, n_head=12, vocab_size=30_000), 512, True, 11.0),
    (Shape(n_embd=768, n_ff=3072, n_head=12, vocab_size=30_000), 2048, False, 244.0),
    (Shape(n_embd=768, n_ff=3072, n_head=12, vocab_size=30_000), 2048, True, 50.0),
    (Shape(n_embd=64, n_ff=256, n_head=2, vocab_size=1_000), 2048, False, 51.0),
    (Shape(n_embd=64, n_ff=256, n_head=2, vocab_size=1_000), 2048, True, 11.5),
]


@pytest.mark.parametrize(
    ("shape", "context", "batch", "parallel", "unified", "flash", "kv_mib", "compute_mib"), MEASURED
)
def test_the_estimate_is_near_what_llama_cpp_takes(
    shape: Shape, context: int, batch: int, parallel: int, unified: bool, flash: bool, kv_mib: float, compute_mib: float
) -> None:
    plan = LoadPlan(context, parallel=parallel, unified_cache=unified, flash_attention=flash, micro_batch_tokens=batch)
    assert cache_bytes(shape, plan) == kv_mib * MIB
    assert 0.95 < compute_bytes(shape, plan) / (compute_mib * MIB) < 1.1


@pytest.mark.parametrize(
    ("cells", "batch", "outputs", "flash", "cache_type", "kv_mib", "compute_mib"), MEASURED_OUTPUTS
)
def test_the_estimate_counts_logits_only_for_tokens_that_have_some(
    cells: int, batch: int, outputs: int, flash: bool, cache_type: str, kv_mib: float, compute_mib: float
) -> None:
    plan = LoadPlan(
        4096,
        cells=cells,
        flash_attention=flash,
        micro_batch_tokens=batch,
        outputs=outputs,
        key_type=cache_type,
        value_type=cache_type,
    )
    assert cache_bytes(QWEN, plan) == kv_mib * MIB
    assert 0.94 < compute_bytes(QWEN, plan) / (compute_mib * MIB) < 1.1


@pytest.mark.parametrize(("shape", "context", "flash", "compute_mib"), MEASURED_ENCODERS)
def test_the_estimate_of_an_encoder_is_near_what_llama_cpp_takes(
    shape: Shape, context: int, flash: bool, compute_mib: float
) -> None:
    found = compute_bytes(shape, LoadPlan(context, flash_attention=flash), encoder=True)
    assert 0.95 < found / (compute_mib * MIB) < 1.25


def test_quantized_keys_and_values_take_their_block_size() -> None:
    f16 = cache_bytes(WIDE, LoadPlan(4096))
    assert cache_bytes(WIDE, LoadPlan(4096, key_type="q8_0", value_type="q8_0")) == f16 * 34 // 64
    assert cache_bytes(WIDE, LoadPlan(4096, key_type="f32", value_type="f32")) == f16 * 2


def test_layers_with_a_window_keep_only_the_window() -> None:
    sliding = Shape(kv_heads=12, sliding_kv_heads=10, sliding_window=1024, key_dim=64, value_dim=64)
    token_bytes = 128 * 2
    cut = LoadPlan(32768, parallel=1, whole_windows=False)
    assert cache_bytes(sliding, cut) == (32768 * 2 + 1536 * 10) * token_bytes
    assert cache_bytes(sliding, replace(cut, context_length=512)) == 512 * 12 * token_bytes
    assert cache_bytes(sliding, replace(cut, whole_windows=True)) == 32768 * 12 * token_bytes


def test_recurrent_state_grows_with_sequences_and_not_with_context() -> None:
    recurrent = Shape(recurrent_floats=1000)
    assert (
        cache_bytes(recurrent, LoadPlan(2048, parallel=3))
        == cache_bytes(recurrent, LoadPlan(99999, parallel=3))
        == 12000
    )


def test_a_cache_type_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="q9_9"):
        cache_bytes(WIDE, LoadPlan(2048, key_type="q9_9"))


def listed(models: Path) -> Model:
    (model,) = scan(models)
    return model


def test_the_total_is_the_sum_and_the_gpus_part_follows_the_ratio(tmp_path: Path) -> None:
    write_gguf(tmp_path / "pub" / "foo" / "foo.gguf")
    half = estimate(listed(tmp_path), LoadPlan(2048, gpu_ratio=0.5))
    assert half.total_bytes == half.weights_bytes + half.cache_bytes + half.compute_bytes
    assert half.gpu_total_bytes == half.weights_bytes // 2 + half.cache_bytes // 2 + half.compute_bytes
    assert estimate(listed(tmp_path), LoadPlan(2048)).gpu_total_bytes == 0
    assert half.confidence == "high"


def test_a_projector_takes_its_weights_and_what_encoding_takes(tmp_path: Path) -> None:
    blind = write_gguf(tmp_path / "pub" / "model" / "model.gguf")
    before = estimate(listed(tmp_path), LoadPlan(4096))
    projector = write_gguf(blind.with_name("mmproj.gguf"), "clip")
    after = estimate(listed(tmp_path), LoadPlan(4096))
    assert after.weights_bytes - before.weights_bytes == projector.stat().st_size
    assert after.compute_bytes - before.compute_bytes == ENCODER_BYTES


def test_an_encoder_has_no_cache(tmp_path: Path) -> None:
    write_gguf(tmp_path / "pub" / "foo" / "foo.gguf", "bert", dimensions=LLAMA)
    found = estimate(listed(tmp_path), LoadPlan(512))
    assert (found.cache_bytes, found.confidence) == (0, "high")
    assert found.compute_bytes > 0


def test_what_the_header_leaves_out_or_another_engine_loads_is_less_certain(tmp_path: Path) -> None:
    write_gguf(tmp_path / "a" / "pub" / "foo" / "foo.gguf", dimensions={"block_count": 2})
    write_mlx(tmp_path / "b" / "pub" / "foo")
    assert estimate(listed(tmp_path / "a"), LoadPlan(512)).confidence == "low"
    assert estimate(listed(tmp_path / "b"), LoadPlan(512)).confidence == "low"


def test_a_small_cache_holds_a_context_for_every_sequence_and_a_large_one_a_single_context() -> None:
    cheap = LoadPlan(2048, parallel=4)
    assert shared_cells(WIDE, cheap) == 4 * 2048
    assert shared_cells(WORDY, LoadPlan(131_072, parallel=4)) == 131_072
    assert shared_cells(Shape(), cheap) == 4 * 2048


def test_more_cells_take_more_memory() -> None:
    assert cache_bytes(WIDE, LoadPlan(2048, cells=8192)) == 4 * cache_bytes(WIDE, LoadPlan(2048))
