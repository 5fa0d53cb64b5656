"""What was asked for at a load and changes nothing there, in words. Pure."""

from lms.config.load import LoadConfig
from lms.config.passes import PassSizes

GENERATING_ONLY = ("parallel", "speculation", "prompt_cache_mb", "prompt_cache_disk_mb", "overflow")
UNASKED = LoadConfig()


def unused(config: LoadConfig, sizes: PassSizes, *, embedding: bool, gpus: int) -> tuple[str, ...]:
    """A sentence for each: nothing that somebody typed goes by in silence."""
    said = []
    if config.gpu_ratio and not gpus:
        said.append("llama.cpp finds no GPU here: all of the model is computed on the processor.")
    if embedding:
        asked = [name for name in GENERATING_ONLY if getattr(config, name) != getattr(UNASKED, name)]
        said += [f"An embedding model has no use for: {', '.join(asked)}."] if asked else []
    elif config.micro_batch_size and config.micro_batch_size > sizes.micro_batch_tokens:
        wanted, most = config.micro_batch_size, sizes.micro_batch_tokens
        said.append(f"The micro batch was lowered from {wanted} to {most} tokens: passes are no larger (batch_size).")
    return tuple(said)
