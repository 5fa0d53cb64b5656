"""The tree against a naive twin that gives every token of every slot a cell by number."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lms.engine.prefix import Match, PrefixTree, common_prefix

token_lists = st.lists(st.integers(0, 2), max_size=12)
SLOTS = range(4)


def naive_common_prefix(left: list[int], right: list[int]) -> int:
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return length


@given(token_lists, token_lists)
def test_the_common_prefix_is_what_comparing_token_by_token_finds(left: list[int], right: list[int]) -> None:
    assert common_prefix(left, right) == naive_common_prefix(left, right)


class NaiveMemory:
    """Every slot's tokens, each with the number of the cell it lies in."""

    def __init__(self) -> None:
        self.held: dict[int, list[tuple[int, int]]] = {slot: [] for slot in SLOTS}
        self._numbers = itertools.count()

    def extend(self, slot: int, tokens: list[int]) -> None:
        self.held[slot] += [(next(self._numbers), token) for token in tokens]

    def tokens(self, slot: int) -> list[int]:
        return [token for _, token in self.held[slot]]

    def cells_of(self, slots: list[int]) -> set[int]:
        return {cell for slot in slots for cell, _ in self.held[slot]}


class TreeAgainstTwin(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.tree = PrefixTree()
        self.twin = NaiveMemory()

    @rule(slot=st.sampled_from(SLOTS), tokens=token_lists)
    def extend(self, slot: int, tokens: list[int]) -> None:
        self.tree.extend(slot, tokens)
        self.twin.extend(slot, tokens)

    @rule(slot=st.sampled_from(SLOTS), part=st.floats(0, 1))
    def cut(self, slot: int, part: float) -> None:
        length = round(part * len(self.twin.held[slot]))
        self.tree.cut(slot, length)
        del self.twin.held[slot][length:]

    @precondition(lambda self: any(not held for held in self.twin.held.values()))
    @rule(source=st.sampled_from(SLOTS), part=st.floats(0, 1))
    def share(self, source: int, part: float) -> None:
        slot = next(slot for slot, held in self.twin.held.items() if not held)
        length = round(part * len(self.twin.held[source]))
        self.tree.share(source, slot, length)
        self.twin.held[slot] = self.twin.held[source][:length]

    @rule(wanted=token_lists)
    def longest(self, wanted: list[int]) -> None:
        found = self.tree.longest(wanted)
        best = max(naive_common_prefix(self.twin.tokens(slot), wanted) for slot in SLOTS)
        assert found.length == best
        if best:
            assert self.twin.tokens(found.slot)[:best] == wanted[:best]

    @rule(wanted=token_lists)
    def longest_whole(self, wanted: list[int]) -> None:
        found = self.tree.longest_whole(wanted)
        held = [self.twin.tokens(slot) for slot in SLOTS]
        assert found.length == max(len(tokens) for tokens in [[], *held] if tokens == wanted[: len(tokens)])
        if found.length:
            assert self.twin.tokens(found.slot) == wanted[: found.length]

    @rule(wanted=token_lists, others=st.lists(st.sampled_from(SLOTS), max_size=3))
    def held_by(self, wanted: list[int], others: list[int]) -> None:
        match = self.tree.longest(wanted)
        if match.length:
            cells = {cell for cell, _ in self.twin.held[match.slot][: match.length]}
            assert self.tree.held_by(match, others) == len(cells & self.twin.cells_of(others))

    @invariant()
    def agree(self) -> None:
        for slot in SLOTS:
            assert self.tree.length(slot) == len(self.twin.held[slot])
            assert self.tree.cells_of([slot]) == len(self.twin.held[slot])
        assert self.tree.cells == len(self.twin.cells_of(list(SLOTS)))


TestTreeAgainstTwin = TreeAgainstTwin.TestCase


def test_two_slots_that_share_a_beginning_hold_it_once() -> None:
    tree = PrefixTree()
    tree.extend(0, [1, 2, 3, 4])
    tree.share(0, 1, 3)
    tree.extend(1, [9, 9])
    assert tree.cells == 6
    assert tree.longest([1, 2, 3, 9]) == Match(1, 4)


def test_what_nobody_holds_any_more_is_gone() -> None:
    tree = PrefixTree()
    tree.extend(0, [1, 2, 3, 4])
    tree.share(0, 1, 2)
    tree.cut(0, 0)
    assert tree.cells == 2
    assert tree.longest([1, 2, 3]) == Match(1, 2)


def depth(tree: PrefixTree, slots: int) -> int:
    return max(len([*tree._end(slot).way()]) for slot in range(slots))


def test_the_tree_is_never_deeper_than_there_are_slots() -> None:
    """As an editor does that asks for the end of every line: one text, taken up at ever other lengths."""
    tree, text = PrefixTree(), list(range(3000))
    tree.extend(0, text)
    for length in range(1, 2500):
        slot = 1 + length % 3
        tree.cut(slot, 0)
        tree.share(0, slot, length)
        tree.extend(slot, [7, 7])
    assert depth(tree, 4) <= 6


def test_a_tree_deeper_than_pythons_stack_is_still_searched() -> None:
    tree, text = PrefixTree(), list(range(3000))
    tree.extend(0, text[:1])
    for slot in range(1, 3000):
        tree.share(slot - 1, slot, slot)
        tree.extend(slot, [text[slot]])
    assert tree.longest([*text, 7]) == Match(2999, 3000)
    assert tree.longest_whole(text[:2000]) == Match(1999, 2000)
