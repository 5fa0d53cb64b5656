"""Speculation: guess what comes next, and let the pass that would have drawn one token verify several.

Which tokens come is not changed by it (`Decoder.decode`), only how soon. A guess costs, though, on a processor much
more than on an accelerator: so each sequence keeps account of how often its drafts were right (`Trust`), each engine of
what a guessed token costs (`PassCost`), and `allot` gives a pass the drafts that make it yield most tokens a second.
Where guesses are wrong that soon is none. Pure.

Here the guesses are looked up (`NgramLookup`): what followed when the same few tokens were seen before, in the prompt
or in the answer. It costs microseconds, and is right whenever text is repeated: code that is edited, a document
that is quoted, JSON with the same keys. A draft model guesses in `draft_model.py`; `speculator.py` chooses.
"""

import heapq
import math
from collections import deque
from collections.abc import Sequence as Tokens
from dataclasses import dataclass

NGRAM = 3
MOST_PLACES = 16
MOST_COMPARED = 16

WEIGHT_OF_NEWEST = 0.2
LEAST_TRUST, MOST_TRUST = 0.3, 0.98
USEFUL_PART = 1 / 8

ASSUMED_DRAFT_COST, ASSUMED_GUESS_COST = 0.25, 0.15
# So much of what is known of a cost goes with each pass that could not confirm it.
FORGETTING = 1 / 512


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


@dataclass(frozen=True)
class Temper:
    """How trust in one kind of guesses comes and goes; see `Trust`. Pauses are counted in tokens."""

    initial: float
    first_pause: int
    longest_pause: int
    growth: int
    recovery: float = 0.0


# Text that has to come is right, and as a rule cut into tokens as the model would.
IN_GRAMMAR = Temper(0.9, 1, 16, 2)
# Looking up costs nothing, so it is tried again soon. Who names a draft model believes in it: it is trusted at first,
# and often merely not sure. But it has to read what was written meanwhile: when it fails it soon is left alone.
IN_LOOKUP = Temper(0.5, 4, 64, 2)
IN_MODEL = Temper(0.8, 1, 1024, 4, recovery=1 / 64)


class Trust:
    """How far one sequence's drafts are to be trusted: `probability` is that of the next guessed token to be right.

    After a draft that was wrong from the start there is a pause, each longer than the one before: text that cannot be
    guessed is hardly slowed down by being tried. With every token that goes by undrafted, `recovery` of the lost trust
    comes back, so that what was too dear once is tried again some time.
    """

    def __init__(self, temper: Temper = IN_LOOKUP) -> None:
        self.probability = temper.initial
        self.pause_tokens = 0
        self._temper = temper
        self._next_pause = temper.first_pause
        self._tried = self._accepted = 0

    def observe(self, drafted: int, accepted: int) -> None:
        """A draft of so many tokens, of which so many were right. Without a draft, one token of the pause goes by."""
        if not drafted:
            self.pause_tokens = max(0, self.pause_tokens - 1)
            self.probability += self._temper.recovery * max(0.0, self._temper.initial - self.probability)
            return
        self._tried += drafted
        self._accepted += accepted
        for _ in range(accepted):
            self.probability += WEIGHT_OF_NEWEST * (1 - self.probability)
        if accepted < drafted:
            self.probability -= WEIGHT_OF_NEWEST * self.probability
        self.probability = min(max(self.probability, LEAST_TRUST), MOST_TRUST)
        if accepted:
            self._next_pause = self._temper.first_pause
        else:
            self.pause_tokens = self._next_pause
            self._next_pause = min(self._temper.growth * self._next_pause, self._temper.longest_pause)

    def heir(self) -> "Trust":
        """What another sequence begins with that the same is to guess for.

        It begins with a pause if next to nothing was right. Pauses come down from heir to heir: there is a new try some
        time.
        """
        heir = Trust(self._temper)
        heir.probability = self.probability
        was_useful = self._accepted > USEFUL_PART * self._tried
        if self._next_pause > self._temper.first_pause and not was_useful:
            heir.pause_tokens = heir._next_pause = max(self._temper.first_pause, self._next_pause * 3 // 4)
        return heir


class PassCost:
    """What passes cost in which only answers go on: without drafts, and what each drafted token adds. Seconds.

    A cost that keeps drafts from being tried is never confirmed, and may have been another process's doing: it is
    slowly forgotten.
    """

    def __init__(self) -> None:
        self._plain_s = 0.0
        self._drafted_s: float | None = None
        self._guess_s: float | None = None

    def observe(self, drafted: int, seconds: float) -> None:
        """A pass with so many drafted tokens took so long, the guessing not counted."""
        if not drafted:
            self._plain_s = _mean(self._plain_s or seconds, seconds)
            self._drafted_s = _forgotten(self._drafted_s, ASSUMED_DRAFT_COST * self._plain_s)
            self._guess_s = _forgotten(self._guess_s, ASSUMED_GUESS_COST * self._plain_s)
        elif self._plain_s:
            added_s = max(0.0, seconds - self._plain_s) / drafted
            self._drafted_s = _mean(added_s if self._drafted_s is None else self._drafted_s, added_s)

    def observe_guessing(self, tried: int, seconds: float) -> None:
        """A draft model took so long to compute so many tokens."""
        if tried:
            self._guess_s = _mean(seconds / tried if self._guess_s is None else self._guess_s, seconds / tried)

    @property
    def relative(self) -> float:
        """What a drafted token costs, as a part of what a pass without drafts does."""
        return self._part(self._drafted_s, ASSUMED_DRAFT_COST)

    @property
    def relative_guess(self) -> float:
        """What a token costs that the draft model computes, as a part of the same."""
        return self._part(self._guess_s, ASSUMED_GUESS_COST)

    def _part(self, seconds: float | None, assumed: float) -> float:
        return assumed if seconds is None or not self._plain_s else seconds / self._plain_s


@dataclass(frozen=True)
class Offer:
    """A draft of up to `length` tokens, each right with `probability` if those before it are, each at that `cost`:
    what it adds to a pass, as a part of what the pass costs without drafts."""

    length: int
    probability: float
    cost: float

    @property
    def worth(self) -> float:
        """Tokens to be had for the cost of a pass."""
        return self.probability / self.cost if self.cost else math.inf


NO_OFFER = Offer(0, 0.0, 0.0)


def allot(offers: Tokens[Offer], running: int, room: int) -> list[int]:
    """How many tokens of each offered draft to verify, `room` in all at most.

    As long as the one that is left with most promise for its cost promises more than the pass yields without it. The
    pass yields one token for each of `running` sequences, and costs 1.
    """
    lengths = [0] * len(offers)
    promises = [(-offer.worth, -offer.probability, index) for index, offer in enumerate(offers) if offer.length]
    heapq.heapify(promises)
    yielded, spent = float(running), 1.0
    while promises and sum(lengths) < room:
        negative_worth, negative, index = promises[0]
        offer = offers[index]
        if -negative * spent <= offer.cost * yielded:
            break
        yielded, spent = yielded - negative, spent + offer.cost
        lengths[index] += 1
        if lengths[index] < offer.length:
            heapq.heapreplace(promises, (negative_worth * offer.probability, negative * offer.probability, index))
        else:
            heapq.heappop(promises)
    return lengths


def _forgotten(known: float | None, assumed: float) -> float | None:
    """What is known of a cost, a little nearer to what is assumed if it is more."""
    return known if known is None or known <= assumed else known + FORGETTING * (assumed - known)


def _mean(known: float, newest: float) -> float:
    return known + WEIGHT_OF_NEWEST * (newest - known)
