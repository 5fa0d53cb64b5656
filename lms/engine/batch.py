"""Continuous batching: sequences join and leave between passes, and every pass serves all of them.

`insert` queues a sequence, `step` runs one pass and says what came of it, `remove` ends a sequence. The model's cells
are shared: when they run out, what finished sequences left goes first; then the youngest running sequence waits and
is processed again later, its tokens kept.
"""

from collections import deque
from collections.abc import Iterator
from collections.abc import Sequence as Tokens
from dataclasses import dataclass

from lms.engine.model import Chunk, Decoder
from lms.engine.prefix import PrefixCache
from lms.engine.scheduler import Limits, plan
from lms.engine.sequence import Sequence
from lms.generation.request import Sampling


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
        self._decoder = decoder
        self._limits = limits
        self._prefixes = PrefixCache(decoder.slots)
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
            self._prefixes.release(sequence.slot, sequence.tokens[: sequence.processed])
        else:
            self._waiting.remove(sequence)
        sequence.sampler.close()

    def reset(self) -> None:
        """End every sequence and forget everything in memory, after a pass that failed."""
        for sequence in (*self._running, *self._waiting):
            sequence.sampler.close()
        self._running.clear()
        self._waiting.clear()
        self._prefixes = PrefixCache(self._decoder.slots)
        for slot in range(self._decoder.slots):
            self._decoder.keep(slot, 0)

    def step(self) -> list[Outcome]:
        """Run one pass. A pass over tokens that were processed before, and put off, has nothing to tell."""
        self._admit()
        planned = self._fitting(plan(self._running, self._limits))
        if not planned:
            return []
        samplers = [sequence.sampler if chunk.sample else None for sequence, chunk in planned]
        tokens = iter(self._decoder.decode([chunk for _, chunk in planned], samplers))
        return [outcome for sequence, chunk in planned for outcome in _advance(sequence, chunk, tokens)]

    def _admit(self) -> None:
        while self._waiting and len(self._prefixes) and self._has_room_for(self._waiting[0]):
            sequence = self._waiting.popleft()
            match = self._prefixes.take(sequence.tokens)
            kept = self._decoder.keep(match.slot, match.length)
            sequence.slot, sequence.processed = match.slot, kept
            if not sequence.admitted:
                sequence.admitted, sequence.cached = True, kept
            self._running.append(sequence)

    def _has_room_for(self, sequence: Sequence) -> bool:
        """Whether all its tokens fit beside all of the running ones', with one more token for each."""
        committed = sum(len(running.tokens) + 1 for running in self._running)
        return not self._running or committed + len(sequence.tokens) + 1 <= self._decoder.cells

    def _fitting(self, planned: list[tuple[Sequence, Chunk]]) -> list[tuple[Sequence, Chunk]]:
        """The plan, once there is room for it: memory is made by forgetting, then by putting sequences off."""
        while self._cells_after(planned) > self._decoder.cells:
            if (slot := self._prefixes.oldest()) is not None:
                self._decoder.keep(slot, 0)
                self._prefixes.forget(slot)
            else:
                self._put_off(self._running[-1])
                planned = plan(self._running, self._limits)
        return planned

    def _cells_after(self, planned: list[tuple[Sequence, Chunk]]) -> int:
        held = self._prefixes.cells + sum(sequence.processed for sequence in self._running)
        return held + sum(len(chunk.tokens) for _, chunk in planned)

    def _put_off(self, sequence: Sequence) -> None:
        self._running.remove(sequence)
        self._decoder.keep(sequence.slot, 0)
        self._prefixes.release(sequence.slot, [])
        sequence.slot, sequence.processed = -1, 0
        self._waiting.appendleft(sequence)


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
