"""How a model is loaded. Every field has a meaning for both engines or says which one it is for."""

from typing import Annotated, Literal

import msgspec

from lms.config.bounds import (
    MOST_BATCH,
    MOST_DEVICES,
    MOST_LORAS,
    MOST_PARALLEL,
    MOST_PROMPT_CACHE_MB,
    MOST_TEMPLATE,
    MOST_THREADS,
)

KvCacheType = Literal["f16", "q8_0", "q4_0"]
Speculation = Literal["off", "ngram"]
# As `lms.generation.request.Overflow`, which a package of the same layer cannot import.
Overflow = Literal["refuse", "stopAtLimit", "truncateMiddle", "rollingWindow"]

DEFAULT_CONTEXT_LENGTH = 4096
DEFAULT_PARALLEL = 4
DEFAULT_BATCH = 512
DEFAULT_EMBED_BATCH = 2048
DEFAULT_PROMPT_CACHE_MB = 512
MOST_DRAFTED = 16  # tokens guessed ahead for one answer

Tokens = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Threads = Annotated[int, msgspec.Meta(ge=1, le=MOST_THREADS)]
Experts = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
BatchTokens = Annotated[int, msgspec.Meta(ge=1, le=MOST_BATCH)]
DeviceNumber = Annotated[int, msgspec.Meta(ge=0, le=MOST_DEVICES - 1)]
DeviceShares = Annotated[
    tuple[Annotated[float, msgspec.Meta(ge=0, le=1e6)], ...], msgspec.Meta(max_length=MOST_DEVICES)
]
Mebibytes = Annotated[int, msgspec.Meta(ge=0, le=MOST_PROMPT_CACHE_MB)]


class Lora(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A GGUF file with what was trained on top of a model, and how strongly that counts. `path` is absolute."""

    path: Annotated[str, msgspec.Meta(min_length=1, pattern="^/")]
    scale: Annotated[float, msgspec.Meta(ge=-100, le=100)] = 1.0


class LoadConfig(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the user asked for. None means "choose": the engine reports what it chose when it is ready.

    context_length: tokens that one prompt and its answer may take (default: 4096, or the model's limit if less)
    parallel: sequences decoded at once; more requests queue (default 4)
    gpu_ratio: part of the layers to offload, 0 to 1 (default: all that llama.cpp can)
    threads: processor threads that compute while answers are written (default: one for each physical core)
    batch_threads: the same while prompts are read (default: as `threads`)
    batch_size: prompt tokens in one pass, at most (default 512); passes are shorter where they would take too long
    micro_batch_size: tokens that are computed together, at most; memory grows with it (default: `batch_size`, at most
        512, or 128 without flash attention, and the answers); embedding models take whole texts
    k_cache_type, v_cache_type: the numbers that keys and values are kept as; values other than f16 need flash attention
    flash_attention: attention without a table of all scores in memory (default: where llama.cpp can, but on a processor
        only where that table would be large)
    num_experts: how many of its experts a mixture of experts asks for each token (default: as the model says)
    unified_kv: one memory shared by all sequences, or one for each (default: one for each where that is cheap)
    offload_kv_cache: keep keys and values of offloaded layers on the GPU too
    use_mmap: map the model file instead of reading it
    use_mlock: keep the model in memory, whatever else wants that
    speculation: guess tokens ahead and check several in one pass: by what the text itself repeats (`ngram`)
    draft_model: key of a small model with the same vocabulary, loaded too, that guesses for every request; requests
        may name one without this
    prompt_cache_mb: MiB of memory for finished prompts that the model's own memory has no room for; 0 keeps none
        (default: as much as model and context take, at most 512)
    prompt_cache_disk_mb: MiB of disk for those that have no room there either; they outlive the model. 0 keeps none
    overflow: what becomes of conversations longer than the context, unless the request says: nothing is left out
        (`refuse` and LM Studio's `stopAtLimit`), or the middle (`truncateMiddle`), or the oldest (`rollingWindow`)
    main_gpu: number of the GPU that the whole model goes to (default: all of them)
    tensor_split: shares of the model for each GPU, in any unit: `3, 1` puts three quarters on the first
    lora: adapters, in effect for every request
    chat_template: the text of a Jinja template that takes the place of the model's own

    Raises ValueError (when decoded: msgspec.ValidationError) for settings that exclude each other.
    """

    context_length: Tokens | None = None
    parallel: Annotated[int, msgspec.Meta(ge=1, le=MOST_PARALLEL)] | None = None
    gpu_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    threads: Threads | None = None
    batch_threads: Threads | None = None
    batch_size: BatchTokens | None = None
    micro_batch_size: BatchTokens | None = None
    k_cache_type: KvCacheType = "f16"
    v_cache_type: KvCacheType = "f16"
    flash_attention: bool | None = None
    num_experts: Experts | None = None
    unified_kv: bool | None = None
    offload_kv_cache: bool = True
    use_mmap: bool = True
    use_mlock: bool = False
    speculation: Speculation = "off"
    draft_model: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    prompt_cache_mb: Mebibytes | None = None
    prompt_cache_disk_mb: Mebibytes = 0
    overflow: Overflow = "refuse"
    main_gpu: DeviceNumber | None = None
    tensor_split: DeviceShares = ()
    lora: Annotated[tuple[Lora, ...], msgspec.Meta(max_length=MOST_LORAS)] = ()
    chat_template: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_TEMPLATE)] | None = None

    def __post_init__(self) -> None:
        if self.flash_attention is False and self.v_cache_type != "f16":
            raise ValueError(f"Values kept as {self.v_cache_type} need flash attention, which is switched off")
        if self.batch_size and self.micro_batch_size and self.micro_batch_size > self.batch_size:
            raise ValueError(f"A micro batch of {self.micro_batch_size} is larger than a batch of {self.batch_size}")
        if self.tensor_split and self.main_gpu is not None:
            raise ValueError("A model that is split over several GPUs has no main GPU")
        if self.tensor_split and not any(self.tensor_split):
            raise ValueError("A split of the model gives every GPU nothing")
