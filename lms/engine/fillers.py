"""Tokens that nobody wants, where a pass is quicker with them.

Where each slot has a memory of its own, llama.cpp computes only those slots together that follow each other: answers in
slots 0, 1 and 3 take two walks over all weights. A token in the idle slot 2 joins them. And where weights are repacked,
four rows are multiplied at a time, and what is left over row by row. A 0.5B model in Q4_0, one thread, milliseconds of
a pass that continues the answers in these slots:

    0 1 2   0 1 3   0 2 4   0 2 4 6   0 1 2 3   0 to 6   0 to 7
       92     132     165       215        73      151      127

With other weights a row may cost as much as a walk. So each way is tried, and the quickest so far is taken.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as Slots
from itertools import pairwise

WEIGHT_OF_NEWEST = 0.5
ROWS_TOGETHER = 4
# Each way that is not taken seems quicker by so much with each pass: it may have been slow for another reason.
FORGETTING = 1 / 256

# What a pass looks like: its tokens, the walks over all weights that it takes, and how many of the tokens are wanted.
Shape = tuple[int, int, int]


class Fillers:
    """Chooses the idle slots that get a token in a pass in which each answer gets one. `slots` is how many there are.

    Use it as `fillers.chosen(…)`, then the pass, then `fillers.passed()`.
    """

    def __init__(self, slots: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self._slots = slots
        self._clock = clock
        self._seconds: dict[Shape, float] = {}
        self._shape: Shape | None = None
        self._began_s = 0.0

    def chosen(self, used: Slots[int], can_fill: Callable[[int], bool]) -> list[int]:
        """The slots to fill beside the `used` ones, in their order. `can_fill` says whether an idle one has room."""
        ways = {_shape(used, fill): fill for fill in self._ways(used) if all(map(can_fill, fill))}
        self._shape = min(ways, key=lambda shape: self._seconds.get(shape, 0.0))
        for shape in self._seconds.keys() & ways.keys() - {self._shape}:
            self._seconds[shape] *= 1 - FORGETTING
        self._began_s = self._clock()
        return ways[self._shape]

    def passed(self) -> None:
        """The pass that was chosen for is over."""
        if self._shape is not None:
            seconds = self._clock() - self._began_s
            known = self._seconds.get(self._shape, seconds)
            self._seconds[self._shape] = known + WEIGHT_OF_NEWEST * (seconds - known)
            self._shape = None

    def _ways(self, used: Slots[int]) -> Iterator[list[int]]:
        """No filling, the gaps filled, and as many more that rows are multiplied together."""
        yield []
        gaps = sorted(set(range(used[0], used[-1])).difference(used))
        yield gaps
        missing = -(len(used) + len(gaps)) % ROWS_TOGETHER
        behind = range(used[-1] + 1, self._slots)
        around = [*behind, *range(used[0] - 1, -1, -1)][:missing]
        if len(around) == missing:
            yield sorted((*gaps, *around))


def _shape(used: Slots[int], fill: Iterable[int]) -> Shape:
    taken = sorted((*used, *fill))
    walks = 1 + sum(after - before > 1 for before, after in pairwise(taken))
    return len(taken), walks, len(used)
