"""Which tokens go into the next pass. Pure: it looks at sequences and returns chunks.

Decode first: every sequence that waits for its next token gets it in every pass. What is left of the pass is filled
with prompts in the order of their arrival. While anything decodes, at most `prefill_chunk` prompt tokens join a pass,
so no running answer waits longer than one such chunk takes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lms.engine.model import Chunk
from lms.engine.sequence import Sequence


@dataclass(frozen=True)
class Limits:
    """Tokens: of one pass in all, and of prompts in a pass that also decodes."""

    batch_tokens: int
    prefill_chunk: int


def plan(running: Iterable[Sequence], limits: Limits) -> list[tuple[Sequence, Chunk]]:
    """The chunks of the next pass, at most one a sequence, decoding ones before prompts."""
    sequences = list(running)
    decoding = [sequence for sequence in sequences if sequence.is_decoding]
    prompts = [sequence for sequence in sequences if not sequence.is_decoding]
    left = limits.batch_tokens - len(decoding)
    room = min(left, limits.prefill_chunk) if decoding else left
    return [(sequence, sequence.chunk(1)) for sequence in decoding] + list(_fill(prompts, room))


def _fill(prompts: Iterable[Sequence], room: int) -> Iterator[tuple[Sequence, Chunk]]:
    for sequence in prompts:
        if room <= 0:
            return
        chunk = sequence.chunk(room)
        room -= len(chunk.tokens)
        yield sequence, chunk
