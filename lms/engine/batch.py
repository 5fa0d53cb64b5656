"""Continuous batching: sequences join and leave between passes, and every pass serves all of them.

`insert` queues a sequence, `step` runs one pass and says what came of it, `remove` ends a sequence. What sequences
share is processed once: a new one copies the longest beginning that any running or finished one holds, and waits while
another is just processing more of it. Cells of memory are shared too: when they run out, what finished sequences left
goes first, the least recently used before others; then the youngest running sequence waits, its tokens kept.
"""

from collections import deque
from collections.abc import Iterator
from collections.abc import Sequence as Tokens
from dataclasses import dataclass, replace
from itertools import islice

from lms.engine.draft_model import NO_EFFORT, Effort
from lms.engine.model import Chunk, Decoder, Dictation, Guide, Likelihood, Picture
from lms.engine.overflow import Window
from lms.engine.picture_tokens import is_of_text
from lms.engine.prefix import common_prefix
from lms.engine.scheduler import Limits, plan
from lms.engine.sequence import Sequence
from lms.engine.slots import Found, Slots
from lms.engine.speculator import Plan, Speculator
from lms.engine.states import StateStore
from lms.generation.request import Sampling

# So many more shared tokens make it worth to wait for them: fewer are processed in about one pass anyway.
WORTH_WAITING_TOKENS = 16
# The end of a prompt is processed even if memory holds it. One token at least, or there were nothing to draw from; and
# not one alone: ggml multiplies a single row with other instructions, and rounds 16-bit weights otherwise. With two the
# same request gives the same logits, and the same seed the same text, whether its prompt was in memory or not.
FRESH_TOKENS = 2
# For so many of the longest passes an answer that has its first token may stand still.
STANDING_PASSES = 8
# So long an engine sleeps that waits for a picture to be looked at.
LOOKING_S = 0.05
# Memory that is not divisible is stored after so many tokens of a prompt, and each time so many more.
MARKED_TOKENS = 512
NOTHING_FOUND = Found(0)


@dataclass(frozen=True)
class Progressed:
    """So much of the sequence's prompt is processed."""

    uid: int
    processed: int
    total: int
    cached: int


@dataclass(frozen=True)
class Measured:
    """So likely were the next tokens of the sequence's prompt. They come in order, from its second token on."""

    uid: int
    likelihoods: Tokens[Likelihood]


@dataclass(frozen=True)
class Rolled:
    """The sequence has outgrown its window: it goes on without so many tokens."""

    uid: int
    left_out: int


@dataclass(frozen=True)
class Sampled:
    """The sequence's next tokens: the first so many of `drafted` ones that were right, and one more.

    Or some more, where tokens that were there to fill the pass were right by chance. How likely each was, if wanted.
    """

    uid: int
    tokens: Tokens[int]
    drafted: int = 0
    likelihoods: Tokens[Likelihood] = ()


Outcome = Progressed | Measured | Rolled | Sampled


@dataclass(frozen=True)
class Work:
    """What a pass took: tokens in all, and of them those that were guessed; whether it only continued answers; whether
    it looked at pictures; and what the draft model did for it before."""

    tokens: int = 0
    drafted: int = 0
    answers_only: bool = False
    pictures: bool = False
    guessing: Effort = NO_EFFORT


