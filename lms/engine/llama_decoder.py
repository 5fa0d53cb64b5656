"""The forward pass over llama.cpp, and its memory.

The token arrays of `llama_batch` are numpy arrays that are filled by slices: building them token by token through
ctypes costs more than a small model's whole pass.
"""

from __future__ import annotations  # llama_cpp names its pointer types for type checkers only

import ctypes
from collections.abc import Sequence as Tokens
from typing import TYPE_CHECKING

import llama_cpp.llama_cpp as C
import numpy as np

from lms.engine.fillers import Fillers
from lms.engine.llama_dry import DrySamplers
from lms.engine.llama_positions import Positions
from lms.engine.llama_sampling import LlamaSampler
from lms.engine.model import Chunk, Dictation, Guide, Picture
from lms.errors import EngineFailed
from lms.generation.request import Sampling

if TYPE_CHECKING:
    from lms.engine.llama_vision import LlamaVision

# A processor's attention passes over every used cell of a shared cache, if only to skip it: among 16,384 of them a
# token of a 0.5B model takes 92 ms instead of 52. To put 1,000 cells back from the store takes 10 ms, once.
LEAVINGS = 1024


class TokenBatch:
    """A `llama_batch` of up to `capacity` tokens whose memory is numpy's. Refilled for each pass."""

    def __init__(self, capacity: int) -> None:
        self._tokens = np.zeros(capacity, np.int32)
        self._positions = np.zeros(capacity, np.int32)
        self._sequences = np.zeros(capacity, np.int32)
        self._wanted = np.zeros(capacity, np.int8)
        self._ones = np.ones(capacity, np.int32)
        self._addresses = self._sequences.ctypes.data + 4 * np.arange(capacity, dtype=np.uint64)
        self.native = C.llama_batch(
            token=_pointer(self._tokens, C.llama_token),
            pos=_pointer(self._positions, C.llama_pos),
            n_seq_id=_pointer(self._ones, ctypes.c_int32),
            seq_id=_pointer(self._addresses, ctypes.POINTER(C.llama_seq_id)),
            logits=_pointer(self._wanted, ctypes.c_int8),
        )
        self.clear()

    def clear(self) -> None:
        self.native.n_tokens = 0

    def add(self, sequence: int, start: int, tokens: Tokens[int], wanted: int) -> int:
        """Append `tokens` at positions from `start`, and ask for the outputs of the last `wanted` of them.

        Returns the row that follows them all.
        """
        first = self.native.n_tokens
        end = first + len(tokens)
        self._tokens[first:end] = tokens
        self._positions[first:end] = np.arange(start, start + len(tokens))
        self._sequences[first:end] = sequence
        self._wanted[first:end] = 0
        self._wanted[end - wanted : end] = 1
        self.native.n_tokens = end
        return end


