"""DRY samplers of llama.cpp: they make what would continue a repetition unlikely, the more so the longer that is.

Unlike penalties they look at the prompt too. Where repetitions may not go across, llama.cpp finds in every text of the
vocabulary: 0.2 s for 152,000 tokens. So the last sampler made is kept, and copied for requests with the same settings.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import ctypes
from collections.abc import Sequence as Tokens

import llama_cpp.llama_cpp as C

from lms.generation.request import Sampling


class DrySamplers:
    """Makes them for one vocabulary. `context_length` is how far back a last_n of −1 looks."""

    def __init__(self, vocab: C.llama_vocab_p, context_length: int) -> None:
        self._vocab = vocab
        self._context_length = context_length
        self._settings: tuple[object, ...] = ()
        self._pattern: C.llama_sampler_p | None = None

    def new(self, sampling: Sampling, prompt: Tokens[int]) -> C.llama_sampler_p | None:
        """A sampler that has seen the end of `prompt`, for its user to free; None where DRY is switched off."""
        if not sampling.dry_multiplier:
            return None
        last_n = self._last_n(sampling)
        dry: C.llama_sampler_p = C.llama_sampler_clone(self._pattern_for(sampling, last_n))
        for token in prompt[max(0, len(prompt) - last_n) :]:
            C.llama_sampler_accept(dry, token)
        return dry

    def _last_n(self, sampling: Sampling) -> int:
        asked = sampling.dry_penalty_last_n or 0
        return self._context_length if asked < 0 else min(asked, self._context_length)

    def _pattern_for(self, sampling: Sampling, last_n: int) -> C.llama_sampler_p:
        breakers = [breaker.encode() for breaker in sampling.dry_sequence_breakers or ()]
        numbers = (sampling.dry_multiplier, sampling.dry_base, sampling.dry_allowed_length, last_n)
        if self._pattern is not None and self._settings == (*numbers, *breakers):
            return self._pattern
        if self._pattern is not None:
            C.llama_sampler_free(self._pattern)
        texts = (ctypes.c_char_p * len(breakers))(*breakers)
        self._pattern = C.llama_sampler_init_dry(self._vocab, *numbers, texts, len(breakers))
        self._settings = (*numbers, *breakers)
        return self._pattern
