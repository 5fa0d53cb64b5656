"""Continuous batching: sequences join and leave between passes, and every pass serves all of them.

`insert` queues a sequence, `step` runs one pass and says what came of it, `remove` ends a sequence. What sequences
share is processed once: a new one copies the longest beginning that any running or finished one holds, and waits while
another is just processing more of it. Cells of memory are shared too: when they run out, what finished sequences left
goes first, the least recently used before others; then the youngest running sequence waits, its tokens kept.
"""

from collections import deque
from collections.abc import Iterator
from collections.abc import Sequence as Tokens
from dataclasses import dataclass
from itertools import islice

from lms.engine.model import Chunk, Decoder
from lms.engine.prefix import Match, PrefixTree, common_prefix
from lms.engine.scheduler import Limits, plan
from lms.engine.sequence import Sequence
from lms.generation.request import Sampling

# So many more shared tokens make it worth to wait for them: fewer are processed in about one pass anyway.
WORTH_WAITING_TOKENS = 16


@dataclass(frozen=True)
class Progressed:
    """So much of the sequence's prompt is processed."""

    uid: int
    processed: int
    total: int
    cached: int


@dataclass(frozen=True)
class Sampled:
    """The sequence's next token."""

    uid: int
    token: int


Outcome = Progressed | Sampled


