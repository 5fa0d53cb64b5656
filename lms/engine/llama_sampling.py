"""One sequence's sampler, as a chain of llama.cpp's own samplers in llama.cpp's own order.

Penalties look at the answer so far, up to `PENALTY_WINDOW` tokens, and not at the prompt: a name or a JSON key that the
user wrote is no repetition. Greedy decoding without penalties or biases needs no chain: `argmax` over the logits. Where
only some of the likeliest tokens can be drawn, the chain gets these and the ones that it changes itself, and draws the
same as from all. DRY may change any token, so with it the chain gets them all.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import ctypes
import secrets
from collections import deque
from collections.abc import Iterator
from functools import cached_property

import llama_cpp.llama_cpp as C
import numpy as np
from numpy.typing import NDArray

from lms.engine.logprobs import likelihood
from lms.engine.model import Dictation, Guide, Likelihood
from lms.engine.shortlist import is_worthwhile, shortlist
from lms.generation.request import Sampling

PENALTY_WINDOW = 64
CANDIDATE = np.dtype(C.llama_token_data)
# Relative to the likeliest token. Nothing below is ever drawn, and `typical` makes NaN of a probability of 0.
LEAST_PROBABILITY = 1e-30


def is_plain_greedy(sampling: Sampling) -> bool:
    """Whether the highest logit wins and nothing changes the logits before."""
    changed = _is_penalised(sampling) or sampling.logit_bias or sampling.dry_multiplier
    return sampling.temperature == 0 and not changed and not _leaves_out_likely(sampling)


def _is_penalised(sampling: Sampling) -> bool:
    return sampling.repeat_penalty != 1.0 or bool(sampling.presence_penalty or sampling.frequency_penalty)


def _leaves_out_likely(sampling: Sampling) -> bool:
    """Whether the likeliest token may be left out, so that it matters for greedy decoding which are."""
    return bool(sampling.xtc_probability) or _is_typical(sampling)


def _is_typical(sampling: Sampling) -> bool:
    return sampling.typical_p is not None and sampling.typical_p < 1


class LlamaSampler:
    """Implements `Sampler`. Owns a native chain, or nothing when decoding is plainly greedy.

    What it draws from is among the `_reach` likeliest tokens, or is one of `_recent` and `_biased`, whose logits it
    changes itself: so many of the likeliest may be penalised as there can be of these.
    """

    def __init__(
        self,
        sampling: Sampling,
        vocabulary_size: int,
        guide: Guide | None = None,
        *,
        dry: C.llama_sampler_p | None = None,
        dictation: Dictation | None = None,
        logprobs: int | None = None,
    ) -> None:
        """`dry` becomes a part of the chain; the rest is as `Decoder.sampler` has it."""
        self._guide = guide
        self._dictation = dictation
        self._logprobs = logprobs
        self._likelihoods: list[Likelihood] = []
        self._chain = None if is_plain_greedy(sampling) else chain_of(sampling, vocabulary_size, dry)
        self._vocabulary_size = vocabulary_size
        self._biased = [token for token in sampling.logit_bias if 0 <= token < vocabulary_size]
        self._recent = deque[int](maxlen=PENALTY_WINDOW if _is_penalised(sampling) else 0)
        drawn_from = max(sampling.top_k or 0, 0) if sampling.temperature or _leaves_out_likely(sampling) else 1
        changed = len(self._biased) + (self._recent.maxlen or 0)
        self._reach = drawn_from + changed if drawn_from and dry is None else vocabulary_size

    def draw(self, context: C.llama_context_p, row: int) -> int:
        """The token that follows `row` of the pass that `context` has made last. Draw from a row once."""
        return self.next(self._logits(context, row))

    def next(self, logits: NDArray[np.float32]) -> int:
        """The next token, by `logits` that are changed where the guide forbids tokens."""
        raw = logits
        if self._guide is not None:
            raw = logits if self._logprobs is None else logits.copy()
            np.copyto(logits, -np.inf, where=self._guide.forbidden())
        token = self._dictated(logits)
        if token is None:
            token = self.choose(logits)
        if self._guide is not None:
            self._guide.take(token)
        if self._dictation is not None:
            self._dictation.take(token)
        if self._logprobs is not None:
            self._likelihoods.append(likelihood(raw, token, self._logprobs))
        return token

    def measure(self, context: C.llama_context_p, row: int, token: int) -> None:
        """Note how likely `token` was after `row` of the pass that `context` has made last."""
        self._likelihoods.append(likelihood(self._logits(context, row), token, self._logprobs or 0))

    def likelihoods(self) -> list[Likelihood]:
        taken, self._likelihoods = self._likelihoods, []
        return taken

    def choose(self, logits: NDArray[np.float32]) -> int:
        """The token drawn from `logits`, of which there is one for each token."""
        if self._chain is None:
            return int(logits.argmax())
        if is_worthwhile(self._vocabulary_size, self._reach):
            tokens = shortlist(logits, self._reach, (*self._recent, *self._biased))
        else:
            tokens = self._all
        token = draw_from(self._chain, tokens, logits)
        self._recent.append(token)
        return token

    def close(self) -> None:
        if self._chain is not None:
            C.llama_sampler_free(self._chain)
            self._chain = None

    def _logits(self, context: C.llama_context_p, row: int) -> NDArray[np.float32]:
        return np.ctypeslib.as_array(C.llama_get_logits_ith(context, row), (self._vocabulary_size,))

    def _dictated(self, logits: NDArray[np.float32]) -> int | None:
        """What has to be drawn, if anything has and it is allowed."""
        token = self._dictation.dictated if self._dictation is not None else None
        if token is None or logits[token] == -np.inf:
            return None
        if self._chain is not None:
            C.llama_sampler_accept(self._chain, token)
            self._recent.append(token)
        return token

    @cached_property
    def _all(self) -> NDArray[np.intp]:
        return np.arange(self._vocabulary_size)


def draw_from(chain: C.llama_sampler_p, tokens: NDArray[np.intp], logits: NDArray[np.float32]) -> int:
    """Let `chain` draw one of `tokens`, and remember it."""
    candidates = np.empty(len(tokens), CANDIDATE)
    candidates["id"], candidates["logit"] = tokens, logits[tokens]
    pointer = candidates.ctypes.data_as(C.llama_token_data_p)
    array = C.llama_token_data_array(data=pointer, size=len(candidates), selected=-1, sorted=False)
    C.llama_sampler_apply(chain, ctypes.byref(array))
    token = int(array.data[array.selected].id)
    C.llama_sampler_accept(chain, token)
    return token


def chain_of(sampling: Sampling, vocabulary_size: int, dry: C.llama_sampler_p | None = None) -> C.llama_sampler_p:
    """A chain that owns its samplers, `dry` among them."""
    chain: C.llama_sampler_p = C.llama_sampler_chain_init(C.llama_sampler_chain_default_params())
    for sampler in _samplers(sampling, vocabulary_size, dry):
        C.llama_sampler_chain_add(chain, sampler)
    return chain


def _samplers(sampling: Sampling, vocabulary_size: int, dry: C.llama_sampler_p | None) -> Iterator[C.llama_sampler_p]:
    biases = {token: bias for token, bias in sampling.logit_bias.items() if 0 <= token < vocabulary_size}
    if biases:
        pairs = (C.llama_logit_bias * len(biases))(*(C.llama_logit_bias(*pair) for pair in biases.items()))
        yield C.llama_sampler_init_logit_bias(vocabulary_size, len(biases), pairs)
    yield C.llama_sampler_init_penalties(
        vocabulary_size,
        PENALTY_WINDOW,
        sampling.repeat_penalty,
        sampling.frequency_penalty,
        sampling.presence_penalty,
    )
    if dry is not None:
        yield dry
    seed = ctypes.c_uint32(secrets.randbits(32) if sampling.seed is None else sampling.seed & 0xFFFFFFFF).value
    if sampling.temperature or _leaves_out_likely(sampling):
        yield from _narrowing(sampling, seed)
    if sampling.temperature:
        yield C.llama_sampler_init_temp(sampling.temperature)
        yield C.llama_sampler_init_dist(seed)
    else:
        yield C.llama_sampler_init_greedy()


def _narrowing(sampling: Sampling, seed: int) -> Iterator[C.llama_sampler_p]:
    """What leaves tokens out."""
    yield C.llama_sampler_init_top_k(max(sampling.top_k or 0, 0))
    if _is_typical(sampling):
        yield C.llama_sampler_init_min_p(LEAST_PROBABILITY, 1)
        yield C.llama_sampler_init_typical(sampling.typical_p, 1)
    yield C.llama_sampler_init_top_p(sampling.top_p, 1)
    yield C.llama_sampler_init_min_p(sampling.min_p, 1)
    if sampling.xtc_probability:
        yield C.llama_sampler_init_xtc(sampling.xtc_probability, sampling.xtc_threshold, 1, seed)
