"""How a model is loaded. Every field has a meaning for both engines or says which one it is for."""

from typing import Annotated, Literal

import msgspec

KvCacheType = Literal["f16", "q8_0", "q4_0"]

DEFAULT_CONTEXT_LENGTH = 4096
DEFAULT_PARALLEL = 4
MOST_PARALLEL = 256  # sequences that llama.cpp keeps apart


class LoadConfig(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the user asked for. None means "choose": the engine reports what it chose when it is ready.

    context_length: tokens that one prompt and its answer may take (default: 4096, or the model's limit if less)
    parallel: sequences decoded at once; more requests queue (default 4)
    gpu_ratio: part of the layers to offload, 0 to 1 (default: all that llama.cpp can)
    """

    context_length: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    parallel: Annotated[int, msgspec.Meta(ge=1, le=MOST_PARALLEL)] | None = None
    gpu_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    threads: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=2**20)] | None = None
    kv_cache_type: KvCacheType = "f16"
