"""`POST /v1/completions`: replies and chunks. The body is `requests/text.py`.

Several prompts are answered one after the other; `index` says which one a choice belongs to.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from lms.generation.events import Finished
from lms.server.answers import Answer, Head, Tagged, TextChunks, draft_stats, text_choice, total, usage_body
from lms.server.sse import Chunk


def body(answers: Sequence[Answer], head: Head) -> dict[str, Any]:
    """The reply to a request that does not stream."""
    choices = [text_choice(index, answer.text, answer.finish_reason) for index, answer in enumerate(answers)]
    finished = total([answer.finished for answer in answers])
    return _object(head, choices) | {"usage": usage_body(finished.usage), "stats": draft_stats(finished.stats)}


def chunks(batches: Iterable[Tagged], head: Head, include_usage: bool = False) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of a streamed reply, from events tagged with the number of their prompt."""
    pieces = TextChunks(partial(_object, head))
    ends: list[Finished] = []
    for index, batch in batches:
        yield tuple(pieces.of(index, batch))
        ends += [event for event in batch if isinstance(event, Finished)]
    if include_usage:
        yield (_object(head, []) | {"usage": usage_body(total(ends).usage)},)


def _object(head: Head, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": head.id,
        "object": "text_completion",
        "created": head.created_s,
        "model": head.model,
        "system_fingerprint": head.model,
        "choices": choices,
    }
