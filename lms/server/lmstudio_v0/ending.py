"""How replies of the REST API v0 end: with the usage, and what `facts.py` says, of all answers together."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lms.generation.events import Finished
from lms.server.answers import Head, Tagged, in_order, total, usage_body
from lms.server.choices import ChatChunks, TextChunks
from lms.server.lmstudio_v0.facts import facts
from lms.server.sse import Chunk


def ending(ends: Sequence[Finished], answers_each: int, head: Head) -> dict[str, Any]:
    """What stands beside the choices."""
    finished = total(ends, answers_each)
    return {"usage": usage_body(finished.usage)} | facts(finished, head.lease)


def ended(
    batches: Iterable[Tagged], pieces: ChatChunks | TextChunks, head: Head, answers: int, answers_each: int
) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of so many streamed `answers`, batch by batch, the very last one with the ending."""
    ends: dict[int, Finished] = {}
    for index, batch in batches:
        news = pieces.of(index, batch)
        if batch and isinstance(batch[-1], Finished):
            ends[index] = batch[-1]
        if len(ends) == answers:
            news[-1] = pieces.end(index, ends[index].reason) | ending(in_order(ends), answers_each, head)
        yield tuple(news)
