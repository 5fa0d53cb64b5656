"""The slots of the model's memory: which are taken, what finished sequences left in them, and who may reuse that.

Keeps the decoder's memory and its picture, the prefix tree, in step. Finished sequences are forgotten only when their
slot or their cells are wanted, the least recently used first; what only they held is stored before, and put back when a
prompt begins with it. Memory that is not divisible is stored at points on the way, too: others can begin with nothing
else of it.
"""

from collections import deque
from collections.abc import Iterable
from collections.abc import Sequence as Tokens
from dataclasses import dataclass

from lms.engine.model import Decoder
from lms.engine.prefix import Match, PrefixTree
from lms.engine.states import StateStore, StoredMatch

# Fewer tokens are processed again in no more time than it takes to copy them.
WORTH_STORING_TOKENS = 32


@dataclass(frozen=True)
class Found:
    """Where the first `length` tokens of a prompt are: in the memory of `slot` (-1: in none), or stored."""

    length: int
    slot: int = -1
    stored: StoredMatch | None = None


class Slots:
    """Owns the decoder's memory and the store."""

    def __init__(self, decoder: Decoder, store: StateStore) -> None:
        self._decoder = decoder
        self._store = store
        self._held = PrefixTree()
        self._finished: deque[int] = deque()  # least recently used first
        self._empty = list(range(decoder.slots))

    @property
    def cells(self) -> int:
        """Cells in use, those of finished sequences included."""
        return self._held.cells

    def find(self, tokens: Tokens[int]) -> Found:
        """Where most of the beginning of `tokens` is: in a running or a finished sequence, or stored."""
        divisible = self._decoder.divisible
        held = self._held.longest(tokens) if divisible else self._held.longest_whole(tokens, set(self._finished))
        stored = self._store.longest(tokens)
        if stored and stored.length >= held.length + WORTH_STORING_TOKENS and stored.tokens <= self._decoder.cells:
            return Found(stored.length, stored=stored)
        return Found(held.length, held.slot)

    def cells_with(self, found: Found, running: Iterable[int]) -> int:
        """Cells that `running` slots need, without those that `found` can take over from them."""
        slots = list(running)
        shared = self._held.held_by(Match(found.slot, found.length), slots) if found.slot >= 0 else 0
        return self._held.cells_of(slots) - shared

    def take(self, found: Found, tokens: Tokens[int]) -> tuple[int, int]:
        """A slot for a new sequence of `tokens`, and how many of them it holds already.

        A finished sequence that matches as a whole is continued where it is; otherwise its beginning is shared.
        """
        if found.stored:
            return self._restore(found.stored, tokens)
        slot = found.slot if self._goes_on(found) else self._free_slot(found.slot)
        if slot == found.slot:
            self._finished.remove(slot)
            self._cut(slot, found.length)
        elif found.length and self._decoder.share(found.slot, slot, found.length):
            self._held.share(found.slot, slot, found.length)
            self._touch(found.slot)
        return slot, self._held.length(slot)

    def extend(self, slot: int, tokens: Tokens[int]) -> None:
        """The decoder has put these tokens into `slot`."""
        self._held.extend(slot, tokens)

    def keep(self, slot: int, length: int) -> int:
        """Forget what `slot` holds from position `length` on, if anything. Returns how much it holds then."""
        if length < self._held.length(slot):
            self._cut(slot, length)
        return self._held.length(slot)

    def release(self, slot: int) -> None:
        """The sequence in `slot` has finished. What it left may be reused, from memory or, if that is much, the store.

        What has finished last stays in memory in any case: it is the likeliest to be reused.
        """
        self._finished.append(slot)
        while self._store.limit_bytes and len(self._finished) > 1 and self._left > self._decoder.leavings:
            self.forget_oldest()

    @property
    def _left(self) -> int:
        """Cells that only finished sequences hold."""
        running = set(range(self._decoder.slots)).difference(self._finished, self._empty)
        return self.cells - self._held.cells_of(running)

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

    def store(self, slot: int) -> None:
        """Store all that `slot` holds, if the store wants it."""
        tokens = self._held.tokens(slot)
        if self._store.wants(tokens, self._decoder.state_bytes(slot)):
            self._store.put(tokens, self._decoder.save(slot))

    def clear(self) -> None:
        """Forget everything, also what runs: after a pass that failed, memory is not what it was thought to be."""
        for slot in range(self._decoder.slots):
            self._decoder.keep(slot, 0)
        self._held = PrefixTree()
        self._finished.clear()
        self._empty = list(range(self._decoder.slots))

    def close(self, timeout_s: float) -> None:
        """Forget everything, and let the store write what it can in that time: it may outlive the model."""
        while self.forget_oldest():
            pass
        self._store.close(timeout_s)

    def _goes_on(self, found: Found) -> bool:
        return found.slot in self._finished and self._held.length(found.slot) == found.length

    def _restore(self, stored: StoredMatch, tokens: Tokens[int]) -> tuple[int, int]:
        state = self._store.get(stored)  # at once: what is forgotten for its sake may push it out of the store
        slot = self._free_slot()
        while self.cells + stored.tokens > self._decoder.cells and self.forget_oldest():
            pass
        if state is not None and self.cells + stored.tokens <= self._decoder.cells:
            if self._decoder.restore(slot, state):
                self._held.extend(slot, tokens[: self._decoder.keep(slot, stored.length)])
            else:
                self._store.drop(stored)
        return slot, self._held.length(slot)

    def _free_slot(self, wanted: int = -1) -> int:
        """An empty slot; where there is none, the least recently used finished one, the `wanted` one last of all."""
        if not self._empty:
            others = [slot for slot in self._finished if slot != wanted]
            if not others:
                return wanted
            self._forget(others[0])
        slot = min(self._empty)  # llama.cpp computes slots together that follow each other
        self._empty.remove(slot)
        return slot

    def _touch(self, slot: int) -> None:
        """A finished sequence was of use: others are forgotten before it."""
        if slot in self._finished:
            self._finished.remove(slot)
            self._finished.append(slot)

    def _forget(self, slot: int) -> None:
        if self._held.own(slot) >= WORTH_STORING_TOKENS:
            self.store(slot)
        self._finished.remove(slot)
        self._cut(slot, 0)
        self._empty.append(slot)

    def _cut(self, slot: int, length: int) -> None:
        self._held.cut(slot, self._decoder.keep(slot, length))
