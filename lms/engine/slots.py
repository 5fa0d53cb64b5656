"""The slots of the model's memory: which are taken, what finished sequences left in them, and who may reuse that.

Keeps the decoder's memory and its picture, the prefix tree, in step. Finished sequences are forgotten only when their
slot or their cells are wanted, the least recently used first.
"""

from collections import deque
from collections.abc import Iterable
from collections.abc import Sequence as Tokens

from lms.engine.model import Decoder
from lms.engine.prefix import Match, PrefixTree


class Slots:
    """Owns the decoder's memory."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._held = PrefixTree()
        self._finished: deque[int] = deque()  # least recently used first
        self._empty = list(range(decoder.slots))

    @property
    def cells(self) -> int:
        """Cells in use, those of finished sequences included."""
        return self._held.cells

    def longest(self, tokens: Tokens[int]) -> Match:
        """The slot that holds most of the beginning of `tokens`, of a running or a finished sequence."""
        return self._held.longest(tokens)

    def cells_with(self, match: Match, running: Iterable[int]) -> int:
        """Cells that `running` slots need, without those that `match` can take over from them."""
        slots = list(running)
        shared = self._held.held_by(match, slots) if match.length else 0
        return self._held.cells_of(slots) - shared

    def take(self, match: Match) -> tuple[int, int]:
        """A slot for a new sequence, and how many of the matched tokens it holds.

        A finished sequence that matches as a whole is continued where it is; otherwise its beginning is shared.
        """
        goes_on = match.slot in self._finished and self._held.length(match.slot) == match.length
        slot = match.slot if goes_on else self._free_slot(match)
        if slot == match.slot:
            self._finished.remove(slot)
            self._cut(slot, match.length)
        elif match.length and self._decoder.share(match.slot, slot, match.length):
            self._held.share(match.slot, slot, match.length)
            self._touch(match.slot)
        return slot, self._held.length(slot)

    def extend(self, slot: int, tokens: Tokens[int]) -> None:
        """The decoder has put these tokens into `slot`."""
        self._held.extend(slot, tokens)

    def release(self, slot: int) -> None:
        """The sequence in `slot` has finished. What it left may be reused."""
        self._finished.append(slot)

    def drop(self, slot: int) -> None:
        """The sequence in `slot` gives up all its cells at once."""
        self.release(slot)
        self._forget(slot)

    def forget_oldest(self) -> bool:
        """Make room: forget the finished sequence that was used least recently. False if there is none."""
        if self._finished:
            self._forget(self._finished[0])
            return True
        return False

    def clear(self) -> None:
        """Forget everything, also what runs: after a pass that failed, memory is not what it was thought to be."""
        for slot in range(self._decoder.slots):
            self._decoder.keep(slot, 0)
        self._held = PrefixTree()
        self._finished.clear()
        self._empty = list(range(self._decoder.slots))

    def _free_slot(self, match: Match) -> int:
        """An empty slot; where there is none, the least recently used finished one, the matched one last of all."""
        if not self._empty:
            others = [slot for slot in self._finished if slot != match.slot]
            if not others:
                return match.slot
            self._forget(others[0])
        return self._empty.pop()

    def _touch(self, slot: int) -> None:
        """A finished sequence was of use: others are forgotten before it."""
        if slot in self._finished:
            self._finished.remove(slot)
            self._finished.append(slot)

    def _forget(self, slot: int) -> None:
        self._finished.remove(slot)
        self._cut(slot, 0)
        self._empty.append(slot)

    def _cut(self, slot: int, length: int) -> None:
        self._held.cut(slot, self._decoder.keep(slot, length))
