"""Guesses of a draft model: a small one that reads along and says what it would write next.

It costs passes of its own, one for each guessed token, which all sequences share. So a guess ends where the draft model
is not sure (its decoder draws `UNSURE`), and a prompt is read in pieces, so that nobody waits for it. What was
guessed wrong is taken back when the sequence is looked at again; a sequence that is not looked at costs nothing.
A new sequence takes over what any slot holds of its beginning. The limit: memory is counted as if slots shared nothing,
so where many sequences share a long beginning the last ones may be left without guesses. Where there are pictures
there are no guesses: a draft model sees none.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from collections.abc import Sequence as Tokens
from dataclasses import dataclass, field

from lms.engine.model import UNSURE, Chunk, DraftDecoder
from lms.engine.picture_tokens import is_text
from lms.engine.prefix import common_prefix
from lms.generation.request import DEFAULT_SAMPLING

# A guess after a longer reading says nothing about what guessing costs.
SHORT_READING_TOKENS = 8


@dataclass(frozen=True)
class Wanted:
    """Up to `most` tokens that may follow the `tokens` of sequence `uid`, which only ever grow."""

    uid: int
    tokens: Tokens[int]
    most: int


@dataclass(frozen=True)
class Proposal:
    """The guessed tokens. `tried` is how many the draft model computed, the one it was not sure of among them."""

    tokens: tuple[int, ...] = ()
    tried: int = 0


@dataclass(frozen=True)
class Effort:
    """What the last proposals took: seconds in all, and how many tokens were tried, if little else was done."""

    seconds: float = 0.0
    tried: int = 0


NO_EFFORT = Effort()


@dataclass
class _Follower:
    """The slot in which the draft model follows a sequence. Of what it holds, the first `certain` tokens were said."""

    slot: int
    certain: int


@dataclass
class _Guess:
    wanted: Wanted
    follower: _Follower
    tokens: list[int] = field(default_factory=list)
    tried: int = 0

    @property
    def goes_on(self) -> bool:
        return self.tried == len(self.tokens) < self.wanted.most

    @property
    def proposal(self) -> Proposal:
        return Proposal(tuple(self.tokens), self.tried)


_Pass = list[tuple[_Guess, Chunk]]


class Drafter:
    """Owns the draft model's memory. One thread only. `last` is what the last proposals took.

    Tokens are known to both models if they are below `vocabulary_size`.
    """

    def __init__(
        self, decoder: DraftDecoder, vocabulary_size: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.last = NO_EFFORT
        self._decoder = decoder
        self._vocabulary_size = min(vocabulary_size, decoder.vocabulary_size)
        self._clock = clock
        self._sampler = decoder.sampler(DEFAULT_SAMPLING)
        self._held: list[list[int]] = [[] for _ in range(decoder.slots)]
        self._free = deque(range(decoder.slots))  # least recently used first
        self._followers: dict[int, _Follower] = {}

    def propose(self, wanted: Tokens[Wanted], most_read: int) -> list[Proposal]:
        """A proposal for each, after reading what is new to the draft model, `most_read` tokens at most in all.

        An empty one for those whose reading is not done, or for which there is no room. Raises EngineFailed.
        """
        started_s = self._clock()
        guesses = [_Guess(one, self._follower(one)) for one in wanted if one.uid in self._followers or self._free]
        chunks = list(self._unread(guesses, most_read))
        is_short = sum(len(chunk) for _, chunk in chunks) <= SHORT_READING_TOKENS * len(chunks)
        while chunks:
            self._run(chunks)
            chunks = [(guess, self._next(guess)) for guess, chunk in chunks if chunk.sample and guess.goes_on]
        proposals = {guess.wanted.uid: guess.proposal for guess in guesses}
        tried = sum(guess.tried for guess in guesses)
        self.last = Effort(self._clock() - started_s, tried if is_short else 0)
        return [proposals.get(one.uid, Proposal()) for one in wanted]

    def release(self, uid: int) -> None:
        """The sequence has ended or rests. What was read of it may be of use to another."""
        follower = self._followers.pop(uid, None)
        if follower is not None:
            self._free.append(follower.slot)

    def clear(self) -> None:
        """Forget everything, also what runs: after a pass that failed, memory is not what it was thought to be."""
        for slot, held in enumerate(self._held):
            self._decoder.keep(slot, 0)
            held.clear()
        self._followers.clear()
        self._free = deque(range(len(self._held)))

    def close(self) -> None:
        """Give back all memory."""
        self._sampler.close()
        self._decoder.close()

    def _follower(self, wanted: Wanted) -> _Follower:
        """The sequence's follower. It holds nothing but what was said, and not all: something is left to read."""
        follower = self._followers.get(wanted.uid)
        if follower is None:
            follower = self._followers[wanted.uid] = _Follower(self._slot_for(wanted), 0)
        held, said = self._held[follower.slot], wanted.tokens
        agreed = follower.certain + common_prefix(held[follower.certain :], said[follower.certain :])
        self._cut(follower.slot, min(agreed, len(said) - 1))
        follower.certain = len(held)
        return follower

    def _slot_for(self, wanted: Wanted) -> int:
        """A free slot that holds as much of the beginning as any slot does."""
        shared = [common_prefix(held, wanted.tokens) for held in self._held]
        best = max(range(len(shared)), key=shared.__getitem__)
        if best in self._free:
            self._free.remove(best)
            return best
        slot = self._free.popleft()
        self._cut(slot, 0)
        if shared[best] and self._decoder.share(best, slot, shared[best]):
            self._held[slot] = self._held[best][: shared[best]]
        return slot

    def _unread(self, guesses: Tokens[_Guess], most_read: int) -> Iterator[tuple[_Guess, Chunk]]:
        """What is to be read before the guessing: a chunk for each that there is room for."""
        coming = sum(guess.wanted.most for guess in guesses)
        for guess in guesses:
            held = len(self._held[guess.follower.slot])
            unread = tuple(guess.wanted.tokens[held:])
            chunk = Chunk(guess.follower.slot, held, unread[:most_read], len(unread) <= most_read)
            if not chunk.tokens or max(unread) >= self._vocabulary_size or not is_text(unread):
                continue
            if self._make_room(coming + len(chunk)):
                coming += len(chunk)
                most_read -= len(chunk)
                yield guess, chunk

    def _run(self, chunks: _Pass) -> None:
        samplers = [self._sampler if chunk.sample else None for _, chunk in chunks]
        drawn = iter(self._decoder.decode([chunk for _, chunk in chunks], samplers))
        for guess, chunk in chunks:
            self._held[chunk.slot] += chunk.tokens
            if chunk.sample:
                (token,) = next(drawn)
                guess.tried += 1
                if token != UNSURE and token < self._vocabulary_size:
                    guess.tokens.append(token)

    def _next(self, guess: _Guess) -> Chunk:
        slot = guess.follower.slot
        return Chunk(slot, len(self._held[slot]), (guess.tokens[-1],), True)

    def _make_room(self, coming: int) -> bool:
        """Whether so many more tokens fit, once what free slots hold is forgotten as far as need be."""
        for slot in self._free:
            if self._used + coming <= self._decoder.cells:
                break
            self._cut(slot, 0)
        return self._used + coming <= self._decoder.cells

    @property
    def _used(self) -> int:
        return sum(map(len, self._held))

    def _cut(self, slot: int, length: int) -> None:
        held = self._held[slot]
        if len(held) > length:
            del held[self._decoder.keep(slot, length) :]
