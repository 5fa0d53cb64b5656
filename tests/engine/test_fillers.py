"""Which idle slots get a token, by what passes have taken."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from lms.engine.fillers import Fillers


class Processor:
    """A clock that goes on by what a pass costs."""

    def __init__(self, cost: Callable[[Sequence[int]], float]) -> None:
        self._cost = cost
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def run(self, fillers: Fillers, used: Sequence[int], full: Sequence[int] = ()) -> list[int]:
        """One pass; the slots that were filled for it. Those in `full` have no room."""
        filled = fillers.chosen(used, lambda slot: slot not in full)
        self.now_s += self._cost(sorted((*used, *filled)))
        fillers.passed()
        return filled


def walks(slots: Sequence[int]) -> int:
    return 1 + sum(after != before + 1 for before, after in pairwise(slots))


def repacked(slots: Sequence[int]) -> float:
    """Rows are multiplied four at a time, what is left over one by one; each walk costs more than a row."""
    return 2 * walks(slots) + 1.5 * (len(slots) // 4) + len(slots) % 4


def row_by_row(slots: Sequence[int]) -> float:
    return len(slots)


@pytest.mark.parametrize(
    ("used", "filled"),
    [
        ([0, 1, 2], [3]),
        ([1, 2, 3], [4]),
        ([5, 6, 7], [4]),
        ([0, 1, 3], [2]),
        ([0, 2, 4, 6], [1, 3, 5, 7]),
        ([0, 1, 2, 3], []),
        ([4], []),
    ],
)
def test_what_makes_a_pass_quicker_is_found_and_kept(used: list[int], filled: list[int]) -> None:
    processor = Processor(repacked)
    fillers = Fillers(8, processor.clock)
    for _ in range(4):
        processor.run(fillers, used)
    assert [processor.run(fillers, used) for _ in range(20)] == [filled] * 20


def test_where_each_row_costs_a_walk_nothing_is_filled() -> None:
    processor = Processor(row_by_row)
    fillers = Fillers(8, processor.clock)
    for _ in range(4):
        processor.run(fillers, [0, 2, 4])
    assert [processor.run(fillers, [0, 2, 4]) for _ in range(20)] == [[]] * 20


def test_a_way_that_was_slow_is_tried_again_some_time() -> None:
    processor = Processor(row_by_row)
    fillers = Fillers(8, processor.clock)
    tried = [processor.run(fillers, [0, 2]) for _ in range(600)]
    assert 2 < sum(bool(filled) for filled in tried) < 30


def test_a_slot_without_room_is_never_filled() -> None:
    processor = Processor(repacked)
    fillers = Fillers(8, processor.clock)
    filled = [processor.run(fillers, [0, 1, 3], full=[2]) for _ in range(20)]
    assert filled == [[]] * 20


def test_all_slots_in_use_leave_nothing_to_fill() -> None:
    processor = Processor(repacked)
    assert processor.run(Fillers(3, processor.clock), [0, 1, 2]) == []
