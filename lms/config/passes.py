"""How many tokens a pass through a model may take: what the engine allocates and the memory plan counts. Pure."""

from dataclasses import dataclass

from lms.config.load import DEFAULT_BATCH, DEFAULT_EMBED_BATCH, DEFAULT_PARALLEL, MOST_DRAFTED, LoadConfig


@dataclass(frozen=True)
class PassSizes:
    """Tokens, each at most.

    `prompt_tokens` of prompts go into a pass and with them the next token of every answer, `batch_tokens` in all; of
    these, `micro_batch_tokens` are computed together. `outputs` of them have a say in what comes next: 0 means all.
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
    outputs = parallel + MOST_DRAFTED * (parallel if speculates else 1)
    micro = config.micro_batch_size or min(prompts, DEFAULT_BATCH) + parallel
    return PassSizes(prompts, prompts + outputs, min(micro, prompts + outputs), outputs)


def _embedding(config: LoadConfig, context_length: int) -> PassSizes:
    """A text is never cut: pooling wants all of its tokens in one micro batch."""
    tokens = max(context_length, config.batch_size or DEFAULT_EMBED_BATCH)
    return PassSizes(tokens, tokens, tokens, 0)
