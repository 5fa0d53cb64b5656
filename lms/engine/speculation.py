"""Speculation: guess what comes next, and let the pass that would have drawn one token verify several.

Which tokens come is not changed by it (`Decoder.decode`), only how soon. A guess costs, though, on a processor much
more than on an accelerator: so each sequence keeps account of how often its drafts were right (`Trust`), each engine of
what a guessed token costs (`PassCost`), and `allot` gives a pass the drafts that make it yield most tokens a second.
Where guesses are wrong that soon is none. Pure.

Here the guesses are looked up (`NgramLookup`): what followed when the same few tokens were seen before, in the prompt
or in the answer. It costs microseconds, and is right whenever text is repeated: code that is edited, a document
that is quoted, JSON with the same keys.
"""

import heapq
from collections import deque
from collections.abc import Sequence as Tokens
from dataclasses import dataclass

NGRAM = 3
MOST_PLACES = 16
MOST_COMPARED = 16
MOST_DRAFTED = 16

WEIGHT_OF_NEWEST = 0.2
INITIAL_TRUST, LEAST_TRUST, MOST_TRUST = 0.5, 0.3, 0.98
FIRST_PAUSE_TOKENS, LONGEST_PAUSE_TOKENS = 4, 64

ASSUMED_DRAFT_COST = 0.25


class NgramLookup:
    """What came after the last `NGRAM` tokens where they were seen before. Follows a list of tokens that only grows.

    Of several such places, the one that agrees for longest with what was said last, as LZ77 chooses its matches.
    """

    def __init__(self, tokens: Tokens[int]) -> None:
        self._tokens = tokens
        self._ends: dict[tuple[int, ...], deque[int]] = {}
        self._indexed = NGRAM - 1

    def guess(self, most: int) -> tuple[int, ...]:
        """Up to `most` tokens that may come next."""
        tokens = self._tokens
        for end in range(self._indexed + 1, len(tokens)):
            self._ends.setdefault(tuple(tokens[end - NGRAM : end]), deque(maxlen=MOST_PLACES)).appendleft(end)
        self._indexed = max(self._indexed, len(tokens) - 1)
        places = self._ends.get(tuple(tokens[-NGRAM:]))
        if not places:
            return ()
        best = places[0] if len(places) == 1 else max(places, key=self._agreement)
        return tuple(tokens[best : best + most])

    def _agreement(self, end: int) -> int:
        """How many tokens before `end` are those that were said last, looking at no more than are compared."""
        tokens = self._tokens
        length, most = NGRAM, min(end, MOST_COMPARED)
        while length < most and tokens[end - 1 - length] == tokens[-1 - length]:
            length += 1
        return length


@dataclass
class Trust:
    """How far one sequence's drafts are to be trusted: `probability` is that of the next guessed token to be right.

    After a draft that was wrong from the start there is a pause, each twice as long as the one before: text in which
    nothing repeats is hardly slowed down by being tried.
    """

    probability: float = INITIAL_TRUST
    pause_tokens: int = 0
    _next_pause: int = FIRST_PAUSE_TOKENS

    def observe(self, drafted: int, accepted: int) -> None:
        """A draft of so many tokens, of which so many were right. Without a draft, one token of the pause goes by."""
        if not drafted:
            self.pause_tokens = max(0, self.pause_tokens - 1)
            return
        for _ in range(accepted):
            self.probability += WEIGHT_OF_NEWEST * (1 - self.probability)
        if accepted < drafted:
            self.probability -= WEIGHT_OF_NEWEST * self.probability
        self.probability = min(max(self.probability, LEAST_TRUST), MOST_TRUST)
        if accepted:
            self._next_pause = FIRST_PAUSE_TOKENS
        else:
            self.pause_tokens = self._next_pause
            self._next_pause = min(2 * self._next_pause, LONGEST_PAUSE_TOKENS)


class PassCost:
    """What passes cost in which only answers go on: without drafts, and what each drafted token adds. Seconds."""

    def __init__(self) -> None:
        self._plain_s = 0.0
        self._drafted_s: float | None = None

    def observe(self, drafted: int, seconds: float) -> None:
        """A pass with so many drafted tokens took so long."""
        if not drafted:
            self._plain_s = _mean(self._plain_s or seconds, seconds)
        elif self._plain_s:
            added_s = max(0.0, seconds - self._plain_s) / drafted
            self._drafted_s = _mean(added_s if self._drafted_s is None else self._drafted_s, added_s)

    @property
    def relative(self) -> float:
        """What a drafted token costs, as a part of what a pass without drafts does."""
        if self._drafted_s is None or not self._plain_s:
            return ASSUMED_DRAFT_COST
        return self._drafted_s / self._plain_s


def allot(offers: Tokens[tuple[int, float]], running: int, cost: float) -> list[int]:
    """How many tokens of each offered draft, of (length, probability of each token to be right), to verify.

    As long as the likeliest token that is left promises more for what it costs than the pass yields without it. The
    pass yields one token for each of `running` sequences, and costs 1; every drafted one adds `cost`.
    """
    lengths = [0] * len(offers)
    promises = [(-probability, index) for index, (length, probability) in enumerate(offers) if length]
    heapq.heapify(promises)
    yielded, spent = float(running), 1.0
    while promises:
        negative, index = promises[0]
        if -negative * spent <= cost * yielded:
            break
        yielded, spent = yielded - negative, spent + cost
        lengths[index] += 1
        length, probability = offers[index]
        if lengths[index] < length:
            heapq.heapreplace(promises, (negative * probability, index))
        else:
            heapq.heappop(promises)
    return lengths


def _mean(known: float, newest: float) -> float:
    return known + WEIGHT_OF_NEWEST * (newest - known)
