"""How many tokens a pass through a model may take: what the engine allocates and the memory plan counts. Pure."""

from dataclasses import dataclass

import msgspec

from lms.config.load import DEFAULT_BATCH, DEFAULT_EMBED_BATCH, DEFAULT_PARALLEL, MOST_DRAFTED, LoadConfig

# Attention with a table of scores: more cells cost it memory, and a larger pass no less time for each token.
PLAIN_MICRO_BATCH = 128
PLAIN_SCORES_BYTES = 256 * 2**20
# Texts are embedded in passes of so many tokens on a processor: more of them make a pass no better use of it, and each
# text's attention walks over all the others'. A model of 22M parameters, ms for each text of 52 tokens: 17.2 for one in
# a pass, 9.5 for two, 9.2 for three to six, 10.1 for 16, 11.9 for 32.
EMBED_TOKENS = 256
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


def for_processor(config: LoadConfig, heads: int, cells: int, *, sees: bool) -> LoadConfig:
    """`config` with attention chosen for a machine without an accelerator, where nothing was asked for.

    llama.cpp's flash attention is slow there for a few tokens at a time. A 0.5B model in Q4_0, one thread: the next
    tokens of eight answers of 200 tokens take 155 ms with it and 124 without, of one answer of 1,500 tokens 89 and
    58 ms; of one answer of 100 tokens 52 and 56. Long prompts are read 4 to 7 % slower without. It is done without
    where the table of scores stays small: four bytes for each of `heads`, of `cells` of a cache, and of the tokens that
    are computed together. Not for a model that `sees`: some pictures are computed as a whole, and need larger passes.
    """
    if sees or config.flash_attention is not None or config.v_cache_type != "f16":
        return config
    fewer = PLAIN_MICRO_BATCH + (config.parallel or DEFAULT_PARALLEL)
    tokens = config.micro_batch_size or min(fewer, config.batch_size or DEFAULT_BATCH)
    if 4 * heads * cells * tokens > PLAIN_SCORES_BYTES:
        return config
    return msgspec.structs.replace(config, flash_attention=False, micro_batch_size=tokens)


def embedding_for_processor(config: LoadConfig) -> LoadConfig:
    """`config` with passes for a machine without an accelerator, where nothing was asked for."""
    return msgspec.structs.replace(config, batch_size=config.batch_size or EMBED_TOKENS)


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
    """A text is never cut: pooling wants all of its tokens in one micro batch. One that is longer than a batch has a
    pass of its own."""
    batch = config.batch_size or DEFAULT_EMBED_BATCH
    tokens = max(context_length, batch)
    return PassSizes(batch, tokens, tokens, 0)
