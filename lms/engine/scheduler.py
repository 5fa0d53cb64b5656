"""Which tokens go into the next pass. Pure: it looks at sequences and returns chunks.

Decode first: every sequence that waits for its next token gets it in every pass. Then prompts join in the order of
their arrival, up to a limit that is smaller while anything decodes: no running answer waits longer than such a chunk
takes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lms.engine.model import Chunk
from lms.engine.sequence import Sequence


@dataclass(frozen=True)
class Limits:
    """Prompt tokens in one pass: when it processes only prompts, and beside the next tokens of running answers."""

    alone: int
    beside_answers: int


def plan(running: Iterable[Sequence], limits: Limits) -> list[tuple[Sequence, Chunk]]:
    """The chunks of the next pass, at most one a sequence, decoding ones before prompts."""
    sequences = list(running)
    decoding = [sequence for sequence in sequences if sequence.is_decoding]
    prompts = [sequence for sequence in sequences if not sequence.is_decoding]
    room = limits.beside_answers if decoding else limits.alone
    return [(sequence, sequence.chunk(1)) for sequence in decoding] + list(_fill(prompts, room))


def _fill(prompts: Iterable[Sequence], room: int) -> Iterator[tuple[Sequence, Chunk]]:
    for sequence in prompts:
        if room <= 0:
            return
        chunk = sequence.chunk(room)
        room -= len(chunk.tokens)
        yield sequence, chunk