class LlamaDecoder:
    """Implements `Decoder`."""

    def __init__(
        self, context: C.llama_context_p, parallel: int, outputs: int, vision: LlamaVision | None = None
    ) -> None:
        """`outputs` is what the context has room for in one pass; `vision` shows it pictures."""
        self.parallel = parallel
        self.outputs = outputs
        self.slots = int(C.llama_n_seq_max(context))
        self.cells = int(C.llama_n_ctx(context))
        self.slot_cells = int(C.llama_n_ctx_seq(context))
        self._split = self.slot_cells < self.cells
        self.leavings = self.cells if self._split or C.llama_supports_gpu_offload() else LEAVINGS
        self._context = context
        self._vision = vision
        self._positions = Positions(self.slots)
        self._memory = C.llama_get_memory(context)
        model = C.llama_get_model(context)
        self.divisible = not has_state(model)
        # Of layers with a sliding window, only the window is saved.
        self.states_divisible = self.divisible and C.llama_model_n_swa(model) == 0
        self._fillers = Fillers(self.slots)
        self._fills = self._split and self.states_divisible and vision is None
        vocab = C.llama_model_get_vocab(model)
        self._vocabulary_size: int = C.llama_vocab_n_tokens(vocab)
        self._dry = DrySamplers(vocab, self.slot_cells)
        self._batch = TokenBatch(int(C.llama_n_batch(context)))

    def sampler(
        self,
        sampling: Sampling,
        guide: Guide | None = None,
        *,
        prompt: Tokens[int] = (),
        dictation: Dictation | None = None,
        logprobs: int | None = None,
    ) -> LlamaSampler:
        dry = self._dry.new(sampling, prompt)
        return LlamaSampler(sampling, self._vocabulary_size, guide, dry=dry, dictation=dictation, logprobs=logprobs)

    def sees(self, picture: Picture, timeout_s: float = 0.0) -> bool:
        return self._vision is not None and self._vision.sees(picture, timeout_s)

    def decode(self, chunks: Tokens[Chunk], samplers: Tokens[LlamaSampler | None]) -> list[list[int]]:
        texts = [chunk for chunk in chunks if chunk.picture is None]
        ends = self._pass(texts) if texts else {}
        asking = [(chunk, sampler) for chunk, sampler in zip(chunks, samplers, strict=True) if sampler is not None]
        for chunk, sampler in asking:
            self._measure(chunk, ends[chunk.slot], sampler)
        drawn = [self._draw(chunk, ends[chunk.slot], sampler) for chunk, sampler in asking if chunk.sample]
        for chunk in chunks:
            if chunk.picture is not None:
                self._look(chunk)
        return drawn

    def keep(self, slot: int, length: int) -> int:
        """As `Decoder.keep`. Where the memory cannot be cut there, everything is forgotten."""
        kept = length if length and self._can_cut(slot, length) else 0
        if not kept:
            C.llama_memory_seq_rm(self._memory, slot, -1, -1)
        self._positions.cut(slot, kept)
        return kept

    def share(self, source: int, slot: int, length: int) -> bool:
        """As `Decoder.share`. Copies nothing in a unified cache: the cells are marked as the other slot's too."""
        if not self._is_whole(source):
            return False
        if self._split:
            return self._copy(source, slot, length)
        C.llama_memory_seq_cp(self._memory, source, slot, 0, self._positions.of(source, length))
        self._positions.share(source, slot, length)
        return True

    def state_bytes(self, slot: int) -> int:
        return int(C.llama_state_seq_get_size(self._context, slot)) + len(self._pictures(slot))

    def save(self, slot: int) -> bytes:
        state = (ctypes.c_uint8 * C.llama_state_seq_get_size(self._context, slot))()
        C.llama_state_seq_get_data(self._context, state, len(state), slot)
        return bytes(state) + self._pictures(slot)

    def restore(self, slot: int, state: bytes) -> bool:
        size = len(state) if self._vision is None else self._positions.unpack(slot, state)
        start = ctypes.cast(ctypes.c_char_p(state), ctypes.POINTER(ctypes.c_uint8))
        if C.llama_state_seq_set_data(self._context, start, size, slot):
            return True
        self.keep(slot, 0)
        return False

    def _pictures(self, slot: int) -> bytes:
        """What a saved state tells of pictures, if the model knows any."""
        return b"" if self._vision is None else self._positions.packed(slot)

    def _copy(self, source: int, slot: int, length: int) -> bool:
        """As `share`, in a cache with a stream for each slot.

        Between streams `llama_memory_seq_cp` ends the process unless it copies all cells of one, used or not, and it
        copies them later, when a state that is saved before then would lack them.
        """
        whole = self._positions.of(source, length) == C.llama_memory_seq_pos_max(self._memory, source) + 1
        if not (whole or self.states_divisible) or not self.restore(slot, self.save(source)):
            return False
        return self.keep(slot, length) == length

    def _can_cut(self, slot: int, length: int) -> bool:
        """Cut there, if that is possible. A cut at the end always is, one in the middle of a picture never."""
        if self._positions.divides(slot, length):
            return False
        position = self._positions.of(slot, length)
        if position == C.llama_memory_seq_pos_max(self._memory, slot) + 1:
            return True
        return self._is_whole(slot) and bool(C.llama_memory_seq_rm(self._memory, slot, position, -1))

    def _is_whole(self, slot: int) -> bool:
        """Whether every position of `slot` is in memory. A recurrent state holds the last one only, and a sliding
        window that has moved on lacks the first ones: to reuse a part of either would go unnoticed, and be wrong."""
        return bool(C.llama_memory_seq_pos_min(self._memory, slot) == 0)

    def _pass(self, chunks: Tokens[Chunk]) -> dict[int, int]:
        """Process all chunks, which are of text, and return the row that follows each, by its slot.

        They go in the order of their slots: of a split cache, llama.cpp computes only those streams together that
        follow each other. Eight answers took 5.1 s of processor time so, and 11.7 s in the order of their arrival.
        """
        filling = self._filling(chunks)
        self._batch.clear()
        ends = {chunk.slot: self._add(chunk) for chunk in sorted((*chunks, *filling), key=lambda chunk: chunk.slot)}
        status = C.llama_decode(self._context, self._batch.native)
        self._fillers.passed()
        for chunk in filling:
            C.llama_memory_seq_rm(self._memory, chunk.slot, chunk.start, -1)
        if status != 0:
            raise EngineFailed(
                f"llama.cpp could not process a batch of {self._batch.native.n_tokens} tokens ({status})."
            )
        return ends

    def _filling(self, chunks: Tokens[Chunk]) -> list[Chunk]:
        """Tokens in idle slots with which the pass is quicker, to be taken back after it."""
        alone = len(chunks) == 1  # has nobody between, and nothing is quicker than one row
        if not self._fills or alone or len(chunks) == self.slots or any(len(chunk) > 1 for chunk in chunks):
            return []
        used = sorted(chunk.slot for chunk in chunks)
        slots = self._fillers.chosen(used, lambda slot: self._length(slot) < self.slot_cells)
        return [Chunk(slot, self._length(slot), chunks[0].tokens, sample=False) for slot in slots]

    def _length(self, slot: int) -> int:
        return int(C.llama_memory_seq_pos_max(self._memory, slot)) + 1

    def _add(self, chunk: Chunk) -> int:
        position = self._positions.of(chunk.slot, chunk.start)
        return self._batch.add(chunk.slot, position, chunk.tokens + chunk.draft, chunk.outputs)

    def _look(self, chunk: Chunk) -> None:
        """Process the chunk of a picture."""
        assert self._vision is not None  # nobody else makes pictures
        assert chunk.picture is not None
        position = self._positions.of(chunk.slot, chunk.start)
        self._positions.add(chunk.slot, self._vision.show(self._context, chunk.slot, position, chunk.picture))

    def _measure(self, chunk: Chunk, end: int, sampler: LlamaSampler) -> None:
        for row, target in enumerate(chunk.targets, end - len(chunk)):
            sampler.measure(self._context, row, target)

    def _draw(self, chunk: Chunk, end: int, sampler: LlamaSampler) -> list[int]:
        """As many tokens as the draft has right, and one more. What it has wrong is taken back.

        Every token is drawn from the model's own distribution, with the random numbers it would have been drawn with:
        a draft can change how soon a token comes, never which.
        """
        rows = iter(range(end - 1 - len(chunk.draft), end))
        drawn = [sampler.draw(self._context, next(rows))]
        for guessed, row in zip(chunk.draft, rows, strict=True):
            if drawn[-1] != guessed:
                wrong = self._positions.of(chunk.slot, chunk.start + len(chunk.tokens) + len(drawn) - 1)
                C.llama_memory_seq_rm(self._memory, chunk.slot, wrong, -1)
                break
            drawn.append(sampler.draw(self._context, row))
        return drawn


def has_state(model: C.llama_model_p) -> bool:
    """Whether the model sums up what it has read, wholly or in part: what it has read last cannot be taken back."""
    return bool(C.llama_model_is_recurrent(model) or C.llama_model_is_hybrid(model))


def _pointer(array: np.ndarray, kind: type) -> object:
    return array.ctypes.data_as(ctypes.POINTER(kind))