class Batch:
    """Owns the decoder's memory. One thread only."""

    def __init__(self, decoder: Decoder, limits: Limits) -> None:
        self.limits = limits
        self.pass_tokens = 0
        """How many tokens the last pass took."""
        self._decoder = decoder
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []
        self._forget_all()

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def is_prefilling(self) -> bool:
        """Whether any running sequence still processes its prompt."""
        return any(not sequence.is_decoding for sequence in self._running)

    def insert(self, uid: int, tokens: Tokens[int], sampling: Sampling) -> None:
        """Queue a sequence of at least one token. It runs until it is removed."""
        self._waiting.append(Sequence(uid, list(tokens), self._decoder.sampler(sampling)))

    def remove(self, uid: int) -> None:
        """End a sequence, running or waiting. What it processed stays in memory for the next prompt like it."""
        sequence = next((s for s in (*self._running, *self._waiting) if s.uid == uid), None)
        if sequence is None:
            return
        if sequence in self._running:
            self._running.remove(sequence)
            self._finished.append(sequence.slot)
        else:
            self._waiting.remove(sequence)
        sequence.sampler.close()

    def reset(self) -> None:
        """End every sequence and forget everything in memory, after a pass that failed."""
        for sequence in (*self._running, *self._waiting):
            sequence.sampler.close()
        self._running.clear()
        self._waiting.clear()
        for slot in range(self._decoder.slots):
            self._decoder.keep(slot, 0)
        self._forget_all()

    def step(self) -> list[Outcome]:
        """Run one pass. A pass over tokens that were processed before, and put off, has nothing to tell."""
        self._admit()
        planned = self._fitting(plan(self._running, self.limits))
        self.pass_tokens = sum(len(chunk.tokens) for _, chunk in planned)
        if not planned:
            return []
        samplers = [sequence.sampler if chunk.sample else None for sequence, chunk in planned]
        tokens = iter(self._decoder.decode([chunk for _, chunk in planned], samplers))
        for _, chunk in planned:
            self._held.extend(chunk.slot, chunk.tokens)
        return [outcome for sequence, chunk in planned for outcome in _advance(sequence, chunk, tokens)]

    def _forget_all(self) -> None:
        self._held = PrefixTree()
        self._finished: deque[int] = deque()  # slots of finished sequences, least recently used first
        self._empty = list(range(self._decoder.slots))

    def _admit(self) -> None:
        """Let waiting sequences run, in their order; only those that follow another's prompt are passed over."""
        for sequence in list(islice(self._waiting, self._decoder.parallel)):
            if len(self._running) == self._decoder.parallel:
                return
            match = self._held.longest(sequence.tokens[:-1])
            if self._is_worth_waiting(sequence, match):
                continue
            if not self._has_room_for(sequence, match):
                return
            self._waiting.remove(sequence)
            self._place(sequence, match)
            self._running.append(sequence)

    def _is_worth_waiting(self, sequence: Sequence, match: Match) -> bool:
        """Whether a running sequence is about to process more of this one's beginning than is in memory yet."""
        coming = (
            common_prefix(running.tokens[: running.prompt_length], sequence.tokens[:-1])
            for running in self._running
            if not running.is_decoding
        )
        return max(coming, default=0) >= match.length + WORTH_WAITING_TOKENS

    def _has_room_for(self, sequence: Sequence, match: Match) -> bool:
        """Whether all its tokens fit beside all of the running ones', with one more token for each."""
        if not self._running:
            return True
        slots = [running.slot for running in self._running]
        shared = self._held.held_by(match, slots) if match.length else 0
        needed = sum(running.pending + 1 for running in self._running) + len(sequence.tokens) + 1 - shared
        return self._held.cells_of(slots) + needed <= self._decoder.cells

    def _place(self, sequence: Sequence, match: Match) -> None:
        """Give `sequence` a slot that holds as much of its beginning as can be had."""
        goes_on = match.slot in self._finished and self._held.length(match.slot) == match.length
        slot = match.slot if goes_on else self._free_slot(match)
        if goes_on or slot == match.slot:
            self._finished.remove(slot)
            self._cut(slot, match.length)
        elif match.length and self._decoder.share(match.slot, slot, match.length):
            self._held.share(match.slot, slot, match.length)
            self._touch(match.slot)
        sequence.slot, sequence.processed = slot, self._held.length(slot)
        if not sequence.admitted:
            sequence.admitted, sequence.cached = True, sequence.processed

    def _touch(self, slot: int) -> None:
        """A finished sequence was of use: others are forgotten before it."""
        if slot in self._finished:
            self._finished.remove(slot)
            self._finished.append(slot)

    def _free_slot(self, match: Match) -> int:
        """An empty slot; where there is none, the least recently used finished one, the matched one last of all."""
        if not self._empty:
            others = [slot for slot in self._finished if slot != match.slot]
            if not others:
                return match.slot
            self._forget(others[0])
        return self._empty.pop()

    def _fitting(self, planned: list[tuple[Sequence, Chunk]]) -> list[tuple[Sequence, Chunk]]:
        """The plan, once there is room for it: memory is made by forgetting, then by putting sequences off."""
        while self._held.cells + sum(len(chunk.tokens) for _, chunk in planned) > self._decoder.cells:
            if self._finished:
                self._forget(self._finished[0])
            else:
                self._put_off(self._running[-1])
                planned = plan(self._running, self.limits)
        return planned

    def _put_off(self, sequence: Sequence) -> None:
        self._running.remove(sequence)
        self._finished.append(sequence.slot)
        self._forget(sequence.slot)
        sequence.slot, sequence.processed = -1, 0
        self._waiting.appendleft(sequence)

    def _forget(self, slot: int) -> None:
        """Empty the slot of a finished sequence."""
        self._finished.remove(slot)
        self._cut(slot, 0)
        self._empty.append(slot)

    def _cut(self, slot: int, length: int) -> None:
        self._held.cut(slot, self._decoder.keep(slot, length))


def _advance(sequence: Sequence, chunk: Chunk, tokens: Iterator[int]) -> list[Outcome]:
    in_prompt = sequence.processed < sequence.prompt_length
    sequence.processed += len(chunk.tokens)
    outcomes: list[Outcome] = []
    if in_prompt:
        done = min(sequence.processed, sequence.prompt_length)
        outcomes.append(Progressed(sequence.uid, done, sequence.prompt_length, sequence.cached))
    if chunk.sample:
        token = next(tokens)
        sequence.tokens.append(token)
        outcomes.append(Sampled(sequence.uid, token))
    return outcomes
