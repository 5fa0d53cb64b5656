"""Which sequences have a stored state, by number: what answers a prompt, and what makes what needless.

Pure bookkeeping for both tiers, `states.py` and `state_files.py`. Unlike slots of the model's memory, no two entries
hold the same run of tokens twice here, so the tree's shape follows from its content alone.
"""

from collections.abc import Iterator

from lms.engine.prefix import Match, PrefixTree


class StateIndex:
    """Token sequences by numbers that the caller chooses. Lists of tokens only: a tuple never equals a list.

    divisible: a state can be cut back to any beginning of its tokens, so a longer one replaces those of its beginnings.
    Recurrent memories cannot: there a state answers only prompts that begin with all of its tokens.
    """

    def __init__(self, *, divisible: bool) -> None:
        self._divisible = divisible
        self._tree = PrefixTree()

    def add(self, number: int, tokens: list[int]) -> None:
        """`number`, which is new, stands for these tokens."""
        match = self._tree.longest(tokens)
        if match.length:
            self._tree.share(match.slot, number, match.length)
        self._tree.extend(number, tokens[match.length :])

    def remove(self, number: int) -> None:
        self._tree.cut(number, 0)

    def longest(self, tokens: list[int]) -> Match:
        """The entry that can answer most of the beginning of `tokens`. The length is 0 when none can."""
        return self._tree.longest(tokens) if self._divisible else self._tree.longest_whole(tokens)

    def length(self, number: int) -> int:
        """How many tokens `number` stands for."""
        return self._tree.length(number)

    def covering(self, tokens: list[int]) -> int | None:
        """An entry that makes a state of just these tokens needless."""
        match = self.longest(tokens)
        return match.slot if match.length == len(tokens) else None

    def covered_by(self, tokens: list[int]) -> Iterator[int]:
        """The entries that a state of these tokens makes needless. To be removed one by one while they come."""
        while self._divisible and (match := self._tree.longest_whole(tokens)).length:
            yield match.slot
