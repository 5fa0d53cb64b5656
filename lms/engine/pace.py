"""How many prompt tokens a pass should take, from how long passes took. Pure: seconds come in, numbers go out.

A pass cannot be interrupted. While answers run, it should not make them stutter; while only prompts are processed, it
should end soon enough for a client that hangs up, or a new one, to be noticed. Processors differ by a factor of a
thousand in how many tokens that is. It is never less than 64: above, a larger pass costs hardly less for each token,
and below, llama.cpp's flash attention is so slow on processors that fewer tokens take longer in all. A 0.5B model
behind 512 tokens, one thread: 64 tokens take 0.47 s, 63 take 1.33 s, 32 take 0.63 s.
"""

from lms.engine.scheduler import Limits

BESIDE_ANSWERS_S = 0.1
ALONE_S = 0.5
LEAST_TOKENS = 64
WEIGHT_OF_NEWEST = 0.3


class Pace:
    """Sizes are powers of two, so that they settle: how a prompt is cut may change its logits by rounding."""

    def __init__(self, batch_tokens: int) -> None:
        self._most = batch_tokens
        self._token_s: float | None = None

    def observe(self, tokens: int, seconds: float) -> None:
        """A pass over so many tokens took so long. Short passes say nothing about prompts and are left out."""
        if tokens >= LEAST_TOKENS and seconds > 0:
            newest = seconds / tokens
            known = newest if self._token_s is None else self._token_s
            self._token_s = known + WEIGHT_OF_NEWEST * (newest - known)

    @property
    def limits(self) -> Limits:
        """For the next pass."""
        return Limits(self._tokens_in(ALONE_S), self._tokens_in(BESIDE_ANSWERS_S))

    def _tokens_in(self, target_s: float) -> int:
        wanted = LEAST_TOKENS if self._token_s is None else max(int(target_s / self._token_s), LEAST_TOKENS)
        return min(1 << (wanted.bit_length() - 1), self._most)
