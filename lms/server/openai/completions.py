"""`POST /v1/completions`: replies and chunks. The body is `requests/text.py`.

Several answers are given side by side; `index` says which one a choice is: first come all to the first prompt.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from lms.generation.events import Finished
from lms.server.answers import Answer, Head, Tagged, in_order, stats_body, total, usage_body
from lms.server.choices import TextChunks, text_choices
from lms.server.sse import Chunk


def body(answers: Sequence[Answer], head: Head, answers_each: int = 1) -> dict[str, Any]:
    """The reply to a request that does not stream."""
    finished = total([answer.finished for answer in answers], answers_each)
    return _object(head, text_choices(answers)) | _end(finished)


def chunks(
    batches: Iterable[Tagged], head: Head, include_usage: bool = False, answers_each: int = 1
) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of a streamed reply, from events tagged with the number of their answer."""
    pieces = TextChunks(partial(_object, head))
    ends: dict[int, Finished] = {}
    for index, batch in batches:
        yield tuple(pieces.of(index, batch))
        if batch and isinstance(batch[-1], Finished):
            ends[index] = batch[-1]
    if include_usage:
        yield (_object(head, []) | _end(total(in_order(ends), answers_each)),)


def _end(finished: Finished) -> dict[str, Any]:
    return {"usage": usage_body(finished.usage), "stats": stats_body(finished.stats)}


def _object(head: Head, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": head.id,
        "object": "text_completion",
        "created": head.created_s,
        "model": head.model,
        "system_fingerprint": head.model,
        "choices": choices,
    }
