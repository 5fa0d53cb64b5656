"""What finished sequences left in the model's memory, so that the next prompt that starts alike need not repeat it.

Pure bookkeeping over token ids: the decoder's memory is changed by `batch.py`, which asks here first. The limit: a
prefix is found in the slot where it lies, one slot serves one sequence, and nothing is copied between slots.
"""

from collections.abc import Sequence as Tokens
from dataclasses import dataclass


@dataclass(frozen=True)
class Match:
    """A free slot, and how many leading tokens of the prompt it already holds."""

    slot: int
    length: int


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


class PrefixCache:
    """The free slots and the tokens that each still holds, least recently released first."""

    def __init__(self, slots: int) -> None:
        self._held: dict[int, list[int]] = {slot: [] for slot in range(slots)}

    def __len__(self) -> int:
        """How many slots are free."""
        return len(self._held)

    @property
    def cells(self) -> int:
        """Tokens held by free slots."""
        return sum(len(tokens) for tokens in self._held.values())

    def take(self, prompt: list[int]) -> Match:
        """Take the slot that shares most with `prompt` if that is worth it, else an empty or the oldest one.

        It is worth it when half of the prompt, or half of what the slot holds, is shared: a new conversation that has
        only a greeting in common with an old one does not cost the old one its memory. At least one token of the
        prompt is left to process, since the model gives the next token only for that.
        """
        lengths = {slot: common_prefix(tokens, prompt[:-1]) for slot, tokens in self._held.items()}
        best = max(lengths, key=lambda slot: lengths[slot])
        if 2 * lengths[best] < min(len(prompt), len(self._held[best])):
            best = next((slot for slot, tokens in self._held.items() if not tokens), next(iter(self._held)))
        del self._held[best]
        return Match(best, lengths[best])

    def release(self, slot: int, tokens: list[int]) -> None:
        """Give `slot` back; it holds `tokens`."""
        self._held[slot] = tokens

    def oldest(self) -> int | None:
        """The slot released longest ago that holds anything."""
        return next((slot for slot, tokens in self._held.items() if tokens), None)

    def forget(self, slot: int) -> None:
        """`slot` was emptied."""
        self._held[slot] = []
