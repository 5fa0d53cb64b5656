"""How much memory loading a model takes, from its header alone. Pure; all sizes in bytes.

Sources: the sizes follow llama.cpp's `llama-kv-cache.cpp`, `llama-kv-cache-iswa.cpp` (layers with a sliding window) and
`llama-memory-recurrent.cpp`. The compute buffer is the largest of three moments of one forward pass: attention, the
feed-forward layer (gated in decoders, plain in encoders), the logits. Fitted to what llama.cpp prints for 40 set-ups of
llama-, Qwen- and BERT-shaped models, which it meets within 0.94 and 1.25 times. A mixture of experts was not measured.
Not counted: the process itself, some 100 MB.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from lms.catalog.facts import EMBEDDING_ARCHS
from lms.catalog.ggml_types import TENSOR_TYPES
from lms.catalog.model import Format, Model, Shape

CELLS_ROUNDED_TO = 256
MICRO_BATCH_TOKENS = 512
CHEAP_CACHE_BYTES = 256 * 2**20
CHEAP_SPLIT_BYTES = 512 * 2**20
# For encoding a picture of 1024 × 1024 pixels, CLIP-L took 17 MiB, SigLIP 121, and Qwen2-VL's encoder 173.
ENCODER_BYTES = 192 * 2**20
_F16_BYTES, _F32_BYTES = 2, 4
_ELEMENT_BYTES = {form.name.lower(): Fraction(form.block_bytes, form.block) for form in TENSOR_TYPES.values()}


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How a model is to be loaded: what of the load settings memory depends on.

    `context_length` counts tokens per sequence. With `unified_cache` the `parallel` sequences share a cache of `cells`
    tokens (0: of one context), else each has a context of its own. `whole_windows` lets layers with a sliding window
    keep everything too: without the beginning of a text, it could not be shared. `gpu_ratio` is the share of layers
    on the accelerator, 0 to 1. Cache types are ggml's names. Of the tokens of a pass, `outputs` have logits (0: all).
    """

    context_length: int
    parallel: int = 4
    unified_cache: bool = True
    cells: int = 0
    whole_windows: bool = True
    gpu_ratio: float = 0.0
    key_type: str = "f16"
    value_type: str = "f16"
    flash_attention: bool = True
    cache_on_gpu: bool = True
    micro_batch_tokens: int = MICRO_BATCH_TOKENS
    outputs: int = 0

    @property
    def seen_tokens(self) -> int:
        """The cells that one stream of the cache has."""
        return _rounded(self.cells if self.unified_cache and self.cells else self.context_length)

    @property
    def all_tokens(self) -> int:
        """The cells of the whole cache."""
        return self.seen_tokens * (1 if self.unified_cache else self.parallel)


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes: `weights`, `cache` (keys and values, or recurrent state) and `compute` make up the total.

    The `gpu_` ones are the part of each on the accelerator. Confidence is low when the header leaves a dimension out or
    the engine is not llama.cpp.
    """

    weights_bytes: int
    cache_bytes: int
    compute_bytes: int
    gpu_weights_bytes: int
    gpu_cache_bytes: int
    gpu_compute_bytes: int
    confidence: Literal["high", "low"]

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.cache_bytes + self.compute_bytes

    @property
    def gpu_total_bytes(self) -> int:
        return self.gpu_weights_bytes + self.gpu_cache_bytes + self.gpu_compute_bytes


def estimate(model: Model, plan: LoadPlan) -> MemoryEstimate:
    """What `model` will need when it is loaded as in `plan`. Raises ValueError on a cache type that is none."""
    encoder = model.arch in EMBEDDING_ARCHS
    weights = model.size_bytes
    cache = 0 if encoder else cache_bytes(model.shape, plan)
    compute = compute_bytes(model.shape, plan, encoder=encoder) + (ENCODER_BYTES if model.projector else 0)
    share = min(max(plan.gpu_ratio, 0.0), 1.0)
    return MemoryEstimate(
        weights_bytes=weights,
        cache_bytes=cache,
        compute_bytes=compute,
        gpu_weights_bytes=round(weights * share),
        gpu_cache_bytes=round(cache * share) if plan.cache_on_gpu else 0,
        gpu_compute_bytes=compute if share else 0,
        confidence="high" if _is_complete(model, encoder) else "low",
    )


def cache_bytes(shape: Shape, plan: LoadPlan) -> int:
    """Keys and values of all sequences, and the state of recurrent layers (always f32).

    Per token and key/value head: `key_dim` and `value_dim` numbers. Layers with a sliding window keep that window for
    each sequence and one micro-batch, if that is less than the context and not wanted whole.
    """
    streams = 1 if plan.unified_cache else plan.parallel
    cells = plan.seen_tokens
    sequences_in_stream = plan.parallel if plan.unified_cache else 1
    window = _rounded(shape.sliding_window * sequences_in_stream + plan.micro_batch_tokens)
    sliding_heads = shape.sliding_kv_heads if shape.sliding_window and not plan.whole_windows else 0
    tokens_times_heads = cells * (shape.kv_heads - sliding_heads) + min(cells, window) * sliding_heads
    per_head = shape.key_dim * _element_bytes(plan.key_type) + shape.value_dim * _element_bytes(plan.value_type)
    recurrent = _F32_BYTES * shape.recurrent_floats * plan.parallel
    return int(streams * tokens_times_heads * per_head) + recurrent


def is_split_cheap(model: Model, plan: LoadPlan) -> bool:
    """Whether a cache for every sequence is worth its memory.

    In a shared one, attention passes over the cells of all sequences, those of finished ones too, if only to skip them.
    A model of 260,000 parameters wrote 16 answers at 640 to 1,100 tokens a second with a shared cache, and at 2,200 to
    2,700 with a split one; the next tokens of eight answers of 700 tokens take a 0.5B model 144 ms with a split cache,
    215 with a shared one, 294 with a shared one and flash attention. In a large model there is more other work, and
    memory is dear. Sliding windows stay shared: only there can sequences have a part of one in common.
    """
    split = replace(plan, unified_cache=False, cells=0)
    return not model.shape.sliding_window and cache_bytes(model.shape, split) <= CHEAP_SPLIT_BYTES


def shared_cells(shape: Shape, plan: LoadPlan) -> int:
    """How many tokens the cache that all sequences share should hold.

    One context at least, which is what the user asked memory for. A context for every sequence where that is cheap
    (`CHEAP_CACHE_BYTES`): small models then never make one answer wait for the memory of another.
    """
    one = replace(plan, unified_cache=True, cells=0)
    contexts = min(plan.parallel, CHEAP_CACHE_BYTES // max(cache_bytes(shape, one), 1))
    return plan.context_length * max(contexts, 1)


def compute_bytes(shape: Shape, plan: LoadPlan, *, encoder: bool = False) -> int:
    """The scratch memory of one forward pass over one micro-batch, and the logits that it leaves behind.

    An encoder takes a whole text at once.
    """
    tokens = plan.context_length if encoder else min(plan.micro_batch_tokens, plan.all_tokens)
    seen = tokens if encoder else plan.seen_tokens
    hidden = _F32_BYTES * shape.n_embd * tokens
    mask = seen * tokens * (_F16_BYTES if plan.flash_attention else _F32_BYTES)
    scores = 0 if plan.flash_attention else _F32_BYTES * shape.n_head * seen * tokens
    feed_forward = _F32_BYTES * shape.n_ff * max(shape.n_experts_used, 1) * tokens * (1 if encoder else 3)
    logits = 0 if encoder else _F32_BYTES * shape.vocab_size * min(plan.outputs or tokens, tokens)
    left = _F32_BYTES * shape.vocab_size * plan.outputs
    return max(scores + mask + 8 * hidden, feed_forward + mask + 3 * hidden, logits + 3 * hidden) + left


def _is_complete(model: Model, encoder: bool) -> bool:
    shape = model.shape
    dimensions = shape.n_layers, shape.n_embd, shape.vocab_size, encoder or shape.kv_heads or shape.recurrent_floats
    return model.format is Format.GGUF and not model.damaged and all(dimensions)


def _element_bytes(cache_type: str) -> Fraction:
    size = _ELEMENT_BYTES.get(cache_type.lower())
    if size is None:
        raise ValueError(f"“{cache_type}” is no cache type.")
    return size


def _rounded(cells: int) -> int:
    return -(-cells // CELLS_ROUNDED_TO) * CELLS_ROUNDED_TO
