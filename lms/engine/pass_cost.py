"""What passes cost in which only answers go on, by how many tokens they take. Learnt from the passes themselves.

More tokens cost more as a rule, but not evenly: on a processor, llama.cpp multiplies repacked weights with four rows at
a time, and what is left over row by row. Measured with a 0.5B model in Q4_0, one thread, milliseconds a pass:

    tokens   1    2    3    4    5    6    7    8    9   10   11   12   16
            52   80   96   75  117  134  150  127  160  177  193  170  183

So a pass over three tokens gets quicker with a fourth that is wrong for sure, and a draft of three is cheaper than of
one. An accelerator has steps of its own. Nothing of that is known here: what was seen is kept, and what was not is
estimated, rather too low than too high, so that it is tried some time.
"""

from bisect import bisect, insort

WEIGHT_OF_NEWEST = 0.2
ASSUMED_DRAFT_COST, ASSUMED_GUESS_COST = 0.25, 0.15
# So much of what is known of a cost goes with each pass that could have confirmed it, and did not: a cost that keeps
# something from being tried may have been another process's doing.
FORGETTING = 1 / 512
MOST_KNOWN = 64
SHORT_DRAFT = 4


class PassCost:
    """Seconds of passes by their tokens, and of a draft model by its own."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._sizes: list[int] = []  # that were seen, in order
        self._guess_s: float | None = None

    def observe(self, running: int, drafted: int, seconds: float) -> None:
        """A pass with a token for each of `running` sequences, and so many drafted ones, took so long.

        The guessing is not counted.
        """
        tokens = running + drafted
        if seconds <= 0 or tokens > MOST_KNOWN:
            return
        if tokens not in self._seconds:
            insort(self._sizes, tokens)
        self._seconds[tokens] = _mean(self._seconds.get(tokens, seconds), seconds)
        plain_s = self._seconds.get(running)
        if plain_s is None:
            return
        for other, known_s in self._seconds.items():
            if other > running and other != tokens:
                self._seconds[other] = _forgotten(known_s, _extrapolated(running, plain_s, other))
        if not drafted and self._guess_s is not None:
            self._guess_s = _forgotten(self._guess_s, ASSUMED_GUESS_COST * plain_s)

    def observe_guessing(self, tried: int, seconds: float) -> None:
        """A draft model took so long to compute so many tokens."""
        if tried:
            self._guess_s = _mean(seconds / tried if self._guess_s is None else self._guess_s, seconds / tried)

    def plain_s(self, running: int) -> float | None:
        """What a pass for so many sequences takes without drafts, None when there was none yet."""
        return self._seconds.get(running)

    def drafted(self, running: int, drafted: int) -> float:
        """What a pass for so many sequences costs with so many drafted tokens, as a multiple of one without."""
        return self._estimate(running + drafted) / self._estimate(running)

    def verify(self, running: int) -> float:
        """What each token of a short draft adds, roughly."""
        return max(0.0, self.drafted(running, SHORT_DRAFT) - 1) / SHORT_DRAFT

    def guess(self, running: int) -> float:
        """What a token costs that the draft model computes, as a part of a pass without drafts."""
        plain_s = self._seconds.get(running)
        return ASSUMED_GUESS_COST if self._guess_s is None or not plain_s else self._guess_s / plain_s

    def _estimate(self, tokens: int) -> float:
        """Seconds of a pass of that size; of any size if none was seen. Between known ones on the line from one to the
        other."""
        if tokens in self._seconds:
            return self._seconds[tokens]
        above = bisect(self._sizes, tokens)
        if not self._sizes:
            return _extrapolated(1, 1.0, tokens)
        if above == 0:
            return self._seconds[self._sizes[0]]
        lower = self._sizes[above - 1]
        if above == len(self._sizes):
            return _extrapolated(lower, self._seconds[lower], tokens)
        upper = self._sizes[above]
        part = (tokens - lower) / (upper - lower)
        return self._seconds[lower] + part * (self._seconds[upper] - self._seconds[lower])


def _extrapolated(known: int, seconds: float, tokens: int) -> float:
    """A pass of `tokens`, which are more, by what a smaller one took."""
    return seconds * (1 + ASSUMED_DRAFT_COST * (tokens - known) / known)


def _forgotten(known: float, assumed: float) -> float:
    """What is known of a cost, a little nearer to what is assumed if it is more."""
    return known if known <= assumed else known + FORGETTING * (assumed - known)


def _mean(known: float, newest: float) -> float:
    return known + WEIGHT_OF_NEWEST * (newest - known)
