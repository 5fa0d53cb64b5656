"""Which tokens the model's memory holds, for which slots, and which of them are shared: a radix tree over token ids.

A node is a run of tokens that lies in memory once. A slot holds the tokens on the way from the root to the node where
it ends; slots that were copied from each other share the upper part of that way. Pure bookkeeping: `batch.py` does to
the decoder's memory what it does here. Two slots that came to the same tokens on their own hold them twice, here as
in the real memory.
"""

from collections.abc import Iterable, Iterator, Set
from collections.abc import Sequence as Tokens
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Match:
    """`slot` holds the first `length` tokens that were looked for."""

    slot: int
    length: int


@dataclass(eq=False)
class Node:
    """A run of tokens. `slots` are those that end with its last token."""

    tokens: list[int]
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    slots: set[int] = field(default_factory=set)

    def way(self) -> Iterator["Node"]:
        """This node and those above it, up to the root."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.parent

    def any_slot(self) -> int:
        """A slot that holds this node: it ends here or further down."""
        node = self
        while not node.slots:
            node = node.children[0]
        return next(iter(node.slots))


def common_prefix(left: Tokens[int], right: Tokens[int]) -> int:
    """The number of leading tokens that both share."""
    shortest = min(len(left), len(right))
    if left[:shortest] == right[:shortest]:
        return shortest
    low, high = 0, shortest
    while low < high:  # slices compare in C: a binary search over them beats a Python loop over tokens
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


class PrefixTree:
    """What every slot holds. Slots that were never mentioned hold nothing."""

    def __init__(self) -> None:
        self._root = Node([])
        self._ends: dict[int, Node] = {}
        self.cells = 0
        """Tokens in memory, each counted once however many slots share it."""

    def length(self, slot: int) -> int:
        """How many tokens `slot` holds."""
        return sum(len(node.tokens) for node in self._end(slot).way())

    def extend(self, slot: int, tokens: Tokens[int]) -> None:
        """`slot` holds these tokens too, after those it has."""
        if not tokens:
            return
        end = self._end(slot)
        if end is self._root or end.children or len(end.slots) > 1:
            end = self._move(slot, self._grow(end))
        end.tokens += tokens
        self.cells += len(tokens)

    def share(self, source: int, slot: int, length: int) -> None:
        """`slot`, which is empty, holds the first `length` tokens of `source` together with it."""
        self._move(slot, self._node_at(source, length))

    def cut(self, slot: int, length: int) -> None:
        """`slot` holds only its first `length` tokens from now on."""
        end = self._end(slot)
        self._move(slot, self._node_at(slot, length))
        self._prune(end)

    def longest(self, tokens: Tokens[int]) -> Match:
        """The slot that holds most of the beginning of `tokens`. The length is 0 when none holds any."""
        node, length, _ = max(self._agreeing(tokens), key=lambda reached: reached[1])
        return Match(node.any_slot(), length) if length else Match(-1, 0)

    def tokens(self, slot: int) -> list[int]:
        """What `slot` holds."""
        return [token for node in reversed([*self._end(slot).way()]) for token in node.tokens]

    def own(self, slot: int) -> int:
        """How many tokens only `slot` holds."""
        own, below = 0, None
        for node in self._end(slot).way():
            if node.slots - {slot} or any(child is not below for child in node.children):
                break
            own, below = own + len(node.tokens), node
        return own

    def longest_whole(self, tokens: Tokens[int], among: Set[int] | None = None) -> Match:
        """As `longest`, among the slots that hold nothing but a beginning of `tokens`, and are `among` those given."""
        ends = (
            Match(slot, length)
            for node, length, whole in self._agreeing(tokens)
            if whole
            for slot in (node.slots if among is None else node.slots & among)
        )
        return max(ends, key=lambda match: match.length, default=Match(-1, 0))

    def cells_of(self, slots: Iterable[int]) -> int:
        """Tokens that these slots hold, each counted once."""
        return sum(len(node.tokens) for node in self._nodes_of(slots))

    def held_by(self, match: Match, slots: Iterable[int]) -> int:
        """How many of the matched tokens any of `slots` holds too."""
        nodes, held = self._nodes_of(slots), 0
        for node in reversed([*self._end(match.slot).way()]):
            if node not in nodes or held >= match.length:
                break
            held += len(node.tokens)
        return min(held, match.length)

    def _end(self, slot: int) -> Node:
        return self._ends.get(slot, self._root)

    def _nodes_of(self, slots: Iterable[int]) -> set[Node]:
        return {node for slot in slots for node in self._end(slot).way()}

    def _move(self, slot: int, node: Node) -> Node:
        self._end(slot).slots.discard(slot)
        self._ends.pop(slot, None)
        if node is not self._root:
            node.slots.add(slot)
            self._ends[slot] = node
        return node

    def _grow(self, parent: Node) -> Node:
        child = Node([], parent)
        parent.children.append(child)
        return child

    def _node_at(self, slot: int, length: int) -> Node:
        """The node on the way of `slot` that ends after `length` tokens; a longer one is split there."""
        depth = self.length(slot)
        for node in self._end(slot).way():
            depth -= len(node.tokens)
            if depth < length:
                return self._split(node, length - depth)
        return self._root

    def _split(self, node: Node, at: int) -> Node:
        """Divide `node` so that its first `at` tokens are a node of their own, which is returned."""
        if at == len(node.tokens):
            return node
        parent = node.parent
        assert parent is not None  # the root has no tokens, so it is never split
        upper = Node(node.tokens[:at], parent, [node])
        parent.children[parent.children.index(node)] = upper
        node.tokens, node.parent = node.tokens[at:], upper
        return upper

    def _prune(self, node: Node) -> None:
        """Remove `node`, and those above it, as far as no slot holds them. What only led to one branch joins it."""
        while node.parent is not None and not node.slots and not node.children:
            self.cells -= len(node.tokens)
            node.parent.children.remove(node)
            node = node.parent
        if node.parent is not None and not node.slots and len(node.children) == 1:
            self._join(node, node.children[0])

    def _join(self, upper: Node, lower: Node) -> None:
        """Make both runs one again, or the tree would grow deeper with every place it was ever split at."""
        assert upper.parent is not None  # the root is never joined
        lower.tokens = upper.tokens + lower.tokens
        lower.parent = upper.parent
        upper.parent.children[upper.parent.children.index(upper)] = lower

    def _agreeing(self, tokens: Tokens[int]) -> Iterator[tuple[Node, int, bool]]:
        """Every node whose way agrees with `tokens` into the node: how far, and whether to its end.

        Equal runs are all looked into. No recursion: a tree of many slots may be deeper than Python's stack.
        """
        pending = [(self._root, 0)]
        while pending:
            node, start = pending.pop()
            yield node, start, True
            for child in node.children:
                if start == len(tokens) or child.tokens[0] != tokens[start]:
                    continue
                shared = common_prefix(child.tokens, tokens[start : start + len(child.tokens)])
                if shared == len(child.tokens):
                    pending.append((child, start + shared))
                else:
                    yield child, start + shared, False
