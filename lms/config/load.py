"""How a model is loaded. Every field has a meaning for both engines or says which one it is for."""

from typing import Literal

import msgspec

KvCacheType = Literal["f16", "q8_0", "q4_0"]

DEFAULT_CONTEXT_LENGTH = 4096
DEFAULT_PARALLEL = 4


class LoadConfig(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the user asked for. None means "choose": the engine reports what it chose when it is ready.

    context_length: tokens that one prompt and its answer may take (default: 4096, or the model's limit if less)
    parallel: sequences decoded at once; more requests queue (default 4)
    gpu_ratio: part of the layers to offload, 0 to 1 (default: all that llama.cpp can)
    """

    context_length: int | None = None
    parallel: int | None = None
    gpu_ratio: float | None = None
    threads: int | None = None
    batch_size: int | None = None
    kv_cache_type: KvCacheType = "f16"
