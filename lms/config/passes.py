"""How many tokens a pass through a model may take: what the engine allocates and the memory plan counts. Pure."""

from dataclasses import dataclass

from lms.config.load import DEFAULT_BATCH, DEFAULT_EMBED_BATCH, DEFAULT_PARALLEL, MOST_DRAFTED, LoadConfig

FINISHED_SLOTS = 32  # beside those of running sequences, for what finished ones leave in memory


@dataclass(frozen=True)
class PassSizes:
    """Tokens, each at most.

    `prompt_tokens` of prompts go into a pass and with them the next token of every answer, `batch_tokens` in all; of
    these, `micro_batch_tokens` are computed together. For `outputs` of them the pass computes logits, which need
    memory for the whole vocabulary each; 0 means for all.
    """

    prompt_tokens: int
    batch_tokens: int
    micro_batch_tokens: int
    outputs: int


def pass_sizes(config: LoadConfig, context_length: int, *, embedding: bool) -> PassSizes:
    """What `config` asks for, and for the rest what is sensible.

    A default micro batch holds a whole chunk of a prompt and the answers beside it: a few tokens too many would cost
    one more walk over all weights. There is room for one draft at least, as any request may name a draft model.
    """
    return _embedding(config, context_length) if embedding else _generating(config)


def _generating(config: LoadConfig) -> PassSizes:
    parallel = config.parallel or DEFAULT_PARALLEL
    prompts = config.batch_size or DEFAULT_BATCH
    speculates = config.speculation != "off" or config.draft_model is not None
    answers = parallel + MOST_DRAFTED * (parallel if speculates else 1)
    micro = config.micro_batch_size or min(prompts, DEFAULT_BATCH) + parallel
    slots = parallel + (FINISHED_SLOTS if config.unified_kv is not False else 0)
    outputs = max(answers, slots)  # llama.cpp keeps room for one of each slot
    return PassSizes(prompts, prompts + answers, min(micro, prompts + answers), outputs)


def _embedding(config: LoadConfig, context_length: int) -> PassSizes:
    """A text is never cut: pooling wants all of its tokens in one micro batch."""
    tokens = max(context_length, config.batch_size or DEFAULT_EMBED_BATCH)
    return PassSizes(tokens, tokens, tokens, 0)
