"""Speculation: guess what comes next, and let the pass that would have drawn one token verify several.

Which tokens come is not changed by it (`Decoder.decode`), only how soon. A guess costs, though, on a processor much
more than on an accelerator: so each sequence keeps account of how often its drafts were right (`Trust`), each engine of
what passes cost (`pass_cost.py`), and `allot` gives a pass the drafts that make it yield most tokens a second.
Where guesses are wrong that soon is none. Pure.

Here the guesses are looked up (`NgramLookup`): what followed when the same few tokens were seen before, in the prompt
or in the answer. It costs microseconds, and is right whenever text is repeated: code that is edited, a document
that is quoted, JSON with the same keys. A draft model guesses in `draft_model.py`; `speculator.py` chooses.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Tokens
from dataclasses import dataclass
from itertools import islice, takewhile

from lms.engine.pass_cost import ASSUMED_DRAFT_COST
from lms.engine.picture_tokens import is_of_text

NGRAM = 3
MOST_PLACES = 16
MOST_COMPARED = 16

WEIGHT_OF_NEWEST = 0.2
LEAST_COST = 1e-3
LEAST_TRUST, MOST_TRUST = 0.3, 0.98
USEFUL_PART = 1 / 8


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
        return tuple(takewhile(is_of_text, tokens[best : best + most]))

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


@dataclass(frozen=True)
class Offer:
    """A draft of up to `length` tokens, each right with `probability` if those before it are. To guess each of them
    costs `guess`, and to verify it about `verify`, as parts of what a pass costs without drafts."""

    length: int
    probability: float
    guess: float = 0.0
    verify: float = ASSUMED_DRAFT_COST

    @property
    def worth(self) -> float:
        """Tokens to be had for the cost of a pass, to compare offers by."""
        return self.probability / max(self.guess + self.verify, LEAST_COST)


NO_OFFER = Offer(0, 0.0)


def allot(offers: Tokens[Offer], running: int, room: int, cost: Callable[[int], float]) -> list[int]:
    """How many tokens of each offered draft to verify, `room` at most, so that the pass yields most for its cost.

    The pass yields one token for each of `running` sequences, and those of the drafts that are right; with `n` drafted
    tokens it costs `cost(n)`, which is 1 for 0.
    """
    order = list(islice(_by_worth(offers), room))
    yielded, guessing, best, most = float(running), 0.0, float(running), 0
    for drafted, (index, probability) in enumerate(order, 1):
        yielded, guessing = yielded + probability, guessing + offers[index].guess
        if (rate := yielded / (cost(drafted) + guessing)) > best:
            best, most = rate, drafted
    lengths = Counter(index for index, _ in order[:most])
    return [lengths[index] for index in range(len(offers))]


def _by_worth(offers: Tokens[Offer]) -> Iterator[tuple[int, float]]:
    """The tokens of all offers, those that promise most for their cost first: whose they are, and how probably they are
    right."""
    promises = [(-offer.worth, offer.probability, index) for index, offer in enumerate(offers) if offer.length]
    heapq.heapify(promises)
    left = [offer.length for offer in offers]
    while promises:
        negative_worth, probability, index = promises[0]
        yield index, probability
        left[index] -= 1
        again = offers[index].probability
        if left[index]:
            heapq.heapreplace(promises, (negative_worth * again, probability * again, index))
        else:
            heapq.heappop(promises)
