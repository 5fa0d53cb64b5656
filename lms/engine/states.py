"""Where the states of sequences go that the model's memory has no room for: a tier in RAM, and behind it one on disk.

A state is what llama.cpp makes of one sequence (`llama_state_seq_get_data`): bytes that nobody here looks into. The RAM
tier keeps the most recently used ones within a limit; what falls out is written to files, where there are any
(`state_files.py`). One thread only; nothing here waits for the disk but `get` of a state that lies there, and `close`.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Sequence as Tokens
from dataclasses import dataclass
from itertools import count

from lms.engine.prefix import Match
from lms.engine.state_files import StateFiles
from lms.engine.state_index import StateIndex


@dataclass(frozen=True)
class StoredMatch:
    """A stored state that holds the first `length` tokens that were looked for.

    tokens, size_bytes: what putting it back takes of the model's memory and moves, whatever part of it is wanted
    on_disk: that many bytes are read and checked first
    """

    number: int
    length: int
    tokens: int
    size_bytes: int
    on_disk: bool


@dataclass
class Entry:
    """A state in RAM. `used_ns` is the wall clock's, in nanoseconds since 1970."""

    tokens: list[int]
    state: bytes
    used_ns: int


class StateStore:
    """Both tiers. States in RAM never take more than `limit_bytes`; of tokens and bookkeeping, small beside them,
    nothing is counted. A state that has fallen out and waits to be written counts for `StateFiles`, which bounds them.
    """

    def __init__(
        self,
        limit_bytes: int,
        files: StateFiles | None = None,
        *,
        divisible: bool = True,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """divisible: as `StateIndex`, and as `files` has it. With a limit of 0 all goes to `files` at once."""
        self.limit_bytes = limit_bytes
        self._files = files
        self._clock_ns = clock_ns
        self._numbers = count()
        self._index = StateIndex(divisible=divisible)
        self._entries: OrderedDict[int, Entry] = OrderedDict()  # least recently used first
        self.size_bytes = 0
        """Of all states in RAM."""

    def __len__(self) -> int:
        """States in RAM."""
        return len(self._entries)

    def wants(self, tokens: Tokens[int], size_bytes: int) -> bool:
        """Whether `put` would keep a state of that size: to be asked before one is copied out of the model's memory.

        False where one is stored already that does as well; that one is marked as used.
        """
        wanted = list(tokens)
        if not wanted:
            return False
        if self._touch(self._index.covering(wanted)):
            return False
        return size_bytes <= self.limit_bytes or (self._files is not None and self._files.wants(wanted, size_bytes))

    def put(self, tokens: Tokens[int], state: bytes) -> None:
        """Keep `state`, which holds just these tokens and is never altered again. Does nothing if it is not wanted.

        What it makes needless is dropped; what has then no room falls out, the least recently used first. A state
        larger than the whole limit goes to disk at once.
        """
        kept = Entry(list(tokens), state, self._clock_ns())
        if not self.wants(kept.tokens, len(state)):
            return
        if len(state) > self.limit_bytes:
            self._write(kept)
            return
        for number in self._index.covered_by(kept.tokens):
            self._remove(number)
        while self.size_bytes + len(state) > self.limit_bytes:
            self._write(self._remove(next(iter(self._entries))))
        self._add(kept)

    def longest(self, tokens: Tokens[int]) -> StoredMatch | None:
        """The state that can answer most of the beginning of `tokens`, the one in RAM where both tiers can."""
        wanted = list(tokens)
        match = self._index.longest(wanted)
        in_ram = self._in_ram(match) if match.length else None
        if self._files is None:
            return in_ram
        match = self._files.longest(wanted)
        if match.length <= (in_ram.length if in_ram else 0):
            return in_ram
        return StoredMatch(match.slot, match.length, *self._files.size_of(match.slot), on_disk=True)

    def get(self, match: StoredMatch) -> bytes | None:
        """The state itself, which is marked as used. None if it is gone or turned out to be damaged.

        A state on disk is read here and now: 0.14 s for 100 MiB that the system still has in its cache. It stays
        where it is: with its tokens in the model's memory again, RAM is better used for others.
        """
        if match.on_disk:
            return self._files.read(match.number) if self._files is not None else None
        return self._entries[match.number].state if self._touch(match.number) else None

    def drop(self, match: StoredMatch) -> None:
        """Forget a state that the model's memory did not take, on disk too."""
        if match.on_disk:
            if self._files is not None:
                self._files.drop(match.number)
        elif match.number in self._entries:
            self._remove(match.number)

    def clear(self) -> None:
        """Forget all that is in RAM. Files stay."""
        for number in list(self._entries):
            self._remove(number)

    def close(self, timeout_s: float) -> None:
        """Write what is in RAM to disk, the most recently used first, and wait up to `timeout_s` for it.

        Without a disk tier all is lost. What is not written in time is lost too.
        """
        if self._files is not None:
            for entry in reversed(self._entries.values()):
                self._files.put(entry.tokens, entry.state, entry.used_ns, even_if_behind=True)
            self._files.close(timeout_s)
        self.clear()

    def _in_ram(self, match: Match) -> StoredMatch:
        entry = self._entries[match.slot]
        return StoredMatch(match.slot, match.length, len(entry.tokens), len(entry.state), on_disk=False)

    def _add(self, entry: Entry) -> None:
        number = next(self._numbers)
        self._index.add(number, entry.tokens)
        self._entries[number] = entry
        self.size_bytes += len(entry.state)

    def _remove(self, number: int) -> Entry:
        self._index.remove(number)
        entry = self._entries.pop(number)
        self.size_bytes -= len(entry.state)
        return entry

    def _touch(self, number: int | None) -> bool:
        """Mark it as used. False if there is none."""
        if number is None or number not in self._entries:
            return False
        self._entries.move_to_end(number)
        self._entries[number].used_ns = self._clock_ns()
        return True

    def _write(self, entry: Entry) -> None:
        if self._files is not None:
            self._files.put(entry.tokens, entry.state, entry.used_ns)
