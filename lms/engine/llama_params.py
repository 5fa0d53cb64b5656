"""What is asked of llama.cpp: the load config in its words. Nothing is loaded here.

What a machine has no use for, such as how much goes to a GPU, is passed on all the same: llama.cpp ignores it there.
For values that are quantized it switches flash attention on by itself.

Why the defaults are what they are (measured: a 0.5B Q4_0 model, processor time of one thread, llama-cpp-python 0.3.36):

- A cache for each sequence where all of them are small (`catalog.estimate.is_split_cheap`), else one for all. On two
  quiet cores, against llama-server in the same run: eight answers to short prompts 0.93 and, shared, 0.76 times as
  fast; eight prompts with a common beginning 3.8 and 2.7 times. What finished sequences leave in a shared cache slows
  the others down, and attention without flash costs what the fullest part of it costs: a prompt's chunk of 256 tokens
  among 16384 used cells takes 13.8 s, 3.2 s with flash attention.
- No flash attention on a processor, where its table of scores is small (`config.passes.for_processor`): eight answers
  with a common beginning 3.8 times as fast as llama-server, with it 2.6. One short answer alone is faster with it (0.99
  and 0.84 times llama-server), as long as prompt and answer have less than some 250 tokens together.
- Batches no larger than 512: from 64 tokens on, a larger pass is no faster for each token (7.2 s for 1024 tokens in
  passes of 64 as of 1024).
- Numbers of 16 bits for keys and values: with q8_0, 2048 tokens are read in 29.9 s instead of 15.8 s, with
  q4_0 in 45 s.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import ctypes

import llama_cpp.llama_cpp as C

from lms.config.load import LoadConfig
from lms.config.passes import FINISHED_SLOTS, PassSizes
from lms.engine.processors import cores
from lms.engine.protocol import EngineSpec

ALL_LAYERS = 999
EMBED_SEQUENCES = 64
TINY_MODEL_PARAMETERS = 30_000_000
CACHE_TYPES = {"f16": C.GGML_TYPE_F16, "q8_0": C.GGML_TYPE_Q8_0, "q4_0": C.GGML_TYPE_Q4_0}
FLASH_ATTENTION = {
    None: C.LLAMA_FLASH_ATTN_TYPE_AUTO,
    False: C.LLAMA_FLASH_ATTN_TYPE_DISABLED,
    True: C.LLAMA_FLASH_ATTN_TYPE_ENABLED,
}
# By use_mmap and use_mlock. Left to itself, llama.cpp maps the file unless an accelerator in use cannot work with that.
LOAD_MODES = {
    (True, False): C.LLAMA_LOAD_MODE_AUTO,
    (True, True): C.LLAMA_LOAD_MODE_MMAP_MLOCK,
    (False, False): C.LLAMA_LOAD_MODE_NONE,
    (False, True): C.LLAMA_LOAD_MODE_MLOCK,
}


def model_params(spec: EngineSpec, *, special_buffers: bool) -> C.llama_model_params:
    """`special_buffers`: whether weights may be laid out anew for special instructions of the processor."""
    params: C.llama_model_params = C.llama_model_default_params()
    params.use_extra_bufts = special_buffers
    params.load_mode = LOAD_MODES[spec.config.use_mmap, spec.config.use_mlock]
    params.n_gpu_layers = _gpu_layers(spec)
    if spec.config.main_gpu is not None:
        params.split_mode, params.main_gpu = C.LLAMA_SPLIT_MODE_NONE, spec.config.main_gpu
    if spec.config.tensor_split:
        params.tensor_split = _shares(spec.config.tensor_split)
    if spec.config.num_experts:
        params.kv_overrides = _overrides(f"{spec.arch}.expert_used_count", spec.config.num_experts)
    return params


def _shares(shares: tuple[float, ...]) -> ctypes.Array[ctypes.c_float]:
    """One for each device that there can be: llama.cpp reads so many."""
    devices = max(int(C.llama_max_devices()), len(shares))
    return (ctypes.c_float * devices)(*shares)


def _overrides(key: str, number: int) -> ctypes.Array[C.llama_model_kv_override]:
    """What takes the place of one number in the file's header. The second one, which is empty, ends the list."""
    value = C.llama_model_kv_override_value(val_i64=number)
    override = C.llama_model_kv_override(C.LLAMA_KV_OVERRIDE_TYPE_INT, key.encode(), value)
    return (C.llama_model_kv_override * 2)(override)


def generating_params(
    config: LoadConfig, sizes: PassSizes, *, context_length: int, cells: int, parallel: int, keeps_finished: bool
) -> C.llama_context_params:
    """A context for `parallel` answers that share `cells` tokens of memory, or have `context_length` each.

    keeps_finished: shared memory has slots, too, for what finished answers leave there.
    """
    params = _context_params(config, sizes)
    params.kv_unified = config.unified_kv is not False
    if params.kv_unified:
        params.n_ctx = max(context_length, cells)
        params.n_seq_max = min(parallel + keeps_finished * FINISHED_SLOTS, C.llama_max_parallel_sequences())
    else:
        params.n_ctx = context_length * parallel
        params.n_seq_max = parallel
    params.n_outputs_max = sizes.outputs
    params.swa_full = True  # a window that has moved on could not be shared; the estimate counts with it
    return params


def embedding_params(config: LoadConfig, sizes: PassSizes, *, pooling: int) -> C.llama_context_params:
    """A context for texts. `pooling` is one of llama.cpp's.

    The cache of models that have one is always shared: in split ones llama.cpp pools texts of unequal lengths wrongly.
    """
    params = _context_params(config, sizes)
    params.kv_unified = True
    params.n_ctx = sizes.batch_tokens
    params.n_seq_max = EMBED_SEQUENCES
    params.embeddings = True
    params.n_outputs_max_per_seq = 0
    params.pooling_type = pooling
    return params


def threads(config: LoadConfig, parameters: int, *, embedding: bool = False) -> tuple[int, int]:
    """How many threads write answers, and how many read prompts, for a model of so many parameters.

    One for each physical core (why no more: `processors`), and one in all for a tiny model: its operations are shorter
    than threads need to meet. The bundled chat model, ms a token on two cores: 0.7 with one thread, 1.3 with two, or
    0.5 if these may spin, but then 13 beside other busy processes. One that embeds reads whole texts at a time.
    """
    chosen = 1 if parameters < TINY_MODEL_PARAMETERS and not embedding else cores()
    writing = config.threads or chosen
    return writing, config.batch_threads or config.threads or chosen


def _context_params(config: LoadConfig, sizes: PassSizes) -> C.llama_context_params:
    params: C.llama_context_params = C.llama_context_default_params()
    params.n_batch = sizes.batch_tokens
    params.n_ubatch = sizes.micro_batch_tokens
    params.flash_attn_type = FLASH_ATTENTION[config.flash_attention]
    params.type_k = CACHE_TYPES[config.k_cache_type]
    params.type_v = CACHE_TYPES[config.v_cache_type]
    params.offload_kqv = config.offload_kv_cache
    params.no_perf = True
    return params


def _gpu_layers(spec: EngineSpec) -> int:
    """All layers unless a ratio is given. The output layer counts as one more, as llama.cpp counts it."""
    ratio = spec.config.gpu_ratio
    return ALL_LAYERS if ratio is None or ratio == 1 else round(ratio * (spec.layers + 1))
