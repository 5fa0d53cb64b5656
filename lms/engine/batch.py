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
from lms.engine.prefix import Match, common_prefix
from lms.engine.scheduler import Limits, plan
from lms.engine.sequence import Sequence
from lms.engine.slots import Slots
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
    """Owns the decoder. One thread only."""

    def __init__(self, decoder: Decoder, limits: Limits) -> None:
        self.limits = limits
        self.pass_tokens = 0
        """How many tokens the last pass took."""
        self._decoder = decoder
        self._slots = Slots(decoder)
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []

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
            self._slots.release(sequence.slot)
        else:
            self._waiting.remove(sequence)
        sequence.sampler.close()

    def reset(self) -> None:
        """End every sequence and forget everything in memory, after a pass that failed."""
        for sequence in (*self._running, *self._waiting):
            sequence.sampler.close()
        self._running.clear()
        self._waiting.clear()
        self._slots.clear()

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
            self._slots.extend(chunk.slot, chunk.tokens)
        return [outcome for sequence, chunk in planned for outcome in _advance(sequence, chunk, tokens)]

    def _admit(self) -> None:
        """Let waiting sequences run, in their order; only those that follow another's prompt are passed over."""
        for sequence in list(islice(self._waiting, self._decoder.parallel)):
            if len(self._running) == self._decoder.parallel:
                return
            match = self._slots.longest(sequence.tokens[:-1])
            if self._is_worth_waiting(sequence, match):
                continue
            if not self._has_room_for(sequence, match):
                return
            self._waiting.remove(sequence)
            sequence.begin(*self._slots.take(match))
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
        held = self._slots.cells_with(match, (running.slot for running in self._running))
        coming = sum(running.pending + 1 for running in self._running) + len(sequence.tokens) + 1
        return held + coming <= self._decoder.cells

    def _fitting(self, planned: list[tuple[Sequence, Chunk]]) -> list[tuple[Sequence, Chunk]]:
        """The plan, once there is room for it: memory is made by forgetting, then by putting sequences off."""
        while self._slots.cells + sum(len(chunk.tokens) for _, chunk in planned) > self._decoder.cells:
            if not self._slots.forget_oldest():
                self._put_off(self._running.pop())
                planned = plan(self._running, self.limits)
        return planned

    def _put_off(self, sequence: Sequence) -> None:
        self._slots.drop(sequence.slot)
        sequence.put_off()
        self._waiting.appendleft(sequence)


def _advance(sequence: Sequence, chunk: Chunk, tokens: Iterator[int]) -> list[Outcome]:
    sequence.processed += len(chunk.tokens)
    outcomes: list[Outcome] = []
    done = min(sequence.processed, sequence.prompt_length)
    if done > sequence.told:
        sequence.told = done
        outcomes.append(Progressed(sequence.uid, done, sequence.prompt_length, sequence.cached))
    if chunk.sample:
        token = next(tokens)
        sequence.tokens.append(token)
        outcomes.append(Sampled(sequence.uid, token))
    return outcomes