class Batch:
    """Owns the decoder. One thread only.

    `limits` may be set anew between passes; `last` is the last pass. `speculator` says what is guessed ahead.
    """

    def __init__(
        self, decoder: Decoder, limits: Limits, store: StateStore | None = None, *, speculates: bool = False
    ) -> None:
        self.limits = limits
        self.last = Work()
        self.speculator = Speculator(looks_up=speculates and decoder.divisible)
        self._decoder = decoder
        self._slots = Slots(decoder, StateStore(0) if store is None else store)
        self._marks_prompts = store is not None and not decoder.divisible
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []
        self._answers_turn = False
        self._stood = 0

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

    def insert(
        self,
        uid: int,
        tokens: Tokens[int],
        sampling: Sampling,
        guide: Guide | None = None,
        *,
        pictures: tuple[Picture, ...] = (),
        draft_model: bool = False,
        dictation: Dictation | None = None,
        logprobs: int | None = None,
        measures: bool = False,
        window: Window | None = None,
    ) -> None:
        """Queue a sequence of at least one token, of which `guide` says what may follow. It runs until it is removed.

        The last token stands for no part of a picture. The draft model may guess for it. `dictation` and `logprobs` are
        as `Decoder.sampler` has them; if it `measures`, the tokens of the prompt are told about too, and so all of it
        is processed. With a `window` it goes on for ever.
        """
        said = list(filter(is_of_text, tokens))
        sampler = self._decoder.sampler(sampling, guide, prompt=said, dictation=dictation, logprobs=logprobs)
        sequence = Sequence(uid, list(tokens), sampler, pictures, logprobs=logprobs is not None, window=window)
        if measures:
            sequence.measured = 0
        self.speculator.begin(sequence, guide, draft_model=draft_model)
        self._waiting.append(sequence)

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
        self.speculator.end(uid)
        sequence.sampler.close()

    def reset(self) -> None:
        """End every sequence and forget everything in memory, after a pass that failed."""
        for sequence in (*self._running, *self._waiting):
            sequence.sampler.close()
        self._running.clear()
        self._waiting.clear()
        self.speculator.clear()
        self._slots.clear()

    def close(self, timeout_s: float) -> None:
        """End every sequence; what they processed is stored, if there is a store that outlives the model."""
        for uid in [sequence.uid for sequence in (*self._running, *self._waiting)]:
            self.remove(uid)
        self._slots.close(timeout_s)

    def step(self) -> list[Outcome]:
        """Run one pass. A pass over tokens that were processed before, and put off, has nothing to tell."""
        rolled = self._roll()
        self._admit()
        planned = self._with_drafts(self._fitting(self._within_outputs(self._plan())))
        self.last = _work(planned, self.speculator.effort)
        if not planned:
            self._wait_for_a_picture()
            return rolled
        samplers = [sequence.sampler if chunk.sample or chunk.targets else None for sequence, chunk in planned]
        drawn = iter(self._decoder.decode([chunk for _, chunk in planned], samplers))
        return rolled + [outcome for sequence, chunk in planned for outcome in self._advance(sequence, chunk, drawn)]

    def _roll(self) -> list[Outcome]:
        """Let those that have outgrown their windows go on without their middle. What follows it is processed again."""
        outgrown = [sequence for sequence in self._running if sequence.window and sequence.has_outgrown_its_window]
        return [Rolled(sequence.uid, self._rolled(sequence)) for sequence in outgrown]

    def _rolled(self, sequence: Sequence) -> int:
        kept, left_out = sequence.roll()
        sequence.processed = self._slots.keep(sequence.slot, kept)
        self.speculator.begin_again(sequence)
        return left_out

    def _admit(self) -> None:
        """Let waiting sequences run, in their order; only those that follow another's prompt are passed over."""
        for sequence in list(islice(self._waiting, self._decoder.parallel)):
            if len(self._running) == self._decoder.parallel:
                return
            found = NOTHING_FOUND if sequence.measured >= 0 else self._slots.find(_reusable(sequence))
            if sequence.measured < 0 and self._is_worth_waiting(sequence, found):
                continue
            if not self._has_room_for(sequence, found):
                return
            self._waiting.remove(sequence)
            slot, held = self._slots.take(found, sequence.tokens)
            sequence.begin(slot, self._slots.keep(slot, sequence.undivided(held)))
            if self._marks_prompts:
                sequence.marks = _marks(sequence.prompt_length)
            self._running.append(sequence)

    def _is_worth_waiting(self, sequence: Sequence, found: Found) -> bool:
        """Whether a running sequence is about to process more of this one's beginning than there is of it yet."""
        coming = (self._coming(running, sequence) for running in self._running if not running.is_decoding)
        return max(coming, default=0) >= found.length + WORTH_WAITING_TOKENS

    def _coming(self, running: Sequence, sequence: Sequence) -> int:
        """How much of what `sequence` begins with `running` will have processed, for both to use.

        Memory that is not divisible can be used by both only as it is just then: it is stored at that point.
        """
        shared = common_prefix(running.tokens[: running.prompt_length], _reusable(sequence))
        if self._decoder.divisible:
            return shared
        if not self._marks_prompts or shared <= running.processed:
            return 0
        if shared not in running.marks:
            running.marks.append(shared)
        return shared

    def _has_room_for(self, sequence: Sequence, found: Found) -> bool:
        """Whether all its tokens fit beside all of the running ones', with one more token for each."""
        if not self._running:
            return True
        held = self._slots.cells_with(found, (running.slot for running in self._running))
        coming = sum(running.pending + 1 for running in self._running) + len(sequence.tokens) + 1
        return held + coming <= self._decoder.cells

    def _plan(self) -> Plan:
        """The next pass: for all that run, unless prompts and answers take turns.

        They do where each slot has a memory of its own, one prompt at a time: a pass in which slots get unequal numbers
        of tokens is computed as several there, and each of them walks all weights. So does a pass for a few answers,
        which is why those that have only begun stand still for the prompts that came with theirs.
        """
        able = self._able()
        prompts = [sequence for sequence in able if not sequence.is_decoding]
        if self._decoder.slot_cells == self._decoder.cells or not prompts:
            self._stood = 0
            return plan(able, self.limits)
        answers = [sequence for sequence in able if sequence.is_decoding]
        if not answers:
            return plan(prompts[:1], self.limits)
        if self._stood < STANDING_PASSES * self.limits.alone and all(answer.has_only_begun for answer in answers):
            planned = plan(prompts[:1], self.limits)
            self._stood += _tokens_of(planned)
            return planned
        self._answers_turn = not self._answers_turn
        if self._answers_turn:
            self._stood = 0
            return plan(answers, self.limits)
        return plan(prompts[:1], replace(self.limits, alone=self.limits.beside_answers))

    def _able(self) -> list[Sequence]:
        """Those of the running sequences that need not wait until their next picture has been looked at."""
        return [
            sequence
            for sequence in self._running
            if (picture := sequence.next_picture) is None or self._decoder.sees(picture)
        ]

    def _wait_for_a_picture(self) -> None:
        """Nobody has anything to do but wait for one: do that for a moment, and see who has come or gone."""
        if picture := next((sequence.next_picture for sequence in self._running), None):
            self._decoder.sees(picture, LOOKING_S)

    def _with_drafts(self, planned: Plan) -> Plan:
        """The plan, with drafts for the answers whose next tokens can be guessed, as far as there is room for them."""
        free = self._decoder.cells - self._slots.cells - _tokens_of(planned)
        outputs = len(planned) + sum(len(chunk.targets) for _, chunk in planned)
        room = min(free, self._decoder.outputs - outputs)
        drafted = self.speculator.with_drafts(planned, room, self.limits.beside_answers)
        return [(sequence, self._within_slot(chunk)) for sequence, chunk in drafted]

    def _within_slot(self, chunk: Chunk) -> Chunk:
        """The chunk without that part of its draft for which its slot has no cells."""
        if not chunk.draft:
            return chunk
        room = max(0, self._decoder.slot_cells - chunk.start - len(chunk.tokens))
        return chunk if len(chunk.draft) <= room else replace(chunk, draft=chunk.draft[:room])

    def _within_outputs(self, planned: Plan) -> Plan:
        """The plan, with as much of prompts that are measured as a pass can say something about."""
        if not any(chunk.targets for _, chunk in planned):
            return planned
        room = self._decoder.outputs - len(planned)
        fitting = []
        for sequence, chunk in planned:
            if chunk.targets:
                chunk = sequence.chunk(min(len(chunk), 1 + room))
                room -= len(chunk) - 1
            fitting.append((sequence, chunk))
        return fitting

    def _fitting(self, planned: Plan) -> Plan:
        """The plan, once there is room for it: memory is made by forgetting, then by putting sequences off."""
        while self._slots.cells + _tokens_of(planned) > self._decoder.cells:
            if not self._slots.forget_oldest():
                self._put_off(self._running.pop())
                planned = self._within_outputs(self._plan())
        return planned

    def _put_off(self, sequence: Sequence) -> None:
        self._slots.drop(sequence.slot)
        self.speculator.rest(sequence.uid)
        sequence.put_off()
        self._waiting.appendleft(sequence)

    def _advance(self, sequence: Sequence, chunk: Chunk, drawn: Iterator[list[int]]) -> list[Outcome]:
        """Take in what the pass did to one sequence: `drawn` has the tokens of each that asked for some, in turn."""
        tokens = next(drawn) if chunk.sample else []
        outcomes: list[Outcome] = []
        likelihoods: Tokens[Likelihood] = ()
        if sequence.logprobs:
            likelihoods = sequence.sampler.likelihoods()
            if chunk.targets:
                outcomes.append(Measured(sequence.uid, sequence.news(likelihoods[: len(chunk.targets)])))
                likelihoods = likelihoods[len(chunk.targets) :]
        held = chunk.tokens + tuple(tokens[:-1])
        self._slots.extend(chunk.slot, held)
        sequence.advance(held, tokens)
        if sequence.processed in sequence.marks:
            self._slots.store(sequence.slot)
        done = min(sequence.processed, sequence.prompt_length)
        if done > sequence.told:
            sequence.told = done
            outcomes.append(Progressed(sequence.uid, done, sequence.prompt_length, sequence.cached))
        if tokens:
            drafted = self.speculator.verified(sequence.uid, len(tokens) - 1)
            outcomes.append(Sampled(sequence.uid, tokens, drafted, likelihoods))
        return outcomes


def _reusable(sequence: Sequence) -> list[int]:
    """The tokens of a new sequence that need not be processed if memory holds them."""
    return sequence.tokens[: sequence.undivided(max(0, len(sequence.tokens) - FRESH_TOKENS))]


def _marks(prompt_length: int) -> list[int]:
    """Where memory that is not divisible is stored: on the way, for prompts that share a part, and at the end."""
    end = prompt_length - FRESH_TOKENS
    return [*range(MARKED_TOKENS, end, MARKED_TOKENS), end]


def _tokens_of(planned: Plan) -> int:
    return sum(len(chunk) for _, chunk in planned)


def _work(planned: Plan, guessing: Effort) -> Work:
    drafted = sum(len(chunk.draft) for _, chunk in planned)
    answers_only = bool(planned) and all(sequence.is_decoding for sequence, _ in planned)
    pictures = any(chunk.picture for _, chunk in planned)
    return Work(_tokens_of(planned), drafted, answers_only, pictures, guessing)
