"""One sequence's sampler, as a chain of llama.cpp's own samplers in llama.cpp's own order.

Penalties look at the answer so far, up to `PENALTY_WINDOW` tokens, and not at the prompt: a name or a JSON key that the
user wrote is no repetition. Greedy decoding without penalties or biases needs no chain: `argmax` over the logits.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import ctypes
import secrets

import llama_cpp.llama_cpp as C
import numpy as np

from lms.engine.model import Guide
from lms.generation.request import Sampling

PENALTY_WINDOW = 64


def is_plain_greedy(sampling: Sampling) -> bool:
    """Whether the highest logit wins and nothing changes the logits before."""
    penalised = sampling.repeat_penalty != 1.0 or sampling.presence_penalty or sampling.frequency_penalty
    return sampling.temperature == 0 and not penalised and not sampling.logit_bias


class LlamaSampler:
    """Implements `Sampler`. Owns a native chain, or nothing when decoding is plainly greedy."""

    def __init__(self, sampling: Sampling, vocabulary_size: int, guide: Guide | None = None) -> None:
        self._guide = guide
        self._chain = None if is_plain_greedy(sampling) else _chain(sampling, vocabulary_size)
        self._vocabulary_size = vocabulary_size

    def draw(self, context: C.llama_context_p, row: int) -> int:
        """The token that follows `row` of the pass that `context` has made last. Draw from a row once."""
        if self._guide is None:
            return self._choose(context, row)
        np.copyto(self._logits(context, row), -np.inf, where=self._guide.forbidden())
        token = self._choose(context, row)
        self._guide.take(token)
        return token

    def close(self) -> None:
        if self._chain is not None:
            C.llama_sampler_free(self._chain)
            self._chain = None

    def _choose(self, context: C.llama_context_p, row: int) -> int:
        if self._chain is not None:
            return int(C.llama_sampler_sample(self._chain, context, row))
        return int(self._logits(context, row).argmax())

    def _logits(self, context: C.llama_context_p, row: int) -> np.ndarray:
        """The row in llama.cpp's own memory, where the chain reads it too."""
        return np.ctypeslib.as_array(C.llama_get_logits_ith(context, row), (self._vocabulary_size,))


def _chain(sampling: Sampling, vocabulary_size: int) -> C.llama_sampler_p:
    chain: C.llama_sampler_p = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
    for sampler in _samplers(sampling, vocabulary_size):
        C.llama_sampler_chain_add(chain, sampler)
    return chain


def _samplers(sampling: Sampling, vocabulary_size: int) -> list[C.llama_sampler_p]:
    samplers = []
    biases = {token: bias for token, bias in sampling.logit_bias.items() if 0 <= token < vocabulary_size}
    if biases:
        pairs = (C.llama_logit_bias * len(biases))(*(C.llama_logit_bias(*pair) for pair in biases.items()))
        samplers.append(C.llama_sampler_init_logit_bias(vocabulary_size, len(biases), pairs))
    samplers.append(
        C.llama_sampler_init_penalties(
            vocabulary_size,
            PENALTY_WINDOW,
            sampling.repeat_penalty,
            sampling.frequency_penalty,
            sampling.presence_penalty,
        )
    )
    return samplers + (_drawing(sampling) if sampling.temperature else [C.llama_sampler_init_greedy()])


def _drawing(sampling: Sampling) -> list[C.llama_sampler_p]:
    seed = secrets.randbits(32) if sampling.seed is None else sampling.seed & 0xFFFFFFFF
    return [
        C.llama_sampler_init_top_k(max(sampling.top_k or 0, 0)),
        C.llama_sampler_init_top_p(sampling.top_p, 1),
        C.llama_sampler_init_min_p(sampling.min_p, 1),
        C.llama_sampler_init_temp(sampling.temperature),
        C.llama_sampler_init_dist(ctypes.c_uint32(seed).value),
    ]
