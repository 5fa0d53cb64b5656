"""`POST /api/v0/completions`: replies and chunks. The body is `requests/text.py`.

Several prompts are answered one after the other; their tokens and times are added up.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from lms.generation.events import Finished
from lms.server.answers import Answer, Head, Tagged, TextChunks, text_choice, total, usage_body
from lms.server.lmstudio_v0.facts import facts
from lms.server.sse import Chunk


def body(answers: Sequence[Answer], head: Head) -> dict[str, Any]:
    """The reply to a request that does not stream."""
    choices = [text_choice(index, answer.text, answer.finish_reason) for index, answer in enumerate(answers)]
    return _object(head, choices) | _end([answer.finished for answer in answers], head)


def chunks(batches: Iterable[Tagged], head: Head, prompts: int = 1) -> Iterator[tuple[Chunk, ...]]:
    """The chunks of a streamed reply to so many `prompts`. The very last one carries the usage and the facts."""
    pieces = TextChunks(partial(_object, head))
    ends: list[Finished] = []
    for index, batch in batches:
        news = pieces.of(index, batch)
        ends += [event for event in batch if isinstance(event, Finished)]
        if len(ends) == prompts:
            news[-1] = pieces.end(index, ends[-1].reason) | _end(ends, head)
        yield tuple(news)


def _object(head: Head, choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": head.id,
        "object": "text_completion",
        "created": head.created_s,
        "model": head.model,
        "choices": choices,
    }


def _end(ends: Sequence[Finished], head: Head) -> dict[str, Any]:
    finished = total(ends)
    return {"usage": usage_body(finished.usage)} | facts(finished, head.lease)
